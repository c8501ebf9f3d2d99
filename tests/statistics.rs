//! How often words occur: counted exactly, whoever writes at the same time.

use std::sync::atomic::{AtomicBool, Ordering};

use shared::db::{documents, statistics, users};
use tokio_postgres::types::ToSql;
use uuid::Uuid;

use crate::support::{Book, Database, Library};

/// How many rows of the statistics, folded and not, differ from a recount of what is stored.
const WRONG: &str = "
    WITH counted AS (
        SELECT collection_id, lexeme, sum(passages) AS passages, sum(documents) AS documents
        FROM (SELECT collection_id, lexeme COLLATE \"default\" AS lexeme, passages, documents FROM term_statistics
              UNION ALL
              SELECT collection_id, change.lexeme, change.passages, change.documents
              FROM statistics_deltas, unnest(lexemes, in_passages, in_documents) AS change (lexeme, passages, documents)) AS t
        GROUP BY 1, 2 HAVING sum(passages) <> 0 OR sum(documents) <> 0
    ), stored AS (
        SELECT collection_id, lexeme, count(*)::numeric AS passages, 0::numeric AS documents
        FROM passage_terms, unnest(tsvector_to_array(search)) AS lexeme GROUP BY 1, 2
        UNION ALL
        SELECT d.collection_id, lexeme, 0, count(*)
        FROM document_terms t JOIN documents d ON d.id = t.document_id, unnest(tsvector_to_array(terms)) AS lexeme
        GROUP BY 1, 2
    ), recounted AS (
        SELECT collection_id, lexeme, sum(passages) AS passages, sum(documents) AS documents FROM stored GROUP BY 1, 2
    ), totals AS (
        SELECT collection_id, configuration, sum(passages) AS passages, sum(passage_length) AS passage_length,
               sum(documents) AS documents, sum(document_length) AS document_length
        FROM (SELECT collection_id, configuration, passages, passage_length, documents, document_length
              FROM collection_statistics
              UNION ALL
              SELECT collection_id, configuration, passages, passage_length, documents, document_length
              FROM statistics_deltas) AS t
        GROUP BY 1, 2 HAVING sum(passages) <> 0 OR sum(passage_length) <> 0 OR sum(documents) <> 0 OR sum(document_length) <> 0
    ), recounted_totals AS (
        SELECT d.collection_id, t.configuration, sum(p.n) AS passages, sum(p.length) AS passage_length,
               count(*)::numeric AS documents, sum(t.length)::numeric AS document_length
        FROM document_terms t JOIN documents d ON d.id = t.document_id,
             LATERAL (SELECT count(*) AS n, sum(length) AS length FROM passage_terms WHERE document_id = t.document_id) AS p
        GROUP BY 1, 2
    )
    SELECT (SELECT count(*) FROM ((TABLE counted EXCEPT TABLE recounted) UNION ALL (TABLE recounted EXCEPT TABLE counted)) AS w)
         + (SELECT count(*) FROM ((TABLE totals EXCEPT TABLE recounted_totals)
                                  UNION ALL (TABLE recounted_totals EXCEPT TABLE totals)) AS w)";

async fn rows(database: &Database, table: &str) -> i64 {
    database.number(&format!("SELECT count(*) FROM {table}")).await
}

fn book(number: usize) -> Book<'static> {
    let text = format!("common words and rare{number}, often{}", number % 5);
    Book::english("Common title", &[&text, "common ending"])
}

