//! Workers die, stall and come back: a job is one worker's at a time, and outlives each of them.

use std::sync::Arc;
use std::time::Duration;

use serde_json::json;
use shared::db::jobs::{self, Claim, Spent};
use shared::domain::{FailureCode, JobId};
use tokio::sync::Semaphore;

use crate::delivery::{body, failed_ids, prepared, record};
use crate::journey::QUESTION;
use crate::support::{Reply, text, wait_for};

#[tokio::test]
async fn a_job_of_a_dead_worker_is_taken_over_when_its_lease_ends() {
    let (docent, ada) = prepared(&[("JOB_LEASE_SECONDS", "2")]).await;
    let accepted = docent.ask(&ada, QUESTION).await;
    let id: JobId = text(&accepted.json()["jobId"]).parse().unwrap();
    // This worker takes the job and is never heard of again.
    let claim = jobs::claim(
        &mut docent.worker.db.session().await.unwrap(),
        id,
        Duration::from_secs(2),
    )
    .await
    .unwrap();
    let Claim::Mine(dead) = claim else { panic!("{claim:?}") };
    let job = docent.finish(&ada, accepted).await;
    assert_eq!(
        (&job["status"], &job["attempt"]),
        (&json!("completed"), &json!(2)),
        "{job}"
    );
    // The dead one may have called the model as well: its call was counted in advance.
    let counted = "SELECT llm_calls::int8 FROM jobs WHERE kind = 'answer_question'";
    assert_eq!(docent.database.number(counted).await, 2);
    // It was not dead after all, and wants to say that it failed.
    let mut db = docent.worker.db.session().await.unwrap();
    let written = jobs::fail(&mut db, &dead.lease, FailureCode::Internal, &Spent::default())
        .await
        .unwrap();
    assert_eq!(written, None, "a zombie's token no longer counts");
    assert_eq!(docent.job(&ada, &id.to_string()).await, job);
}

#[tokio::test]
async fn a_lease_is_renewed_while_its_worker_works() {
    let (docent, ada) = prepared(&[("JOB_LEASE_SECONDS", "2")]).await;
    let permits = Arc::new(Semaphore::new(0));
    docent.llm.then(Reply::QuoteWhenAllowed(permits.clone()));
    let accepted = docent.ask(&ada, QUESTION).await.expect(202);
    let id = text(&accepted["jobId"]);
    let work = docent.queue.work_once(&docent.worker);
    let watch = async {
        let until = format!("SELECT extract(epoch FROM lease_until - started_at)::int8 FROM jobs WHERE id = '{id}'");
        wait_for("the call", || async { (docent.llm.calls() == 1).then_some(()) }).await;
        wait_for("the lease to reach past its first end", || async {
            (docent.database.number(&until).await > 4).then_some(())
        })
        .await;
        permits.add_permits(1);
    };
    tokio::join!(work, watch);
    let job = docent.job(&ada, &id).await;
    assert_eq!(
        (&job["status"], &job["attempt"], docent.llm.calls()),
        (&json!("completed"), &json!(1), 1)
    );
}

#[tokio::test]
async fn a_job_that_is_taken_away_drops_its_call() {
    let (docent, ada) = prepared(&[("JOB_LEASE_SECONDS", "2")]).await;
    docent.llm.then(Reply::Hang);
    let accepted = docent.ask(&ada, QUESTION).await.expect(202);
    let chat = format!("/api/chats/{}", text(&accepted["chatId"]));
    let take_away = async {
        wait_for("the call", || async { (docent.llm.calls() == 1).then_some(()) }).await;
        docent.delete(&ada, &chat).await.expect(204);
    };
    let both = async { tokio::join!(docent.queue.work_once(&docent.worker), take_away) };
    tokio::time::timeout(Duration::from_secs(20), both)
        .await
        .expect("the hanging call ends with the lease");
}

#[tokio::test]
async fn workers_that_die_again_and_again_do_not_keep_a_job_for_ever() {
    let (docent, ada) = prepared(&[("JOB_LEASE_SECONDS", "2")]).await;
    let accepted = docent.ask(&ada, QUESTION).await;
    let id = text(&accepted.json()["jobId"]);
    docent
        .database
        .execute(&format!("UPDATE jobs SET attempt = 3 WHERE id = '{id}'"))
        .await;
    let job = docent.finish(&ada, accepted).await;
    assert_eq!(
        (&job["code"], docent.llm.calls()),
        (&json!("attempts_exhausted"), 0),
        "{job}"
    );
}

#[tokio::test]
async fn a_worker_that_lost_its_job_leaves_the_message_to_its_successor() {
    let (docent, ada) = prepared(&[("JOB_LEASE_SECONDS", "2")]).await;
    docent.llm.then(Reply::Hang);
    let accepted = docent.ask(&ada, QUESTION).await.expect(202);
    let id = text(&accepted["jobId"]);
    let work = failed_ids(&docent, vec![record("message", &body(&id))]);
    let take_over = async {
        wait_for("the call", || async { (docent.llm.calls() == 1).then_some(()) }).await;
        let successor = format!("UPDATE jobs SET lease_token = gen_random_uuid() WHERE id = '{id}'");
        docent.database.execute(&successor).await;
    };
    let (failed, ()) = tokio::join!(work, take_over);
    assert_eq!(
        failed,
        ["message"],
        "acknowledged, it would be gone when the successor dies"
    );
}

#[tokio::test]
async fn a_row_that_cannot_be_read_is_tried_so_often_and_then_fails() {
    let (docent, ada) = prepared(&[("JOB_LEASE_SECONDS", "2")]).await;
    let accepted = docent.ask(&ada, QUESTION).await;
    docent
        .database
        .execute("ALTER TABLE jobs DROP CONSTRAINT jobs_question; UPDATE jobs SET question = NULL")
        .await;
    let job = docent.finish(&ada, accepted).await;
    assert_eq!(
        (&job["code"], &job["attempt"], docent.llm.calls()),
        (&json!("attempts_exhausted"), &json!(3), 0),
        "{job}"
    );
    assert_eq!(docent.queue.len().await, 0);
}
