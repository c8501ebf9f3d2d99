//! An operator has failed jobs tried again.

use janitor::trigger;
use serde_json::{Value, json};

use crate::delivery::prepared;
use crate::journey::QUESTION;
use crate::support::{Docent, Reply, text, wait_for};

async fn order(docent: &Docent, order: Value) -> Value {
    trigger::handle(&docent.janitor, json!({ "redrive": order }), "test")
        .await
        .unwrap()
}

async fn finish_all(docent: &Docent) {
    wait_for("all jobs to end", || async {
        docent.queue.work_once(&docent.worker).await;
        let open = "SELECT count(*) FROM jobs WHERE status IN ('queued', 'active', 'delayed')";
        (docent.database.number(open).await == 0).then_some(())
    })
    .await;
}

#[tokio::test]
async fn a_hundred_that_failed_are_answered_and_what_had_ended_is_untouched() {
    let (docent, ada) = prepared(&[("MAX_OPEN_JOBS_PER_USER", "0")]).await;
    let done = docent.ask_and_finish(&ada, "A lease that was answered?").await;
    let cancelled = text(&docent.ask(&ada, "A lease nobody wants?").await.expect(202)["jobId"]);
    docent.delete(&ada, &format!("/api/ask/{cancelled}")).await.expect(204);
    for number in 0..100 {
        docent.llm.then(Reply::Status(401, vec![], "{}".to_owned()));
        docent.ask(&ada, &format!("{QUESTION} {number}")).await.expect(202);
    }
    finish_all(&docent).await;
    let calls = docent.llm.calls();
    let of_code = json!({"code": "llm_configuration"});

    let counted = order(&docent, json!({"code": "llm_configuration", "dryRun": true})).await;
    assert_eq!(counted, json!({"matched": 100, "redriven": 0, "unsent": 0}));
    for other in [json!({"code": "internal"}), json!({"since": "2126-01-01T00:00:00Z"})] {
        assert_eq!(order(&docent, other).await["matched"], 0);
    }
    assert_eq!(
        order(&docent, of_code.clone()).await,
        json!({"matched": 100, "redriven": 100, "unsent": 0})
    );
    finish_all(&docent).await;
    let completed = "SELECT count(*) FROM jobs WHERE status = 'completed' AND redrives = 1 AND redriven_at IS NOT NULL
                     AND attempt = 1 AND llm_calls = 1 AND error_code IS NULL";
    assert_eq!(docent.database.number(completed).await, 100);
    assert_eq!(docent.llm.calls(), calls + 100, "each is paid for once");
    assert_eq!(docent.job(&ada, &text(&done["jobId"])).await, done);
    assert_eq!(docent.job(&ada, &cancelled).await["status"], "cancelled");
    assert_eq!(order(&docent, of_code).await["matched"], 0);
}

#[tokio::test]
async fn those_that_asked_the_same_are_paid_for_once() {
    let (docent, ada) = prepared(&[("REDIS_URL", "")]).await;
    docent.llm.then(Reply::Status(401, vec![], "{}".to_owned()));
    for _ in 0..5 {
        docent.ask(&ada, QUESTION).await.expect(202);
    }
    finish_all(&docent).await;
    assert_eq!(order(&docent, json!({"since": "1h"})).await["redriven"], 5);
    finish_all(&docent).await;
    let completed = "SELECT count(*) FROM jobs WHERE status = 'completed' AND kind = 'answer_question'";
    assert_eq!((docent.database.number(completed).await, docent.llm.calls()), (5, 2));
}

#[tokio::test]
async fn a_document_is_ingested_after_all() {
    let docent = Docent::start().await;
    let ada = docent.user("ada").await;
    let upload = json!({"title": "t", "text": "A text.", "mediaType": "text/plain"});
    let document = docent.post(&ada, "/api/documents", upload).await.expect(202)["document"].clone();
    docent.database.execute("UPDATE jobs SET attempt = 3").await;
    finish_all(&docent).await;
    let path = format!("/api/documents/{}", text(&document["id"]));
    assert_eq!(
        docent.get(&ada, &path).await.expect(200)["document"]["status"],
        "failed"
    );
    assert_eq!(
        order(&docent, json!({"code": "attempts_exhausted"})).await["redriven"],
        1
    );
    assert_eq!(
        docent.get(&ada, &path).await.expect(200)["document"]["status"],
        "queued"
    );
    finish_all(&docent).await;
    assert_eq!(docent.get(&ada, &path).await.expect(200)["document"]["status"], "ready");
}