#[tokio::test]
async fn six_writers_and_two_folders_at_once_count_exactly() {
    let library = Library::open().await;
    let ada = library.reader("ada").await;
    let is_over = AtomicBool::new(false);
    let writer = |writer: usize| {
        let library = &library;
        async move {
            for number in 0..12 {
                let document = library.store(ada, &book(writer * 12 + number)).await;
                match number % 3 {
                    0 => library.delete(ada, document).await,
                    1 => library.store_again(ada, document, &book(1000 + number)).await,
                    _ => {}
                }
            }
        }
    };
    let folder = async || {
        let mut db = library.session().await;
        let mut folded = 0;
        while !is_over.load(Ordering::Relaxed) {
            folded += statistics::fold(&mut db, 30).await.unwrap();
        }
        folded
    };
    let writers = async {
        futures_util::future::join_all((0..6).map(writer)).await;
        is_over.store(true, Ordering::Relaxed);
    };
    let ((), one, other) = tokio::join!(writers, folder(), folder());
    assert!(one + other > 0, "some were folded meanwhile");
    assert_eq!(library.database.number(WRONG).await, 0);
    library.fold().await;
    assert_eq!(library.database.number(WRONG).await, 0);
    assert_eq!(rows(&library.database, "statistics_deltas").await, 0);
    assert_eq!(
        library
            .database
            .number("SELECT passages FROM collection_statistics")
            .await,
        6 * 8 * 2
    );
}

#[tokio::test]
async fn two_that_fold_at_once_fold_each_change_once() {
    let library = Library::open().await;
    let ada = library.reader("ada").await;
    for number in 0..20 {
        library.store(ada, &book(number)).await;
    }
    let (mut one, mut other) = (library.session().await, library.session().await);
    assert_eq!(
        statistics::fold(&mut one, 1).await.unwrap(),
        1,
        "as little as asked for"
    );
    let (first, second) = tokio::join!(statistics::fold(&mut one, 10_000), statistics::fold(&mut other, 10_000));
    assert_eq!(first.unwrap() + second.unwrap(), 19);
    assert_eq!(statistics::fold(&mut one, 10_000).await.unwrap(), 0);
    assert_eq!(library.database.number(WRONG).await, 0);
}

#[tokio::test]
async fn who_folds_while_another_does_leaves_it_to_that_one() {
    let library = Library::open().await;
    let ada = library.reader("ada").await;
    library.store(ada, &book(0)).await;
    let (mut one, mut other) = (library.session().await, library.session().await);
    one.begin().await.unwrap();
    assert_eq!(statistics::fold(&mut one, 10_000).await.unwrap(), 1);
    assert_eq!(statistics::fold(&mut other, 10_000).await.unwrap(), 0);
    drop(one);
    library.fold().await;
    assert_eq!(library.database.number(WRONG).await, 0);
}

#[tokio::test]
async fn words_that_only_a_deleted_document_had_are_forgotten() {
    let library = Library::open().await;
    let ada = library.reader("ada").await;
    let secret = library.store(ada, &Book::english("Mine", &["a secretword"])).await;
    library.store(ada, &Book::english("Mine", &["a word"])).await;
    library.fold().await;
    library.delete(ada, secret).await;
    library.fold().await;
    let left = "SELECT count(*) FROM term_statistics WHERE lexeme LIKE 'secret%'";
    assert_eq!(library.database.number(left).await, 0);
    assert_eq!(library.database.number(WRONG).await, 0);
}

#[tokio::test]
async fn a_deletion_that_is_not_committed_changes_nothing() {
    let library = Library::open().await;
    let ada = library.reader("ada").await;
    let document = library.store(ada, &book(0)).await;
    let before = library.ask(ada, "common").await;
    let mut db = library.session().await;
    db.begin().await.unwrap();
    assert!(documents::delete(&mut db, ada, document).await.unwrap().is_some());
    drop(db);
    assert_eq!(library.ask(ada, "common").await, before);
    assert_eq!(library.database.number(WRONG).await, 0);
}

#[tokio::test]
async fn several_that_delete_one_document_count_it_out_once() {
    let library = Library::open().await;
    let ada = library.reader("ada").await;
    library.store(ada, &book(0)).await;
    let document = library.store(ada, &book(1)).await;
    let delete = async || {
        let mut db = library.session().await;
        db.begin().await.unwrap();
        let deleted = documents::delete(&mut db, ada, document).await.unwrap();
        db.commit().await.unwrap();
        usize::from(deleted.is_some())
    };
    let (one, two, three) = tokio::join!(delete(), delete(), delete());
    assert_eq!(one + two + three, 1);
    assert_eq!(library.database.number(WRONG).await, 0);
}

