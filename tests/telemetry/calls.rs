//! Calls to the model that fail, each with a line of its own.

use serde_json::{Value, json};
use worker::llm::Kind;

use super::{lines, number};
use crate::delivery::prepared;
use crate::journey::QUESTION;
use crate::support::{Log, Reply, events, text};

fn status(code: u16, kind: &str) -> Reply {
    let body = json!({"type": "error", "error": {"type": kind, "message": "as the test wants"}});
    Reply::Status(code, vec![], body.to_string())
}

/// The lines of the calls for a question whose first call ends like this.
async fn calls_that_failed(reply: Reply) -> Vec<Value> {
    let (docent, ada) = prepared(&[("LLM_TIMEOUT_SECONDS", "1")]).await;
    docent.llm.then(reply);
    let accepted = docent.ask(&ada, QUESTION).await;
    let log = Log::default();
    let guard = log.begin();
    let job = docent.finish(&ada, accepted).await;
    drop(guard);
    let calls = lines(&log, "call");
    for call in &calls {
        assert_eq!(
            (&call["job_id"], &call["level"]),
            (&job["jobId"], &json!("WARN")),
            "{call}"
        );
        assert_eq!(number(call, "LlmErrors"), 1.0);
        let declared = &call["_aws"]["CloudWatchMetrics"][0]["Dimensions"];
        assert_eq!(declared, &json!([["Service", "Kind"]]));
        assert!(!text(&call["error"]).contains("as the test wants"), "{call}");
    }
    calls
}

#[tokio::test]
async fn every_kind_of_failure_is_counted_as_what_it_is() {
    let rows = [
        (Kind::Throttled, status(429, "rate_limit_error")),
        (Kind::Overloaded, status(529, "overloaded_error")),
        (
            Kind::Overloaded,
            Reply::Events(vec![events::start(), events::error("overloaded_error")]),
        ),
        (Kind::Timeout, Reply::Hang),
        (Kind::Timeout, status(504, "timeout_error")),
        (Kind::ServerError, status(500, "api_error")),
        (Kind::Network, Reply::Cut(vec![events::start()])),
        (Kind::Refused, Reply::Events(events::answer("No.", &[], "refusal"))),
        (Kind::TooLarge, status(413, "request_too_large")),
        (Kind::Configuration, status(401, "authentication_error")),
        (Kind::Protocol, Reply::Body("text/html", "<html>".to_owned())),
    ];
    for kind in Kind::COUNTED {
        assert!(rows.iter().any(|(known, _)| *known == kind), "{kind:?} is not tried");
    }
    for (kind, reply) in rows {
        let calls = calls_that_failed(reply).await;
        let kinds: Vec<_> = calls.iter().map(|call| text(&call["Kind"])).collect();
        assert_eq!(kinds, [kind.as_str()], "{calls:?}");
    }
}

#[tokio::test]
async fn a_call_that_was_not_made_has_not_failed() {
    let calls = calls_that_failed(Reply::Quote).await;
    assert_eq!(calls, Vec::<Value>::new());
}
