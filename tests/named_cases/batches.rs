//! Powertools' batch processing.

use std::sync::Arc;

use serde_json::{Value, json};
use tokio::sync::Semaphore;

use crate::delivery::{body, failed_ids, prepared, record};
use crate::journey::QUESTION;
use crate::support::{Docent, Reply, User, text, wait_for};

/// A batch of so many questions of their own.
async fn batch(docent: &Docent, ada: &User, name: &str, count: usize) -> Vec<Value> {
    let mut records = Vec::new();
    for number in 0..count {
        let asked = docent
            .ask(ada, &format!("{QUESTION} {name} {number}"))
            .await
            .expect(202);
        records.push(record(&format!("{name}-{number}"), &body(&text(&asked["jobId"]))));
    }
    records
}

async fn completed(docent: &Docent) -> i64 {
    let completed = "SELECT count(*) FROM jobs WHERE status = 'completed' AND kind = 'answer_question'";
    docent.database.number(completed).await
}

/// `test_batch_processor_context_success_only`.
#[tokio::test]
async fn a_batch_without_a_failure_reports_none() {
    let (docent, ada) = prepared(&[]).await;
    let records = batch(&docent, &ada, "good", 3).await;
    assert_eq!(failed_ids(&docent, records).await, Vec::<String>::new());
    assert_eq!(completed(&docent).await, 3);
}

/// `test_batch_processor_error_when_entire_batch_fails`,
/// `test_batch_processor_not_raise_when_entire_batch_fails`: every id is reported, and the invocation itself succeeds.
#[tokio::test]
async fn a_batch_that_fails_as_a_whole_reports_every_id() {
    let (docent, ada) = prepared(&[]).await;
    let records = batch(&docent, &ada, "bad", 3).await;
    docent.database.execute("ALTER TABLE jobs RENAME TO away").await;
    assert_eq!(failed_ids(&docent, records).await, ["bad-0", "bad-1", "bad-2"]);
    assert_eq!(docent.llm.calls(), 0);
}

/// `test_batch_processor_process_partial_response_invalid_input`: an event without messages is no reason to fail.
#[tokio::test]
async fn a_batch_without_messages_reports_none() {
    let (docent, _) = prepared(&[]).await;
    assert_eq!(failed_ids(&docent, vec![]).await, Vec::<String>::new());
}

/// "concurrent invocation isolation": what one batch reports is nothing of the other's.
#[tokio::test]
async fn two_batches_at_once_report_their_own() {
    let (docent, ada) = prepared(&[]).await;
    let (mut first, mut second) = (
        batch(&docent, &ada, "first", 3).await,
        batch(&docent, &ada, "second", 3).await,
    );
    first.push(record("first-poison", "{not json"));
    second.insert(0, record("second-poison", &json!({"v": 1}).to_string()));
    let permits = Arc::new(Semaphore::new(0));
    for _ in 0..6 {
        docent.llm.then(Reply::QuoteWhenAllowed(permits.clone()));
    }
    // Both are held in their calls until each has all of them under way.
    let release = async {
        wait_for("all calls", || async { (docent.llm.calls() == 6).then_some(()) }).await;
        permits.add_permits(6);
    };
    let (first, second, ()) = tokio::join!(failed_ids(&docent, first), failed_ids(&docent, second), release);
    assert_eq!(
        (first, second),
        (vec!["first-poison".to_owned()], vec!["second-poison".to_owned()])
    );
    assert_eq!(completed(&docent).await, 6);
}
