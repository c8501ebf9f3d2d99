//! What a question finds, and in which order.

use std::collections::BTreeSet;

use serde_json::json;
use shared::db::search::Tuning;
use shared::domain::collection::SHARED_COLLECTION;
use shared::domain::{CollectionId, CollectionScope, UserId};
use uuid::Uuid;

use crate::support::{Book, Docent, Library, Reference};

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
        let expected: std::collections::BTreeMap<Uuid, f64> = expected.into_iter().collect();
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
async fn any_lexeme_can_be_stored_and_asked_for() {
    let library = Library::open().await;
    let wrong = r"
        SELECT count(*)
        FROM unnest(ARRAY['it''s', 'a\b', '''', '\', '\\''', 'a:1', 'a & b', '!x', '(', '*', '<->', 'ä|東', ' ']) AS word
        WHERE tsvector_to_array((quoted_lexeme(word) || ':1,2')::tsvector) <> ARRAY[word]
           OR NOT array_to_tsvector(ARRAY[word]) @@ quoted_lexeme(word)::tsquery";
    assert_eq!(library.database.number(wrong).await, 0);
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

#[tokio::test]
async fn nothing_is_found_only_if_no_word_is_there() {
    let library = Library::open().await;
    let ada = library.reader("ada").await;
    assert_eq!(library.ask(ada, "anything").await, [], "no documents");
    for number in 0..20 {
        let text = ["apples and pears", "bread with butter"][number % 2];
        library.store(ada, &Book::english("Food", &[text])).await;
    }
    let scope = CollectionScope::everything_readable_by(ada);
    // Every word counts as common, and no two of them ever stand together.
    let level_two = Tuning {
        exact_up_to: 0,
        candidates: 1,
        ..Tuning::default()
    };
    for (question, found) in [
        ("Do apples go with butter?", 20),
        ("an apple", 10),
        ("butter cars", 10),
        ("cars", 0),
        ("the of and", 0),
        ("?!", 0),
        ("", 0),
    ] {
        assert_eq!(library.ask(ada, question).await.len(), found, "{question}");
        for limit in [1, 100] {
            let hits = library.search(ada, &scope, question, (limit, level_two)).await;
            assert_eq!(hits.len(), found.min(limit as usize), "level two, {question}");
        }
    }
}

#[tokio::test]
async fn hostile_questions_are_questions() {
    let library = Library::open().await;
    let ada = library.reader("ada").await;
    let words: Vec<String> = (0..500)
        .map(|n| char::from_u32(0x4e00 + n).unwrap().to_string())
        .collect();
    let many = words.join(" ");
    for chunk in words.chunks(50) {
        library
            .store(ada, &Book::english("Signs", &[&chunk.join(" "), "quoted 'text' it's"]))
            .await;
    }
    assert_eq!(many.chars().count(), 999);
    // Each document has fifty of its words, and only the 64 rarest of all are asked for.
    assert!(!library.ask(ada, &many).await.is_empty());
    let quotes = r"it's 'quoted' & | ! <-> (text:* \ ''; DROP TABLE passages; -- $1 %L %s";
    let found = library.ask(ada, quotes).await;
    assert_eq!(
        found.len(),
        10,
        "the passages with the word are found, whatever stands around it"
    );
    assert_eq!(library.ask(ada, &"' ".repeat(500)).await, []);
}

#[tokio::test]
async fn each_language_is_found_by_its_own_stems() {
    let library = Library::open().await;
    let ada = library.reader("ada").await;
    let german = Book {
        configuration: "german",
        ..Book::english("Häuser", &["Die Häuser wurden verkauft."])
    };
    library.store(ada, &german).await;
    library
        .store(ada, &Book::english("Ships", &["The ships were sold."]))
        .await;
    assert_eq!(library.ask(ada, "Verkaufte er ein Haus?").await.len(), 1);
    assert_eq!(library.ask(ada, "a ship").await.len(), 1);
    assert_eq!(library.ask(ada, "ship, Haus").await.len(), 2);
}

#[tokio::test]
async fn without_statistics_any_word_finds_by_the_built_in_rank() {
    let library = Library::open().await;
    let ada = library.reader("ada").await;
    library
        .store(
            ada,
            &Book::english("A", &["one apple", "apple and pear and plum", "plum"]),
        )
        .await;
    library.database.execute("DELETE FROM statistics_deltas").await;
    let found = library.ask(ada, "apples or pears").await;
    let ranks = library
        .database
        .client()
        .await
        .query(
            "SELECT ts_rank(search, 'appl | pear', 1)::float8 AS rank FROM passage_terms
             WHERE search @@ 'appl | pear' ORDER BY rank DESC",
            &[],
        )
        .await
        .unwrap();
    let scores: Vec<f64> = found.into_iter().map(|(_, score)| score).collect();
    assert_eq!(scores, ranks.iter().map(|row| row.get("rank")).collect::<Vec<f64>>());
    assert_eq!(scores.len(), 2);
}

#[tokio::test]
async fn a_document_with_more_words_than_a_vector_holds_is_ingested_and_found() {
    let docent = Docent::start().await;
    let ada = docent.user("ada").await;
    let letters = |n: u32| -> String {
        (0..5)
            .map(|i| char::from(b'a' + (n / 14_u32.pow(i) % 14) as u8))
            .collect()
    };
    // Nine characters a word: over a hundred thousand different ones in one mebibyte.
    let words: Vec<String> = (0..110_000).map(|n| format!("{}xyz", letters(n))).collect();
    docent.upload(&ada, "Long", &words.join(" ")).await;
    let database = &docent.database;
    let (kept, all) = (
        database.number("SELECT length(terms)::int8 FROM document_terms").await,
        database.number("SELECT count(*) FROM term_statistics").await,
    );
    assert!(0 < kept && kept < all, "{kept} of {all} words fit");
    assert_eq!(
        database.number("SELECT length::int8 FROM document_terms").await,
        110_001
    );
    let library = Library::of(database.url.clone());
    let ada = UserId::from(ada.id.parse::<Uuid>().unwrap());
    for word in [&words[0], &words[60_000], &words[109_999]] {
        assert_eq!(library.ask(ada, word).await.len(), 1, "{word}");
    }
    assert_eq!(
        json!(database.number("SELECT count(*) FROM statistics_deltas").await),
        json!(0)
    );
}
