//! Every way the provider can answer, and what becomes of the job.

use serde_json::{Value, json};

use crate::journey::{LEASES, QUESTION};
use crate::support::{Docent, Reply, User, events, wait_for};

fn provider_error(kind: &str) -> String {
    json!({"type": "error", "error": {"type": kind, "message": "as the test wants"}}).to_string()
}

fn status(code: u16, kind: &str) -> Reply {
    Reply::Status(code, vec![], provider_error(kind))
}

async fn prepared(settings: &[(&str, &str)]) -> (Docent, User) {
    let docent = Docent::with(settings).await;
    let ada = docent.user("ada").await;
    docent.upload(&ada, "Operations", LEASES).await;
    (docent, ada)
}

/// One question against one reply that every call gets; returns the ended job and the number of calls.
async fn ended_by(reply: Reply) -> (Value, usize) {
    let (docent, ada) = prepared(&[("JOB_MAX_ATTEMPTS", "1")]).await;
    docent.llm.then(reply);
    let job = docent.ask_and_finish(&ada, QUESTION).await;
    (job, docent.llm.calls())
}

#[tokio::test]
async fn what_no_further_attempt_would_mend_fails_after_one_call() {
    let spend_limit = json!({"type": "error", "error": {"type": "rate_limit_error", "message": "m",
        "details": {"error_code": "enforced_spend_limit_reached"}}});
    let rows = [
        (status(400, "invalid_request_error"), "llm_configuration"),
        (status(401, "authentication_error"), "llm_configuration"),
        (status(403, "permission_error"), "llm_configuration"),
        (status(404, "not_found_error"), "llm_configuration"),
        (status(413, "request_too_large"), "llm_request_too_large"),
        (status(422, "invalid_request_error"), "llm_configuration"),
        (Reply::Status(429, vec![], spend_limit.to_string()), "llm_configuration"),
        (
            Reply::Status(
                503,
                vec![("x-should-retry", "false".to_owned())],
                provider_error("api_error"),
            ),
            "",
        ),
        (Reply::Events(events::answer("No.", &[], "refusal")), "llm_refused"),
        (Reply::Events(events::answer("", &[], "tool_use")), "llm_protocol"),
        (Reply::Events(events::answer("", &[], "pause_turn")), "llm_protocol"),
        (
            Reply::Events(events::answer("x", &[], "a_reason_of_next_year")),
            "llm_protocol",
        ),
        (
            Reply::Body("text/html", "<html>a proxy's page</html>".to_owned()),
            "llm_protocol",
        ),
    ];
    let jobs = rows.map(|(reply, code)| tokio::spawn(async move { (ended_by(reply).await, code) }));
    for ended in jobs {
        let ((job, calls), code) = ended.await.unwrap();
        assert_eq!((&job["status"], calls), (&json!("failed"), 1), "{code}: {job}");
        assert!(code.is_empty() || job["code"] == code, "{code}: {job}");
        assert!(
            job["error"]
                .as_str()
                .is_some_and(|text| !text.contains("as the test wants")),
            "{job}"
        );
    }
}

