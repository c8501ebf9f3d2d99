//! What a question finds.

use std::collections::BTreeSet;

use shared::db::search::Tuning;
use shared::domain::{CollectionScope, UserId};
use uuid::Uuid;
use worker::rag::analysis;

use crate::support::{Book, Database, Docent, Library, wait_for};

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
    // By a connection without a limit: the worker gives up folding so many words on a machine that is very busy.
    // It may still be at it, and then nobody else folds.
    wait_for("the words to be folded", || async {
        database.number("SELECT fold_statistics(1000000)").await;
        let left = database.number("SELECT count(*) FROM statistics_deltas").await;
        (left == 0).then_some(())
    })
    .await;
    let (kept, all) = (
        database.number("SELECT length(terms)::int8 FROM document_terms").await,
        database.number("SELECT count(*) FROM term_statistics").await,
    );
    assert!(0 < kept && kept < all, "{kept} of {all} words fit");
    assert_eq!(
        database.number("SELECT length::int8 FROM document_terms").await,
        110_001
    );
    let library = Library::of(database);
    let ada = UserId::from(ada.id.parse::<Uuid>().unwrap());
    for word in [&words[0], &words[60_000], &words[109_999]] {
        assert_eq!(library.ask(ada, word).await.len(), 1, "{word}");
    }
    assert_eq!(database.number("SELECT count(*) FROM statistics_deltas").await, 0);
}

#[tokio::test]
async fn the_analysers_words_stay_whole_in_the_database() {
    let client = Database::create_empty().await.client().await;
    let texts = [
        "set max_tokens, maxTokens and MAX-TOKENS in config.yaml or src/main.rs",
        "write to ada@example.com or see https://example.com/a-b?c=d#e",
        "version v1.2.3 of 2024-05-01, 1,000 or 3.14 or -5, FY18 and 50%",
        "C++, C#, .NET, a/b/c, 127.0.0.1:8080, std::vec::Vec<T> and foo()->bar",
        "L'été naïve, Straße, ﬁne, 東京大学へ行く, 서울대학교, привет",
        "<b>bold</b> &amp; x&y 'quoted' \"quoted\" back\\slash $HOME @user #tag",
    ];
    for text in texts {
        let language = analysis::language_of(text);
        let indexed = analysis::for_index(text, language);
        let words: BTreeSet<String> = indexed.split_whitespace().map(str::to_owned).collect();
        let row = client
            .query_one(
                "SELECT tsvector_to_array(to_tsvector('simple', $1)) AS lexemes",
                &[&indexed],
            )
            .await
            .unwrap();
        let lexemes: BTreeSet<String> = row.get::<_, Vec<String>>("lexemes").into_iter().collect();
        assert_eq!(words, lexemes, "{text}");
    }
}
