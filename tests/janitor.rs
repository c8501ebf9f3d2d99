//! What is left lying is picked up, once, however many janitors there are.

use std::time::Duration;

use janitor::{sweep, trigger};
use serde_json::{Value, json};
use shared::db::jobs::{self, Claim};
use uuid::Uuid;

use crate::delivery::{body, prepared, record};
use crate::journey::{LEASES, QUESTION};
use crate::support::{Docent, FaultyWay, Way, service, text, wait_for};

async fn asked(docent: &Docent, user: &crate::support::User, question: &str) -> String {
    text(&docent.ask(user, question).await.expect(202)["jobId"])
}

/// As if so much time had passed for every open job, but for its deadline.
async fn pass(docent: &Docent, seconds: u32) {
    docent
        .database
        .execute(&format!(
            "UPDATE jobs SET resend_at = resend_at - interval '{seconds} seconds',
                             lease_until = lease_until - interval '{seconds} seconds'
             WHERE status IN ('queued', 'active', 'delayed')"
        ))
        .await;
}

async fn bury(docent: &Docent, records: Vec<Value>) -> Value {
    trigger::handle(&docent.janitor, json!({ "Records": records }), "test")
        .await
        .unwrap()
}

#[tokio::test]
async fn a_message_that_was_never_sent_is_sent_when_the_queue_is_back() {
    let (way, endpoint) = FaultyWay::to(&service("AWS_ENDPOINT_URL")).await;
    let docent = Docent::with(&[("AWS_ENDPOINT_URL", &endpoint)]).await;
    let ada = docent.user("ada").await;
    docent.upload(&ada, "Operations", LEASES).await;
    for fault in [Way::Refused, Way::Silent] {
        way.set(fault);
        let job = asked(&docent, &ada, &format!("{QUESTION} {fault:?}")).await;
        assert_eq!(docent.queue.len().await, 0, "{fault:?}");
        // Too early: a message may just be slow.
        assert_eq!(sweep::run(&docent.janitor).await.unwrap().resent, 0);
        pass(&docent, 61).await;
        let counts = sweep::run(&docent.janitor).await.unwrap();
        assert_eq!(
            (counts.resent, counts.unsent),
            (1, 1),
            "{fault:?}: the queue is still away"
        );
        way.set(Way::Open);
        pass(&docent, 130).await;
        let counts = sweep::run(&docent.janitor).await.unwrap();
        assert_eq!((counts.resent, counts.unsent), (1, 0), "{fault:?}");
        docent.queue.work_once(&docent.worker).await;
        assert_eq!(docent.job(&ada, &job).await["status"], "completed", "{fault:?}");
    }
}

#[tokio::test]
async fn each_copy_of_a_message_is_longer_in_coming() {
    let (docent, ada) = prepared(&[]).await;
    asked(&docent, &ada, QUESTION).await;
    let mut waits = Vec::new();
    for _ in 0..4 {
        docent
            .database
            .execute("UPDATE jobs SET resend_at = now() WHERE status = 'queued'")
            .await;
        assert_eq!(sweep::run(&docent.janitor).await.unwrap().resent, 1);
        let wait = "SELECT round(extract(epoch FROM resend_at - now()) / 60)::int8 FROM jobs WHERE status = 'queued'";
        waits.push(docent.database.number(wait).await);
    }
    assert_eq!(waits, [2, 4, 8, 16], "a long queue is not filled with copies");
}

#[tokio::test]
async fn what_a_dead_worker_held_is_taken_back() {
    let (docent, ada) = prepared(&[]).await;
    let id = asked(&docent, &ada, QUESTION).await;
    // Its message is gone as well.
    docent.queue.receive().await;
    let mut db = docent.worker.db.session().await.unwrap();
    let claim = jobs::claim(&mut db, id.parse().unwrap(), Duration::from_secs(30))
        .await
        .unwrap();
    drop(db);
    assert!(matches!(claim, Claim::Mine(_)));
    assert_eq!(
        sweep::run(&docent.janitor).await.unwrap().resent,
        0,
        "its worker may live"
    );
    pass(&docent, 120).await;
    let counts = sweep::run(&docent.janitor).await.unwrap();
    assert_eq!((counts.resent, counts.rescued), (1, 1));
    docent.queue.work_once(&docent.worker).await;
    let job = docent.job(&ada, &id).await;
    assert_eq!((&job["status"], &job["attempt"]), (&json!("completed"), &json!(2)));
}

#[tokio::test]
async fn two_janitors_at_once_do_each_thing_once() {
    let (docent, ada) = prepared(&[("MAX_OPEN_JOBS_PER_USER", "0")]).await;
    for number in 0..30 {
        asked(&docent, &ada, &format!("{QUESTION} {number}")).await;
    }
    let sent = docent.queue.len().await;
    pass(&docent, 61).await;
    let runs = futures_util::future::join_all((0..4).map(|_| sweep::run(&docent.janitor))).await;
    let resent: usize = runs.into_iter().map(|run| run.unwrap().resent).sum();
    assert_eq!((resent, docent.queue.len().await - sent), (30, 30));
}

