//! Sweeps and batches of dead letters.

use janitor::trigger;
use serde_json::{Value, json};

use super::{counts, line, number};
use crate::delivery::{body, prepared, record};
use crate::journey::QUESTION;
use crate::support::{Docent, Log, text};

async fn lined(docent: &Docent, event: Value, message: &str) -> Value {
    let log = Log::default();
    let guard = log.begin();
    trigger::handle(&docent.janitor, event, "an-invocation").await.unwrap();
    drop(guard);
    let line = line(&log, message);
    assert_eq!(
        (&line["Service"], &line["request_id"]),
        (&json!("janitor"), &json!("an-invocation"))
    );
    assert_eq!(line["outcome"], "done");
    assert!(
        number(&line, "ms") > 0.0 && number(&line, "postgres_ms") > 0.0,
        "{line}"
    );
    line
}

#[tokio::test]
async fn a_sweep_counts_what_it_sent_again_and_what_had_expired() {
    let (docent, ada) = prepared(&[]).await;
    let idle = lined(&docent, json!({"sweep": {}}), "sweep").await;
    assert!(idle["_aws"].is_null(), "nothing happened: {idle}");
    for question in [QUESTION, "Late?", "Later?"] {
        docent.ask(&ada, question).await.expect(202);
    }
    docent
        .database
        .execute(
            "UPDATE jobs SET resend_at = now() - interval '1 second' WHERE status = 'queued';
             UPDATE jobs SET created_at = created_at - interval '1 day', expires_at = now()
             WHERE question LIKE 'Late%'",
        )
        .await;
    let line = lined(&docent, json!({"sweep": {}}), "sweep").await;
    assert_eq!(counts(&line), [("JobsExpired", 2.0), ("Resent", 1.0)]);
    assert_eq!(
        (&line["expired"], &line["resent"], &line["unsent"]),
        (&json!(2), &json!(1), &json!(0))
    );
    assert!(number(&line, "queue_ms") > 0.0, "{line}");
}

#[tokio::test]
async fn dead_letters_are_counted_and_so_are_the_jobs_that_fail_by_them() {
    let (docent, ada) = prepared(&[]).await;
    let done = text(&docent.ask_and_finish(&ada, QUESTION).await["jobId"]);
    let open = text(&docent.ask(&ada, "Open?").await.expect(202)["jobId"]);
    let records = vec![
        record("a", &body(&done)),
        record("b", &body(&open)),
        record("c", "no job"),
    ];
    let line = lined(&docent, json!({ "Records": records }), "dead letters").await;
    assert_eq!(counts(&line), [("JobsFailed", 1.0), ("DeadLetters", 3.0)]);
    assert_eq!(docent.job(&ada, &open).await["status"], "failed");
}
