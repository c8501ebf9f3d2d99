//! Jobs, and messages that name none.

use std::time::Duration;

use serde_json::{Value, json};
use shared::db::jobs::{self, Claim};
use uuid::Uuid;

use super::{counts, line, lines, number};
use crate::delivery::{body, failed_ids, prepared, record};
use crate::journey::QUESTION;
use crate::support::{Docent, Log, Reply, User, events, text};

async fn asked(docent: &Docent, user: &User, question: &str) -> String {
    text(&docent.ask(user, question).await.expect(202)["jobId"])
}

/// The line of a job's message that is delivered once.
async fn delivered(docent: &Docent, job: &str) -> Value {
    let log = Log::default();
    let guard = log.begin();
    failed_ids(docent, vec![record("m", &body(job))]).await;
    drop(guard);
    line(&log, "job")
}

#[tokio::test]
async fn an_answered_question_says_what_it_took() {
    let (docent, ada) = prepared(&[]).await;
    let job = asked(&docent, &ada, QUESTION).await;
    let line = delivered(&docent, &job).await;
    for (field, value) in [
        ("Service", json!("worker")),
        ("request_id", json!("test")),
        ("message_id", json!("m")),
        ("job_id", json!(job)),
        ("kind", json!("answer_question")),
        ("user_id", json!(ada.id)),
        ("attempt", json!(1)),
        ("calls", json!(1)),
        ("outcome", json!("completed")),
        ("citations", json!(1)),
    ] {
        assert_eq!(line[field], value, "{line}");
    }
    assert!(text(&line["model"]).starts_with("claude-sonnet-4-5"), "{line}");
    let expected = [("JobsCompleted", 1.0), ("InputTokens", 1000.0), ("OutputTokens", 100.0)];
    assert_eq!(counts(&line), expected);
    assert_eq!(
        number(&line, "CostUsd"),
        0.0045,
        "1000 tokens at 3 USD and 100 at 15 USD per million"
    );
    let (first, whole) = (number(&line, "LlmFirstTokenMs"), number(&line, "LlmTotalMs"));
    assert!(first > 0.0 && first <= whole, "{line}");
    assert!(whole + number(&line, "RetrievalMs") <= number(&line, "ms"), "{line}");
    for step in ["TimeInQueueMs", "cache_ms", "postgres_ms"] {
        assert!(number(&line, step) > 0.0, "{step}: {line}");
    }
}

#[tokio::test]
async fn followers_and_leaders_that_end_together_are_all_counted() {
    let (docent, ada) = prepared(&[("JOB_MAX_ATTEMPTS", "1")]).await;
    for (reply, metric) in [
        (Reply::Quote, "JobsCompleted"),
        (Reply::Status(401, vec![], String::new()), "JobsFailed"),
    ] {
        docent.llm.then(reply);
        let question = format!("{QUESTION} {metric}");
        let leader = asked(&docent, &ada, &question).await;
        for _ in 0..2 {
            asked(&docent, &ada, &question).await;
        }
        let line = delivered(&docent, &leader).await;
        assert_eq!(number(&line, metric), 3.0, "{line}");
        let ended = format!("SELECT count(*) FROM jobs WHERE question LIKE '%{metric}' AND finished_at IS NOT NULL");
        assert_eq!(docent.database.number(&ended).await, 3);
    }
}

#[tokio::test]
async fn what_a_job_cost_is_never_counted_twice() {
    let (docent, ada) = prepared(&[]).await;
    // The first attempt repeats a call that broke off, and ends with the provider's overload: both replies had begun, and
    // were paid for.
    let begun = vec![events::start()];
    let overloaded = vec![events::start(), events::error("overloaded_error")];
    docent.llm.then(Reply::Events(begun)).then(Reply::Events(overloaded));
    let accepted = docent.ask(&ada, QUESTION).await;
    let log = Log::default();
    let guard = log.begin();
    let job = docent.finish(&ada, accepted).await;
    drop(guard);
    let lines: Vec<Value> = lines(&log, "job")
        .into_iter()
        .filter(|line| line["CostUsd"].is_number())
        .collect();
    let outcomes: Vec<_> = lines.iter().map(|line| text(&line["outcome"])).collect();
    assert_eq!(outcomes, ["deferred", "completed"], "{lines:?}");
    assert_eq!((&lines[0]["calls"], &lines[1]["calls"]), (&json!(2), &json!(1)));
    let sum = |name| {
        lines
            .iter()
            .map(|line| line[name].as_f64().unwrap_or_default())
            .sum::<f64>()
    };
    assert_eq!(sum("InputTokens"), job["usage"]["inputTokens"].as_f64().unwrap());
    assert_eq!(sum("OutputTokens"), job["usage"]["outputTokens"].as_f64().unwrap());
    assert_eq!(
        (sum("CostUsd") * 1e6).round(),
        job["usage"]["costMicroUsd"].as_f64().unwrap()
    );
    assert_eq!((sum("JobsDeferred"), sum("JobsCompleted")), (1.0, 1.0));
    let waits = lines.iter().filter(|line| line["TimeInQueueMs"].is_number()).count();
    assert_eq!(waits, 1, "only the first attempt was waited for");
    assert_eq!(sum("PaidTwice"), 0.0, "the reply that broke off was no answer");
}

