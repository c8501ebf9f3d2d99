//! A question that its asker does not want answered any more.

use std::time::{Duration, Instant};

use serde_json::json;
use uuid::Uuid;

use crate::delivery::prepared;
use crate::journey::QUESTION;
use crate::support::{Reply, events, text, wait_for};

#[tokio::test]
async fn a_question_that_waits_is_never_worked_on() {
    let (docent, ada) = prepared(&[]).await;
    let job = text(&docent.ask(&ada, QUESTION).await.expect(202)["jobId"]);
    let path = format!("/api/ask/{job}");
    docent.delete(&ada, &path).await.expect(204);
    docent.delete(&ada, &path).await.expect(204);
    docent.queue.work_once(&docent.worker).await;
    let ended = docent.job(&ada, &job).await;
    assert_eq!(ended["status"], "cancelled");
    assert!(ended["finishedAt"].is_string(), "{ended}");
    assert_eq!((docent.llm.calls(), docent.queue.len().await), (0, 0));
    assert_eq!(docent.database.number("SELECT count(*) FROM messages").await, 0);
}

#[tokio::test]
async fn a_call_is_dropped_within_two_seconds_and_what_it_consumed_is_kept() {
    // A lease of 30 seconds is renewed every ten: the heartbeat alone would notice too late.
    let (docent, ada) = prepared(&[]).await;
    let mut reply = vec![events::start()];
    reply.extend(std::iter::repeat_n(json!({"type": "ping"}), 60));
    docent.llm.then(Reply::Paced(reply, Duration::from_millis(300)));
    let job = text(&docent.ask(&ada, QUESTION).await.expect(202)["jobId"]);
    let cancel = async {
        wait_for("the call", || async { (docent.llm.calls() == 1).then_some(()) }).await;
        // The beginning of the reply has arrived by then.
        tokio::time::sleep(Duration::from_millis(900)).await;
        let answer = docent.delete(&ada, &format!("/api/ask/{job}")).await.expect(202);
        assert_eq!(answer, json!({"jobId": job, "status": "cancelled"}));
        Instant::now()
    };
    let ((), cancelled) = tokio::join!(docent.queue.work_once(&docent.worker), cancel);
    assert!(
        cancelled.elapsed() < Duration::from_secs(2),
        "{:?}",
        cancelled.elapsed()
    );
    assert_eq!(docent.job(&ada, &job).await["status"], "cancelled");
    let kept = "SELECT (usage->>'inputTokens')::int8 FROM jobs WHERE kind = 'answer_question'";
    assert_eq!(docent.database.number(kept).await, 1000);
}

#[tokio::test]
async fn a_question_that_is_put_off_is_cancelled_too() {
    let (docent, ada) = prepared(&[]).await;
    docent.llm.then(Reply::Status(
        429,
        vec![("retry-after", "30".to_owned())],
        "{}".to_owned(),
    ));
    let job = text(&docent.ask(&ada, QUESTION).await.expect(202)["jobId"]);
    wait_for("the job to be put off", || async {
        docent.queue.work_once(&docent.worker).await;
        (docent.job(&ada, &job).await["status"] == "delayed").then_some(())
    })
    .await;
    docent.delete(&ada, &format!("/api/ask/{job}")).await.expect(204);
    let ended = docent.job(&ada, &job).await;
    assert_eq!(
        (&ended["status"], &ended["retryAt"]),
        (&json!("cancelled"), &json!(null))
    );
}

#[tokio::test]
async fn what_has_ended_does_not_change() {
    let (docent, ada) = prepared(&[]).await;
    let completed = docent.ask_and_finish(&ada, QUESTION).await;
    let path = format!("/api/ask/{}", text(&completed["jobId"]));
    let refused = docent.delete(&ada, &path).await.expect(409);
    assert_eq!(refused["code"], "job_ended");
    assert_eq!(docent.get(&ada, &path).await.expect(200), completed);

    let overdue = text(&docent.ask(&ada, "Is anybody there?").await.expect(202)["jobId"]);
    docent
        .database
        .execute(&format!("UPDATE jobs SET expires_at = now() WHERE id = '{overdue}'"))
        .await;
    docent.delete(&ada, &format!("/api/ask/{overdue}")).await.expect(409);
}

#[tokio::test]
async fn what_is_not_the_callers_is_not_there() {
    let (docent, ada) = prepared(&[]).await;
    let bob = docent.user("bob").await;
    let job = text(&docent.ask(&ada, QUESTION).await.expect(202)["jobId"]);
    let mut answers = Vec::new();
    for id in [job.clone(), Uuid::now_v7().to_string(), "no-id".to_owned()] {
        let mut answer = docent.delete(&bob, &format!("/api/ask/{id}")).await.expect(404);
        answer["requestId"].take();
        answers.push(answer);
    }
    assert!(answers.iter().all(|answer| *answer == answers[0]), "{answers:?}");
    assert_eq!(docent.job(&ada, &job).await["status"], "queued");
}
