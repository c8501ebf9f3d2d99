//! Whatever arrives in the queue harms nobody: no panic, each record is answered for, and its neighbours are worked.

use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;
use serde_json::{Value, json};
use worker::batch;

use crate::journey::{LEASES, QUESTION};
use crate::support::{Docent, Reply, event, events, invocation, text};

/// Bodies as nobody sends them.
fn body() -> impl Strategy<Value = Value> {
    let job = "01890a5d-ac96-774b-bcce-b302099a8057";
    prop_oneof![
        any::<String>().prop_map(Value::from),
        Just(Value::Null),
        Just(json!("")),
        Just(json!("[".repeat(50_000))),
        Just(json!("x".repeat(300_000))),
        (any::<i64>(), "(answer_question|ingest_document|drop_tables|)")
            .prop_map(move |(version, kind)| { json!(json!({"v": version, "kind": kind, "jobId": job}).to_string()) }),
        (
            0_u8..3,
            "(answer_question|ingest_document|embed_passages)",
            "[0-9a-f-]{0,36}"
        )
            .prop_map(|(version, kind, id)| {
                json!(json!({"v": version, "kind": kind, "jobId": id, "extra": {"v": 1}}).to_string())
            }),
        Just(json!(format!(
            "{{\"v\":1,\"kind\":\"answer_question\",\"jobId\":\"{job}\",\"v\":1}}"
        ))),
    ]
}

/// Records in which any field may be absent or strange.
fn record() -> impl Strategy<Value = Value> {
    let count = prop_oneof![
        any::<String>(),
        Just("1".to_owned()),
        Just("99999999999999999999".to_owned()),
        Just("-1".to_owned())
    ];
    let id = prop_oneof![
        Just(Value::Null),
        Just(json!("")),
        any::<String>().prop_map(Value::from)
    ];
    let receipt = prop_oneof![
        Just(Value::Null),
        Just(json!("no receipt")),
        any::<String>().prop_map(Value::from)
    ];
    (body(), id, receipt, count, any::<bool>()).prop_map(|(body, id, receipt, count, has_attributes)| {
        let attributes = if has_attributes {
            json!({"ApproximateReceiveCount": count})
        } else {
            json!({})
        };
        json!({"messageId": id, "receiptHandle": receipt, "body": body, "attributes": attributes,
            "messageAttributes": {}, "eventSource": "aws:sqs"})
    })
}

#[tokio::test]
async fn no_event_harms_a_worker_or_the_neighbours_of_its_records() {
    let docent = Docent::start().await;
    let ada = docent.user("ada").await;
    docent.upload(&ada, "Operations", LEASES).await;
    let mut runner = TestRunner::deterministic();
    for round in 0..40 {
        let mut records: Vec<Value> = prop::collection::vec(record(), 0..8)
            .new_tree(&mut runner)
            .unwrap()
            .current();
        let job = text(&docent.ask(&ada, &format!("{QUESTION} ({round})")).await.expect(202)["jobId"]);
        let good = json!({"v": 1, "kind": "answer_question", "jobId": job}).to_string();
        records.insert(
            records.len() / 2,
            json!({"messageId": "good", "receiptHandle": "r", "body": good, "attributes": {}}),
        );
        let ids: Vec<Value> = records.iter().map(|record| record["messageId"].clone()).collect();
        let failed = batch::handle(&docent.worker, event(records.clone()), &invocation()).await;
        let failed: Vec<String> = failed
            .batch_item_failures
            .into_iter()
            .map(|failure| failure.item_identifier)
            .collect();
        for id in &failed {
            assert!(!id.is_empty() && ids.contains(&json!(id)), "{id:?} of {ids:?}");
        }
        assert!(!failed.contains(&"good".to_owned()), "{records:?}");
        assert_eq!(docent.job(&ada, &job).await["status"], "completed", "round {round}");
        // What names no job at all comes back, until the queue puts it aside.
        for record in &records {
            let names_nothing = record["body"] == "" || record["body"] == Value::Null;
            let id = record["messageId"].as_str().unwrap_or_default();
            assert!(
                !names_nothing || id.is_empty() || failed.contains(&id.to_owned()),
                "{record}"
            );
        }
    }
}

#[tokio::test]
async fn no_reply_of_a_provider_is_too_large_to_end() {
    let docent = Docent::with(&[("JOB_MAX_ATTEMPTS", "1"), ("LLM_TIMEOUT_SECONDS", "20")]).await;
    let ada = docent.user("ada").await;
    docent.upload(&ada, "Operations", LEASES).await;
    let delta =
        |text: &str| json!({"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": text}});
    let megabytes: Vec<Value> = (0..40).map(|_| delta(&"words ".repeat(10_000))).collect();
    let large: Vec<Value> = (0..9)
        .map(|_| delta(&"a.b/ ![x](https://evil.example) ".repeat(2500)))
        .collect();
    let begin = [events::start()];
    let rows = [
        ("megabytes", [&begin[..], &megabytes].concat(), "failed"),
        (
            "pings",
            [&begin[..], &vec![json!({"type": "ping", "x": "y".repeat(1000)}); 1200]].concat(),
            "failed",
        ),
        (
            "nested",
            vec![
                json!({"type": "ping"}),
                serde_json::from_str(&format!("{}{}", "[".repeat(100), "]".repeat(100))).unwrap(),
            ],
            "failed",
        ),
        (
            "large",
            [&begin[..], &large, &events::end("end_turn")].concat(),
            "completed",
        ),
        (
            "tokens",
            vec![
                json!({"type": "message_start", "message": {"model": "m\0\u{1b}", "usage": {"input_tokens": u64::MAX}}}),
                delta("Yes."),
                events::end("end_turn")[0].clone(),
                json!({"type": "message_stop"}),
            ],
            "completed",
        ),
    ];
    for (what, events, status) in rows {
        docent.llm.then(Reply::Events(events));
        let job = docent.ask_and_finish(&ada, &format!("{QUESTION} ({what})")).await;
        assert_eq!(job["status"], status, "{what}: {}", job["code"]);
        assert!(
            !text(job.get("answer").unwrap_or(&json!(""))).contains("evil.example"),
            "{what}"
        );
    }
}