#[tokio::test]
async fn however_a_message_ends_it_has_one_line() {
    let (docent, ada) = prepared(&[]).await;
    let done = text(&docent.ask_and_finish(&ada, QUESTION).await["jobId"]);
    let held = asked(&docent, &ada, "Held?").await;
    let mut db = docent.worker.db.session().await.unwrap();
    let claim = jobs::claim(&mut db, held.parse().unwrap(), Duration::from_secs(30)).await;
    assert!(matches!(claim, Ok(Claim::Mine(_))));
    drop(db);
    let late = asked(&docent, &ada, "Late?").await;
    let broken = asked(&docent, &ada, "Broken?").await;
    docent
        .database
        .execute(&format!(
            "UPDATE jobs SET created_at = created_at - interval '1 day', expires_at = now() WHERE id = '{late}';
             ALTER TABLE jobs ALTER COLUMN llm_calls DROP NOT NULL;
             UPDATE jobs SET llm_calls = NULL WHERE id = '{broken}'"
        ))
        .await;
    let records = [
        ("already_ended", body(&done)),
        ("held", body(&held)),
        ("expired", body(&late)),
        ("panic", body(&broken)),
        ("unknown", body(&Uuid::now_v7().to_string())),
        ("malformed", "no job".to_owned()),
        ("completed", r#"{"v":1,"kind":"embed_passages"}"#.to_owned()),
    ];
    let log = Log::default();
    let guard = log.begin();
    failed_ids(&docent, records.iter().map(|(id, body)| record(id, body)).collect()).await;
    drop(guard);
    let lines = lines(&log, "job");
    let mut told: Vec<_> = lines
        .iter()
        .map(|line| (text(&line["message_id"]), text(&line["outcome"])))
        .collect();
    told.sort();
    let mut expected = records.map(|(outcome, _)| (outcome.to_owned(), outcome.to_owned()));
    expected.sort();
    assert_eq!(told, expected, "{lines:?}");
    let counted: Vec<_> = lines.iter().flat_map(counts).collect();
    assert_eq!(counted, [("JobsExpired", 1.0)], "{lines:?}");
}

#[tokio::test]
async fn an_answer_that_could_not_be_stored_is_paid_twice() {
    let (docent, ada) = prepared(&[]).await;
    let job = asked(&docent, &ada, QUESTION).await;
    docent
        .database
        .execute("ALTER TABLE messages ADD CONSTRAINT none CHECK (false) NOT VALID")
        .await;
    let line = delivered(&docent, &job).await;
    assert_eq!(line["outcome"], "deferred", "{line}");
    assert_eq!(
        (number(&line, "PaidTwice"), number(&line, "JobsDeferred")),
        (1.0, 1.0),
        "{line}"
    );
    docent
        .database
        .execute("ALTER TABLE messages DROP CONSTRAINT none; UPDATE jobs SET next_attempt_at = now()")
        .await;
    let line = delivered(&docent, &job).await;
    assert_eq!(
        (&line["outcome"], &line["attempt"]),
        (&json!("completed"), &json!(2)),
        "{line}"
    );
    assert!(line["PaidTwice"].is_null(), "it was counted already: {line}");
}

#[tokio::test]
async fn a_call_for_a_job_whose_worker_died_may_be_the_second_that_is_paid_for() {
    let (docent, ada) = prepared(&[]).await;
    let job = asked(&docent, &ada, QUESTION).await;
    let mut db = docent.worker.db.session().await.unwrap();
    let claim = jobs::claim(&mut db, job.parse().unwrap(), Duration::from_secs(30)).await;
    assert!(matches!(claim, Ok(Claim::Mine(_))));
    drop(db);
    docent.database.execute("UPDATE jobs SET lease_until = now()").await;
    let line = delivered(&docent, &job).await;
    assert_eq!(
        (&line["outcome"], &line["attempt"]),
        (&json!("completed"), &json!(2)),
        "{line}"
    );
    assert_eq!(number(&line, "PaidTwice"), 1.0, "{line}");
    assert!(
        line["TimeInQueueMs"].is_null(),
        "the first attempt said it, or nobody: {line}"
    );
}