#[tokio::test]
async fn what_may_pass_is_tried_again() {
    let half = vec![
        events::start(),
        json!({"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}}),
    ];
    let overloaded_midway: Vec<Value> = half
        .iter()
        .cloned()
        .chain([events::error("overloaded_error")])
        .collect();
    let rows = [
        ("408", status(408, "timeout_error")),
        ("409", status(409, "conflict_error")),
        ("429", status(429, "rate_limit_error")),
        ("500", status(500, "api_error")),
        ("502", Reply::Status(502, vec![], "<html>bad gateway</html>".to_owned())),
        ("503", status(503, "api_error")),
        ("504", status(504, "timeout_error")),
        ("529", status(529, "overloaded_error")),
        ("cut", Reply::Cut(half)),
        ("error event", Reply::Events(overloaded_midway)),
        ("empty answer", Reply::Events(events::answer("", &[], "end_turn"))),
    ];
    let jobs = rows.map(|(what, reply)| {
        tokio::spawn(async move {
            let (docent, ada) = prepared(&[]).await;
            docent.llm.then(reply);
            let job = docent.ask_and_finish(&ada, QUESTION).await;
            (what, job, docent.llm.calls())
        })
    });
    for ended in jobs {
        let (what, job, calls) = ended.await.unwrap();
        assert_eq!((&job["status"], calls), (&json!("completed"), 2), "{what}: {job}");
    }
}

#[tokio::test]
async fn after_five_calls_a_job_is_failed_and_its_message_gone() {
    let (docent, ada) = prepared(&[]).await;
    for _ in 0..5 {
        docent.llm.then(status(500, "api_error"));
    }
    let job = docent.ask_and_finish(&ada, QUESTION).await;
    assert_eq!(
        (&job["status"], &job["code"]),
        (&json!("failed"), &json!("attempts_exhausted")),
        "{job}"
    );
    // Three in the first attempt, and then two: whatever happens, there is no sixth.
    assert_eq!((&job["attempt"], docent.llm.calls()), (&json!(2), 5));
    assert_eq!(docent.queue.len().await, 0);
    assert_eq!(docent.ask(&ada, QUESTION).await.status, 202, "a failure is not cached");
}

#[tokio::test]
async fn a_fault_of_the_provider_is_repeated_within_the_attempt() {
    let (docent, ada) = prepared(&[("JOB_MAX_ATTEMPTS", "1")]).await;
    docent
        .llm
        .then(status(500, "api_error"))
        .then(Reply::Events(vec![events::start()]));
    let job = docent.ask_and_finish(&ada, QUESTION).await;
    assert_eq!(
        (&job["status"], &job["attempt"], docent.llm.calls()),
        (&json!("completed"), &json!(1), 3),
        "{job}"
    );
    // The reply that was cut off had begun, so it was paid for: 1000 tokens, and 1000 again.
    assert_eq!(job["usage"]["inputTokens"], 2000, "{job}");
    let counted = "SELECT llm_calls::int8 FROM jobs WHERE kind = 'answer_question'";
    assert_eq!(docent.database.number(counted).await, 3);
}

#[tokio::test]
async fn five_calls_are_all_even_if_each_is_throttled_or_its_worker_dies() {
    let (docent, ada) = prepared(&[]).await;
    let accepted = docent.ask(&ada, QUESTION).await;
    docent
        .database
        .execute("UPDATE jobs SET llm_calls = 5 WHERE kind = 'answer_question'")
        .await;
    let job = docent.finish(&ada, accepted).await;
    assert_eq!(
        (&job["code"], docent.llm.calls()),
        (&json!("attempts_exhausted"), 0),
        "{job}"
    );
}

#[tokio::test]
async fn throttling_burns_no_attempt() {
    let (docent, ada) = prepared(&[("JOB_MAX_ATTEMPTS", "1")]).await;
    let throttled = || {
        Reply::Status(
            429,
            vec![("retry-after", "1".to_owned())],
            provider_error("rate_limit_error"),
        )
    };
    docent.llm.then(throttled()).then(throttled());
    let job = docent.ask_and_finish(&ada, QUESTION).await;
    assert_eq!(
        (&job["status"], &job["attempt"]),
        (&json!("completed"), &json!(1)),
        "{job}"
    );
    assert_eq!(docent.llm.calls(), 3);
}

#[tokio::test]
async fn a_delayed_job_says_when_it_is_tried_again() {
    let (docent, ada) = prepared(&[]).await;
    docent.llm.then(Reply::Status(
        529,
        vec![("retry-after", "20".to_owned())],
        provider_error("overloaded_error"),
    ));
    let accepted = docent.ask(&ada, QUESTION).await.expect(202);
    let job = wait_for("the job to be put off", || async {
        docent.queue.work_once(&docent.worker).await;
        let job = docent.job(&ada, accepted["jobId"].as_str().unwrap()).await;
        (job["status"] == "delayed").then_some(job)
    })
    .await;
    let retry_at = time::OffsetDateTime::parse(
        job["retryAt"].as_str().unwrap(),
        &time::format_description::well_known::Rfc3339,
    );
    let wait = retry_at.unwrap() - time::OffsetDateTime::now_utc();
    assert!((10..=20).contains(&wait.whole_seconds()), "{wait}");
}

#[tokio::test]
async fn a_truncated_answer_is_given_but_not_cached() {
    for reason in ["max_tokens", "model_context_window_exceeded"] {
        let (docent, ada) = prepared(&[]).await;
        docent
            .llm
            .then(Reply::Events(events::answer("The lease is", &[], reason)));
        let job = docent.ask_and_finish(&ada, QUESTION).await;
        assert_eq!(
            (&job["status"], &job["truncated"]),
            (&json!("completed"), &json!(true)),
            "{job}"
        );
        assert_eq!(docent.ask(&ada, QUESTION).await.status, 202, "{reason}");
    }
}

#[tokio::test]
async fn a_citation_that_is_not_in_the_passages_is_dropped() {
    let (docent, ada) = prepared(&[]).await;
    let invented = json!({"type": "search_result_location", "cited_text": "The lease is an hour.", "source": "s",
        "title": "t", "search_result_index": 7, "start_block_index": 0, "end_block_index": 1});
    docent
        .llm
        .then(Reply::Events(events::answer("An hour.", &[invented], "end_turn")));
    let job = docent.ask_and_finish(&ada, QUESTION).await;
    assert_eq!(
        (&job["grounded"], &job["citations"]),
        (&json!("none"), &json!([])),
        "{job}"
    );
    assert_eq!(
        docent.ask(&ada, QUESTION).await.status,
        202,
        "an answer without a source is not cached"
    );
}

#[tokio::test]
async fn a_model_that_never_answers_is_given_up_in_time() {
    let (docent, ada) = prepared(&[("LLM_TIMEOUT_SECONDS", "1"), ("JOB_MAX_ATTEMPTS", "1")]).await;
    docent.llm.then(Reply::Hang);
    let job = docent.ask_and_finish(&ada, QUESTION).await;
    assert_eq!(job["code"], "attempts_exhausted", "{job}");
}
