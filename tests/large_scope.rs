//! Searching more passages than can be scored one by one.

use std::collections::BTreeSet;

use shared::db::search::Tuning;
use shared::domain::{CollectionScope, UserId};
use uuid::Uuid;

use crate::support::Library;

/// 20,000 passages of sixty words in 4,000 documents. The n-th commonest of 20,000 words has a frequency of about 1/n.
/// Each document has words that it prefers, as texts have a subject. (The conditions that are always true make the
/// database roll its dice for each row anew.)
const PASSAGES: &str = "
    SELECT setseed(0.5);
    CREATE TEMP TABLE made AS
    SELECT gen_random_uuid() AS id, gen_random_uuid() AS document, subject,
           (SELECT array_agg('w' || floor(exp(random() * ln(20000)))::int) FROM generate_series(1, 40) WHERE subject > 0) AS own
    FROM generate_series(1, 4000) AS subject;
    INSERT INTO documents (id, collection_id, title, media_type, body, body_digest, status)
    SELECT document, $reader, 't' || subject, 'text/plain', '', sha256(uuid_send(document)), 'ready' FROM made;
    CREATE TEMP TABLE texts AS
    SELECT gen_random_uuid() AS id, document, n,
           to_tsvector('simple', (SELECT string_agg(CASE WHEN random() < 0.3 THEN own[1 + floor(random() * 40)::int + 0 * word]
                                                    ELSE 'w' || floor(exp(random() * ln(20000)))::int END, ' ')
                                  FROM generate_series(1, 60) AS word WHERE n > 0)) AS vector
    FROM made, generate_series(1, 5) AS n;
    INSERT INTO passages (id, document_id, collection_id, ordinal, heading, body, start_character, end_character)
    SELECT id, document, $reader, n, '', '', 0, 0 FROM texts;
    INSERT INTO passage_terms (passage_id, document_id, collection_id, length, search, header)
    SELECT id, document, $reader, vector_length(vector), vector, '' FROM texts;
    ANALYZE passage_terms;
    SELECT count(summarise_document(document, 'english')) FROM made;
    SELECT count(note_statistics(document, 1)) FROM made;
    SELECT fold_statistics(100000000), fold_statistics(100000000), fold_statistics(100000000), fold_statistics(100000000);
    ANALYZE";

/// Questions of some words that one document has, as somebody would ask who looks for it: half of them of all its words,
/// half of common ones only, and a very common one in each.
const QUESTIONS: &str = "
    SELECT (SELECT string_agg(word, ' ')
            FROM unnest(tsvector_to_array(terms)) WITH ORDINALITY AS t (word, n)
            WHERE CASE WHEN number % 2 = 0 THEN n % 25 = 0 ELSE length(word) < 5 AND n % 14 = 0 END)
           || ' w3' AS question
    FROM (SELECT terms, row_number() OVER (ORDER BY document_id) AS number FROM document_terms LIMIT 60) AS asked";

struct Large {
    library: Library,
    ada: UserId,
}

impl Large {
    async fn make() -> Self {
        let library = Library::open().await;
        let ada = library.reader("ada").await;
        let statements = PASSAGES.replace("$reader", &format!("'{ada}'"));
        library.database.execute(&statements).await;
        assert_eq!(
            library.database.number("SELECT count(*) FROM statistics_deltas").await,
            0
        );
        Self { library, ada }
    }

    async fn search(&self, question: &str, limit: i32, exact_up_to: i32) -> Vec<Uuid> {
        let tuning = Tuning {
            exact_up_to,
            ..Tuning::default()
        };
        let scope = CollectionScope::everything_readable_by(self.ada);
        let found = self.library.search(self.ada, &scope, question, (limit, tuning)).await;
        found.into_iter().map(|(id, _)| id).collect()
    }
}

#[tokio::test]
async fn candidates_hold_nearly_all_of_the_ten_best() {
    let large = Large::make().await;
    let rows = large
        .library
        .database
        .client()
        .await
        .query(QUESTIONS, &[])
        .await
        .unwrap();
    let (mut same, mut all, mut differing) = (0, 0, 0);
    for row in &rows {
        let question: &str = row.get("question");
        let exact = large.search(question, 200, i32::MAX).await;
        let quick = large.search(question, 200, 0).await;
        differing += usize::from(exact != quick);
        let ten: BTreeSet<Uuid> = quick.into_iter().take(10).collect();
        all += exact.iter().take(10).count();
        same += exact.iter().take(10).filter(|id| ten.contains(id)).count();
    }
    assert_eq!(all, 600);
    assert!(same * 100 >= all * 98, "{same} of {all} in common");
    assert!(
        differing > 0,
        "somewhere below it shows that not every passage was scored"
    );
}
