//! Lambda ends an invocation at its deadline, without a word. The worker ends before that, by itself.

use std::time::{Duration, Instant, SystemTime};

use serde_json::{Value, json};
use worker::batch;
use worker::invocation::{Deadline, Invocation};

use crate::delivery::{body, prepared, record};
use crate::journey::{LEASES, QUESTION};
use crate::support::{Database, Docent, FaultyWay, Log, Reply, User, Way, event, text, wait_for};

fn ending_in(seconds: u64) -> Invocation {
    Invocation {
        request_id: "test".to_owned(),
        deadline: Deadline::of_invocation(SystemTime::now() + Duration::from_secs(seconds)),
        segment: None,
    }
}

async fn handled(docent: &Docent, records: Vec<Value>, invocation: &Invocation) -> Vec<String> {
    let response = batch::handle(&docent.worker, event(records), invocation).await;
    let failures = response.batch_item_failures.into_iter();
    failures.map(|failure| failure.item_identifier).collect()
}

async fn asked(docent: &Docent, user: &User, question: &str) -> String {
    text(&docent.ask(user, question).await.expect(202)["jobId"])
}

#[tokio::test]
async fn a_slow_record_is_released_and_its_neighbours_are_done() {
    let (docent, ada) = prepared(&[("REDIS_URL", "")]).await;
    let slow = asked(&docent, &ada, QUESTION).await;
    docent.llm.then(Reply::Hang);
    let started = Instant::now();
    let invocation = ending_in(9);
    let first = handled(&docent, vec![record("slow", &body(&slow))], &invocation);
    let others = async {
        wait_for("the call", || async { (docent.llm.calls() == 1).then_some(()) }).await;
        let mut records = Vec::new();
        for number in 0..9 {
            let job = asked(&docent, &ada, &format!("{QUESTION} {number}")).await;
            records.push(record(&format!("quick-{number}"), &body(&job)));
        }
        handled(&docent, records, &invocation).await
    };
    let (slow_ids, quick_ids) = tokio::join!(first, others);
    assert_eq!((slow_ids, quick_ids), (vec!["slow".to_owned()], vec![]));
    assert!(started.elapsed() < Duration::from_secs(8), "{:?}", started.elapsed());
    let completed = "SELECT count(*) FROM jobs WHERE status = 'completed' AND kind = 'answer_question'";
    assert_eq!(docent.database.number(completed).await, 9);
    let job = docent.job(&ada, &slow).await;
    assert_eq!(job["status"], "delayed", "it is free for another worker: {job}");
    let wait = format!("SELECT extract(epoch FROM next_attempt_at - now())::int8 FROM jobs WHERE id = '{slow}'");
    assert!(docent.database.number(&wait).await < 30);
}

#[tokio::test]
async fn without_time_for_a_call_none_is_made() {
    let (docent, ada) = prepared(&[]).await;
    let job = asked(&docent, &ada, QUESTION).await;
    let ids = handled(&docent, vec![record("late", &body(&job))], &ending_in(5)).await;
    assert_eq!((ids, docent.llm.calls()), (vec!["late".to_owned()], 0));
    let counted = format!("SELECT llm_calls::int8 FROM jobs WHERE id = '{job}'");
    assert_eq!(docent.database.number(&counted).await, 0);
}

#[tokio::test]
async fn even_if_nothing_can_be_written_down_the_invocation_ends_in_time() {
    let database = Database::create().await;
    let (way, url) = FaultyWay::to(&database.url).await;
    let mut docent = Docent::with(&[("DATABASE_URL", &url), ("JOB_LEASE_SECONDS", "2")]).await;
    docent.database = database;
    let ada = docent.user("ada").await;
    docent.upload(&ada, "Operations", LEASES).await;
    let accepted = docent.ask(&ada, QUESTION).await;
    let job = text(&accepted.json()["jobId"]);
    docent.llm.then(Reply::Hang);
    let started = Instant::now();
    let invocation = ending_in(8);
    let work = handled(&docent, vec![record("stuck", &body(&job))], &invocation);
    let hang = async {
        wait_for("the call", || async { (docent.llm.calls() == 1).then_some(()) }).await;
        way.set(Way::Silent);
    };
    let log = Log::default();
    let guard = log.begin();
    let (ids, ()) = tokio::join!(work, hang);
    drop(guard);
    assert_eq!(ids, ["stuck"]);
    let lines = log.lines("job");
    assert_eq!((lines.len(), &lines[0]["outcome"]), (1, &json!("left")), "{lines:?}");
    assert!(started.elapsed() <= Duration::from_secs(7), "{:?}", started.elapsed());
    way.set(Way::Open);
    assert_eq!(docent.finish(&ada, accepted).await["status"], json!("completed"));
}