#[tokio::test]
async fn what_is_past_its_deadline_is_ended_for_good() {
    let (docent, ada) = prepared(&[]).await;
    let question = asked(&docent, &ada, QUESTION).await;
    let upload = json!({"title": "Late", "text": "Too late.", "mediaType": "text/plain"});
    let document = docent.post(&ada, "/api/documents", upload).await.expect(202)["document"]["id"].clone();
    docent
        .database
        .execute(
            "UPDATE jobs SET expires_at = now() WHERE status = 'queued';
             UPDATE documents SET created_at = now() - interval '2 minutes' WHERE status = 'queued'",
        )
        .await;
    let counts = sweep::run(&docent.janitor).await.unwrap();
    assert_eq!((counts.expired, counts.documents_failed, counts.resent), (2, 1, 0));
    let stored = "SELECT count(*) FROM jobs WHERE status = 'expired' AND finished_at IS NOT NULL AND resend_at IS NULL";
    assert_eq!(docent.database.number(stored).await, 2);
    assert_eq!(docent.job(&ada, &question).await["status"], "expired");
    let path = format!("/api/documents/{}", text(&document));
    let document = docent.get(&ada, &path).await.expect(200)["document"].clone();
    assert_eq!(
        (&document["status"], &document["code"]),
        (&json!("failed"), &json!("document_expired"))
    );
    // Its rows say so now, and the same text may be uploaded again.
    let failed = "SELECT count(*) FROM documents WHERE status = 'failed' AND error_code = 'document_expired'";
    assert_eq!(docent.database.number(failed).await, 1);
}

#[tokio::test]
async fn followers_without_a_leader_get_one() {
    let (docent, ada) = prepared(&[("REDIS_URL", "")]).await;
    let jobs = [
        asked(&docent, &ada, QUESTION).await,
        asked(&docent, &ada, QUESTION).await,
        asked(&docent, &ada, QUESTION).await,
    ];
    // As a worker of the version before would end it, or a deletion that nobody was told of.
    docent
        .database
        .execute(&format!("DELETE FROM jobs WHERE id = '{}'", jobs[0]))
        .await;
    let counts = sweep::run(&docent.janitor).await.unwrap();
    assert_eq!((counts.promoted, counts.resent), (1, 0));
    assert_eq!(sweep::run(&docent.janitor).await.unwrap().promoted, 0);
    docent.queue.work_once(&docent.worker).await;
    for job in &jobs[1..] {
        assert_eq!(docent.job(&ada, job).await["status"], "completed");
    }
    assert_eq!(docent.llm.calls(), 1);
}

#[tokio::test]
async fn what_reached_the_dead_letter_queue_has_failed_and_poison_is_taken_away() {
    let (docent, ada) = prepared(&[]).await;
    let job = asked(&docent, &ada, QUESTION).await;
    let records = vec![
        record("named", &body(&job)),
        record("unknown", &body(&Uuid::now_v7().to_string())),
        record("malformed", "{not json"),
        json!({"messageId": "empty"}),
    ];
    let response = bury(&docent, records.clone()).await;
    assert_eq!(response["batchItemFailures"], json!([]), "nothing is kept for ever");
    let ended = docent.job(&ada, &job).await;
    assert_eq!(
        (&ended["status"], &ended["code"]),
        (&json!("failed"), &json!("delivery_exhausted"))
    );
    bury(&docent, records).await;
    assert_eq!(docent.job(&ada, &job).await, ended);
}

#[tokio::test]
async fn a_dead_letter_of_a_job_that_is_worked_on_or_has_ended_does_no_harm() {
    let (docent, ada) = prepared(&[]).await;
    let done = docent.ask_and_finish(&ada, QUESTION).await;
    let held = asked(&docent, &ada, "Who holds the lease?").await;
    let mut db = docent.worker.db.session().await.unwrap();
    jobs::claim(&mut db, held.parse().unwrap(), Duration::from_secs(30))
        .await
        .unwrap();
    drop(db);
    bury(
        &docent,
        vec![
            record("done", &body(&text(&done["jobId"]))),
            record("held", &body(&held)),
        ],
    )
    .await;
    assert_eq!(docent.job(&ada, &text(&done["jobId"])).await, done);
    assert_eq!(docent.job(&ada, &held).await["status"], "active");
}

#[tokio::test]
async fn dead_letters_wait_for_the_database() {
    let database = crate::support::Database::create().await;
    let (way, url) = FaultyWay::to(&database.functions_url).await;
    let docent = Docent::with(&[("DATABASE_URL", &url)]).await;
    way.set(Way::Refused);
    let response = bury(&docent, vec![record("named", &body(&Uuid::now_v7().to_string()))]).await;
    assert_eq!(response["batchItemFailures"], json!([{"itemIdentifier": "named"}]));
}

#[tokio::test]
async fn a_document_whose_message_died_has_failed_and_can_be_uploaded_again() {
    let docent = Docent::start().await;
    let ada = docent.user("ada").await;
    let upload = json!({"title": "t", "text": "A text.", "mediaType": "text/plain"});
    let document = docent.post(&ada, "/api/documents", upload.clone()).await.expect(202)["document"].clone();
    let message = docent.queue.receive().await.records[0].body.clone().unwrap();
    bury(&docent, vec![record("dead", &message)]).await;
    let path = format!("/api/documents/{}", text(&document["id"]));
    assert_eq!(
        docent.get(&ada, &path).await.expect(200)["document"]["code"],
        "delivery_exhausted"
    );
    docent.post(&ada, "/api/documents", upload).await.expect(202);
    wait_for("the document to be ingested", || async {
        docent.queue.work_once(&docent.worker).await;
        (docent.get(&ada, &path).await.expect(200)["document"]["status"] == "ready").then_some(())
    })
    .await;
}

#[tokio::test]
async fn an_event_that_is_not_understood_is_an_error() {
    let docent = Docent::start().await;
    assert!(
        trigger::handle(&docent.janitor, json!({"sweeep": {}}), "test")
            .await
            .is_err()
    );
    let counts = trigger::handle(&docent.janitor, json!({"sweep": {}}), "test")
        .await
        .unwrap();
    assert_eq!(counts["resent"], 0);
}
