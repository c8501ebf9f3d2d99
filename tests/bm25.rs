//! The scores of passages: those of the textbook, whatever else is in the database.

use std::collections::{BTreeMap, BTreeSet};

use shared::db::search::Tuning;
use shared::domain::collection::SHARED_COLLECTION;
use shared::domain::{CollectionId, CollectionScope, UserId};
use uuid::Uuid;

use crate::support::{Book, Library, Reference};

/// Numbers that look random and are the same in every run.
struct Dice(u64);

impl Dice {
    fn below(&mut self, n: u64) -> u64 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % n
    }

    /// Few words are common and many are rare, as in any language.
    fn words(&mut self, count: u64) -> String {
        let words: Vec<String> = (0..count)
            .map(|_| {
                let most = 1 << (1 + self.below(9));
                format!("word{}", self.below(most))
            })
            .collect();
        words.join(" ")
    }

    fn book(&mut self, title: &'static str) -> Book<'static> {
        let count = 1 + self.below(5);
        let passages = (0..count).map(|_| {
            let heading = self.words(2);
            let length = 5 + self.below(60);
            (heading, self.words(length))
        });
        Book {
            configuration: "english",
            title,
            passages: passages.collect(),
        }
    }
}

async fn make_admin(library: &Library, reader: UserId) {
    let update = format!("UPDATE users SET role = 'admin' WHERE id = '{reader}'");
    library.database.execute(&update).await;
}

/// Every score of every question equals the textbook's; how far apart they are at most.
async fn compare(library: &Library, reader: UserId, questions: &[String]) {
    let scope = CollectionScope::everything_readable_by(reader);
    let client = library.database.client().await;
    let reference = Reference::read(&client, &scope.uuids()).await;
    for question in questions {
        let row = client
            .query_one(
                "SELECT tsvector_to_array(to_tsvector('english', $1)) AS words",
                &[question],
            )
            .await
            .unwrap();
        let asked: BTreeSet<String> = row.get::<_, Vec<String>>("words").into_iter().collect();
        let expected = reference.rank(&asked);
        let tuning = Tuning {
            exact_up_to: i32::MAX,
            parents: i32::MAX,
            ..Tuning::default()
        };
        let found = library.search(reader, &scope, question, (i32::MAX, tuning)).await;
        assert!(!found.is_empty() && found.len() == expected.len(), "{question}");
        let expected: BTreeMap<Uuid, f64> = expected.into_iter().collect();
        for (id, score) in &found {
            assert!(
                (score - expected[id]).abs() <= 1e-9,
                "{question}: {score} {}",
                expected[id]
            );
        }
        assert!(found.is_sorted_by(|one, other| one.1 >= other.1), "best first");
    }
}

#[tokio::test]
async fn scores_are_the_textbooks_over_several_collections_folded_or_not() {
    let library = Library::open().await;
    let (ada, bob) = (library.reader("ada").await, library.reader("bob").await);
    make_admin(&library, ada).await;
    let mut dice = Dice(1);
    let mut stored = Vec::new();
    for number in 0..45 {
        let book = dice.book(["word1 Word7", "Word500", "Notes"][number % 3]);
        match number % 3 {
            0 => drop(library.store(bob, &book).await),
            1 => stored.push(library.store(ada, &book).await),
            _ => drop(
                library
                    .store_in(ada, CollectionId::from(SHARED_COLLECTION), &book)
                    .await,
            ),
        }
    }
    let questions: Vec<String> = (0..12).map(|words| dice.words(1 + words) + " word1").collect();
    compare(&library, ada, &questions).await;
    library.fold().await;
    compare(&library, ada, &questions).await;
    library.delete(ada, stored[0]).await;
    library.store_again(ada, stored[1], &dice.book("Again")).await;
    compare(&library, ada, &questions).await;
}

#[tokio::test]
async fn term_frequencies_come_out_of_the_rank() {
    let library = Library::open().await;
    // Up to 300 repetitions among other words; a vector keeps 255 positions of a lexeme.
    let wrong = "
        SELECT count(*)
        FROM generate_series(0, 300) AS n,
             LATERAL (SELECT to_tsvector('simple', repeat('a b ', n) || repeat('c ', 7)) AS vector) AS made,
             unnest(ARRAY['a', 'b', 'c']) AS word
        WHERE width_bucket(ts_rank('{1,1,1,1}', vector, word::tsquery)::float8, rank_bounds())
              <> coalesce((SELECT cardinality(positions) FROM unnest(vector) WHERE lexeme = word), 0)";
    assert_eq!(library.database.number(wrong).await, 0);
    let most = "SELECT max(cardinality(positions))::int8 FROM unnest(to_tsvector('simple', repeat('a ', 300)))";
    assert_eq!(library.database.number(most).await, 255);
}

#[tokio::test]
async fn documents_of_others_change_nothing() {
    let library = Library::open().await;
    let (ada, bob) = (library.reader("ada").await, library.reader("bob").await);
    let mut dice = Dice(2);
    for _ in 0..10 {
        library.store(ada, &dice.book("Notes")).await;
    }
    let question = dice.words(12);
    let before = library.ask(ada, &question).await;
    assert!(before.len() > 5);
    for _ in 0..25 {
        library.store(bob, &dice.book("Notes")).await;
    }
    assert_eq!(library.ask(ada, &question).await, before, "unfolded");
    library.fold().await;
    assert_eq!(library.ask(ada, &question).await, before, "folded");
    let both = CollectionScope::stored(vec![ada.uuid(), bob.uuid(), SHARED_COLLECTION]);
    let found = library.search(ada, &both, &question, (100, Tuning::default())).await;
    assert_eq!(found, before, "named, but not readable");
    let of_bob = CollectionScope::stored(vec![bob.uuid()]);
    assert_eq!(
        library.search(ada, &of_bob, &question, (100, Tuning::default())).await,
        []
    );
}