#[tokio::test]
async fn accounts_are_deleted_while_others_fold() {
    let library = Library::open().await;
    let mut readers = Vec::new();
    for number in 0..8 {
        let reader = library.reader(&format!("reader{number}")).await;
        library.store(reader, &book(number)).await;
        library.store(reader, &book(number + 1)).await;
        readers.push(reader);
    }
    library.session().await;
    let (gone, staying) = readers.split_at(6);
    let deletions = gone.iter().map(|reader| async {
        assert!(
            users::delete(&mut library.session().await, *reader)
                .await
                .unwrap()
                .is_some()
        );
    });
    let folds = (0..8).map(|_| async { statistics::fold(&mut library.session().await, 1).await.unwrap() });
    tokio::join!(
        futures_util::future::join_all(deletions),
        futures_util::future::join_all(folds)
    );
    library.fold().await;
    assert_eq!(library.database.number(WRONG).await, 0);
    assert_eq!(rows(&library.database, "collection_statistics").await, 2);
    assert_eq!(rows(&library.database, "passage_terms").await, 8);
    assert_eq!(library.ask(staying[0], "common").await.len(), 4);
}

#[tokio::test]
async fn documents_of_the_old_schema_are_counted_and_found() {
    let database = Database::create_empty().await;
    let mut client = database.client().await;
    let old = migrations::apply_up_to(&mut client, "0003_chats_and_jobs")
        .await
        .unwrap();
    assert_eq!(old.last(), Some(&"0003_chats_and_jobs"));
    let user = Uuid::now_v7();
    let parameters: &[&(dyn ToSql + Sync)] = &[&user];
    for statement in [
        "INSERT INTO users (id, email, password_hash) VALUES ($1, 'ada@example.com', '')",
        "INSERT INTO collections (id, owner_id, name) VALUES ($1, $1, 'Private')",
        "INSERT INTO documents (id, collection_id, uploaded_by, title, media_type, body, body_digest, status, passage_count)
         SELECT md5('document' || n)::uuid, $1, $1, 'Title ' || n, 'text/plain', '', sha256(n::text::bytea), 'ready', 3
         FROM generate_series(1, 30) AS n",
        "INSERT INTO passages (id, document_id, collection_id, ordinal, heading, body, start_character, end_character, search)
         SELECT md5(d.id::text || n)::uuid, d.id, $1, n, 'Part ' || n, 'text', 0, 4,
                to_tsvector('english', d.title || E'\\n' || 'Part ' || n || E'\\n' || 'A lease of ' || d.title)
         FROM documents d, generate_series(0, 2) AS n WHERE d.collection_id = $1",
    ] {
        client.execute(statement, parameters).await.unwrap();
    }
    assert_eq!(
        migrations::apply(&mut client).await.unwrap().first(),
        Some(&"0004_lexical_search")
    );
    let library = Library::of(&database);
    assert_eq!(database.number(WRONG).await, 0);
    assert_eq!(rows(&database, "statistics_deltas").await, 0);
    assert_eq!(rows(&database, "passage_terms").await, 90);
    let found = library.ask(user.into(), "leases of title 17").await;
    assert_eq!(found.len(), 90);
    let best: Vec<Uuid> = found.iter().take(3).map(|(id, _)| *id).collect();
    let of_17 = client
        .query(
            "SELECT p.id FROM passages p JOIN documents d ON d.id = p.document_id WHERE d.title = 'Title 17'",
            &[],
        )
        .await
        .unwrap();
    assert!(of_17.iter().all(|row| best.contains(&row.get("id"))));
}
