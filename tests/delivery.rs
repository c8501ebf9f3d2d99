//! The queue delivers at least once, and its batches are mixed: each job still ends once.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use shared::db::jobs::{self, Claim};
use shared::domain::JobId;
use tokio::sync::Semaphore;
use uuid::Uuid;
use worker::batch;

use crate::journey::{LEASES, QUESTION};
use crate::support::{Docent, Reply, User, event, invocation, text, wait_for};

pub async fn prepared(settings: &[(&str, &str)]) -> (Docent, User) {
    let docent = Docent::with(settings).await;
    let ada = docent.user("ada").await;
    docent.upload(&ada, "Operations", LEASES).await;
    (docent, ada)
}

pub fn body(job: &str) -> String {
    json!({"v": 1, "kind": "answer_question", "jobId": job}).to_string()
}

/// A record as Lambda hands it over, without a receipt: what becomes of the message is for the test to see, not for SQS.
pub fn record(id: &str, body: &str) -> Value {
    json!({"messageId": id, "body": body, "attributes": {"ApproximateReceiveCount": "1"}})
}

pub async fn failed_ids(docent: &Docent, records: Vec<Value>) -> Vec<String> {
    let response = batch::handle(&docent.worker, event(records), &invocation()).await;
    response
        .batch_item_failures
        .into_iter()
        .map(|failure| failure.item_identifier)
        .collect()
}

#[tokio::test]
async fn a_second_delivery_makes_no_second_call_and_no_second_message() {
    let (docent, ada) = prepared(&[]).await;
    let job = docent.ask_and_finish(&ada, QUESTION).await;
    let id = text(&job["jobId"]);
    assert_eq!(
        failed_ids(&docent, vec![record("again", &body(&id))]).await,
        Vec::<String>::new()
    );
    assert_eq!(docent.llm.calls(), 1);
    assert_eq!(docent.database.number("SELECT count(*) FROM messages").await, 2);
    assert_eq!(docent.job(&ada, &id).await, job, "a final state never changes");
}

#[tokio::test]
async fn of_many_workers_that_take_a_job_at_once_one_wins() {
    let (docent, ada) = prepared(&[]).await;
    for round in 0..5 {
        let accepted = docent.ask(&ada, &format!("{QUESTION} {round}")).await.expect(202);
        let id: JobId = text(&accepted["jobId"]).parse().unwrap();
        let claims = (0..50).map(|_| async {
            jobs::claim(
                &mut docent.worker.db.session().await.unwrap(),
                id,
                Duration::from_secs(30),
            )
            .await
            .unwrap()
        });
        let claims = futures_util::future::join_all(claims).await;
        let mine = claims.iter().filter(|claim| matches!(claim, Claim::Mine(_))).count();
        let held = claims.iter().filter(|claim| matches!(claim, Claim::HeldFor(_))).count();
        assert_eq!((mine, held), (1, 49));
    }
}

#[tokio::test]
async fn two_deliveries_at_once_make_one_call() {
    let (docent, ada) = prepared(&[]).await;
    let permits = Arc::new(Semaphore::new(0));
    docent.llm.then(Reply::QuoteWhenAllowed(permits.clone()));
    let accepted = docent.ask(&ada, QUESTION).await.expect(202);
    let body = body(&text(&accepted["jobId"]));
    let first = failed_ids(&docent, vec![record("first", &body)]);
    let second = async {
        wait_for("the call", || async { (docent.llm.calls() == 1).then_some(()) }).await;
        let failed = failed_ids(&docent, vec![record("second", &body)]).await;
        permits.add_permits(1);
        failed
    };
    let (first, second) = tokio::join!(first, second);
    assert_eq!(
        (first, second),
        (vec![], vec!["second".to_owned()]),
        "the second comes back later"
    );
    assert_eq!(docent.llm.calls(), 1);
}

#[tokio::test]
async fn one_poisonous_message_among_ten_leaves_nine_done() {
    let poisons = [
        ("not JSON", "{not json".to_owned(), true),
        ("wrong form", json!({"jobId": 7}).to_string(), true),
        (
            "another version",
            body(&Uuid::now_v7().to_string()).replace("\"v\":1", "\"v\":2"),
            true,
        ),
        ("empty", String::new(), true),
        ("unknown job", body(&Uuid::now_v7().to_string()), false),
    ];
    let (docent, ada) = prepared(&[("REDIS_URL", "")]).await;
    for (position, (what, poison, comes_back)) in poisons.into_iter().enumerate() {
        let mut records = Vec::new();
        for number in 0..9 {
            let accepted = docent
                .ask(&ada, &format!("{QUESTION} {what} {number}"))
                .await
                .expect(202);
            records.push(record(&format!("good-{number}"), &body(&text(&accepted["jobId"]))));
        }
        records.insert(position * 2, record("poison", &poison));
        let failed = failed_ids(&docent, records).await;
        assert_eq!(failed, if comes_back { vec!["poison"] } else { vec![] }, "{what}");
        let open = "SELECT count(*) FROM jobs WHERE status <> 'completed'";
        assert_eq!(
            docent.database.number(open).await,
            0,
            "{what}: all nine neighbours are done"
        );
    }
}

#[tokio::test]
async fn a_message_without_an_id_never_fails_the_batch() {
    let (docent, _) = prepared(&[]).await;
    let failed = failed_ids(
        &docent,
        vec![json!({"body": "poison"}), json!({"messageId": "", "body": "poison"})],
    )
    .await;
    assert_eq!(failed, Vec::<String>::new());
}

#[tokio::test]
async fn a_job_past_its_deadline_is_expired_for_reader_and_worker() {
    let (docent, ada) = prepared(&[]).await;
    let accepted = docent.ask(&ada, QUESTION).await.expect(202);
    let id = text(&accepted["jobId"]);
    docent
        .database
        .execute("UPDATE jobs SET expires_at = now() - interval '1 second' WHERE kind = 'answer_question'")
        .await;
    assert_eq!(docent.job(&ada, &id).await["status"], "expired");
    docent.queue.work_once(&docent.worker).await;
    let stored = format!("SELECT count(*) FROM jobs WHERE id = '{id}' AND status = 'expired'");
    assert_eq!((docent.database.number(&stored).await, docent.llm.calls()), (1, 0));
    assert_eq!(docent.queue.len().await, 0);
}

#[tokio::test]
async fn at_its_last_delivery_a_message_is_replaced_so_that_the_job_can_go_on() {
    let (docent, ada) = prepared(&[("QUEUE_MAX_RECEIVES", "2")]).await;
    let throttled = || Reply::Status(429, vec![("retry-after", "1".to_owned())], "{}".to_owned());
    // Four deliveries where the queue allows two.
    docent.llm.then(throttled()).then(throttled()).then(throttled());
    let job = docent.ask_and_finish(&ada, QUESTION).await;
    assert_eq!((&job["status"], docent.llm.calls()), (&json!("completed"), 4), "{job}");
    assert_eq!(docent.queue.len().await, 0);
}
