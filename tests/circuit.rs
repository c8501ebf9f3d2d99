//! A provider that is down is left alone, and found again when it is back.

use serde_json::json;

use crate::delivery::prepared;
use crate::journey::QUESTION;
use crate::support::{Docent, Reply, User, service, text, wait_for};

fn down() -> Reply {
    Reply::Status(500, vec![], "{}".to_owned())
}

/// Asks until the provider has failed five times in a row: three calls of one job, two of the next.
async fn break_it(docent: &Docent, user: &User) {
    for _ in 0..5 {
        docent.llm.then(down());
    }
    for calls in [3, 5] {
        docent.ask(user, &format!("{QUESTION} {calls}")).await.expect(202);
        wait_for("the calls", || async {
            docent.queue.work_once(&docent.worker).await;
            (docent.llm.calls() == calls).then_some(())
        })
        .await;
    }
}

/// As if the circuit had been open for its whole time.
async fn half_open(docent: &Docent) {
    let client = redis::Client::open(service("TEST_REDIS_URL")).unwrap();
    let mut redis = client.get_multiplexed_async_connection().await.unwrap();
    let name = format!("{}:circuit:anthropic:claude-sonnet-4-5:open", docent.key_prefix);
    let there: i64 = redis::cmd("DEL").arg(name).query_async(&mut redis).await.unwrap();
    assert_eq!(there, 1, "the circuit was open");
}

async fn delayed(docent: &Docent, user: &User, question: &str) -> String {
    let id = text(&docent.ask(user, question).await.expect(202)["jobId"]);
    wait_for("the job to be put off", || async {
        docent.queue.work_once(&docent.worker).await;
        (docent.job(user, &id).await["status"] == "delayed").then_some(())
    })
    .await;
    id
}

#[tokio::test]
async fn five_failures_in_a_row_stop_the_calls_and_burn_no_attempt_of_those_that_wait() {
    let (docent, ada) = prepared(&[]).await;
    break_it(&docent, &ada).await;
    let calls = docent.llm.calls();
    let id = delayed(&docent, &ada, "Is anybody there about a lease?").await;
    let job = docent.job(&ada, &id).await;
    assert_eq!((&job["attempt"], docent.llm.calls()), (&json!(0), calls), "{job}");
    let counted = format!("SELECT llm_calls::int8 FROM jobs WHERE id = '{id}'");
    assert_eq!(
        docent.database.number(&counted).await,
        0,
        "what was not called is not counted"
    );
    let wait = format!("SELECT extract(epoch FROM next_attempt_at - now())::int8 FROM jobs WHERE id = '{id}'");
    assert!((20..=34).contains(&docent.database.number(&wait).await));
}

#[tokio::test]
async fn one_tries_when_the_circuit_is_half_open_and_its_success_lets_all_go_on() {
    let (docent, ada) = prepared(&[]).await;
    break_it(&docent, &ada).await;
    let calls = docent.llm.calls();
    half_open(&docent).await;
    // The probe fails, and the circuit is open again.
    docent.llm.then(down());
    delayed(&docent, &ada, "A probe of the lease?").await;
    delayed(&docent, &ada, "Another lease after it?").await;
    assert_eq!(docent.llm.calls(), calls + 1);
    half_open(&docent).await;
    for question in ["What is the lease?", "Who holds a lease?"] {
        let job = docent.ask_and_finish(&ada, question).await;
        assert_eq!(job["status"], "completed", "{job}");
    }
}

#[tokio::test]
async fn a_success_in_between_starts_the_count_anew() {
    let (docent, ada) = prepared(&[]).await;
    for number in 0..4 {
        // Two failures, and the second repetition succeeds: eight failures, but never five in a row.
        docent.llm.then(down()).then(down());
        let job = docent.ask_and_finish(&ada, &format!("{QUESTION} {number}")).await;
        assert_eq!(
            (&job["status"], &job["attempt"]),
            (&json!("completed"), &json!(1)),
            "{job}"
        );
    }
}

#[tokio::test]
async fn a_wrong_key_opens_no_circuit() {
    let (docent, ada) = prepared(&[]).await;
    for number in 0..6 {
        docent.llm.then(Reply::Status(401, vec![], "{}".to_owned()));
        let job = docent.ask_and_finish(&ada, &format!("{QUESTION} {number}")).await;
        assert_eq!(job["code"], "llm_configuration", "{job}");
    }
    assert_eq!(docent.ask_and_finish(&ada, QUESTION).await["status"], "completed");
}
