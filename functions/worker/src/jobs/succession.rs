//! What is left to do when a job is gone: others may wait for its answer.

use shared::db::DbError;
use shared::db::jobs;
use shared::domain::{JobId, JobKind};
use shared::job_message::{JobMessage, OwnedJob};
use shared::telemetry::OrLog;
use std::time::Duration;

use super::attempt::Attempt;
use crate::app::Worker;

/// The job was taken away while it was worked on. What its calls consumed is kept, should it have been cancelled; and
/// if it was deleted, its followers get a new leader.
pub(super) async fn after_loss(attempt: &Attempt<'_>) {
    let job = attempt.job.lease.job;
    if attempt.ledger.calls() > 0 {
        keep_spent(attempt, job)
            .await
            .or_log("keep what a cancelled job has consumed");
        tracing::warn!(outcome = "dropped", calls = attempt.ledger.calls(), "call");
    }
    promote_followers_of(attempt.worker, JobMessage::to_answer(job)).await;
}

async fn keep_spent(attempt: &Attempt<'_>, job: JobId) -> Result<(), DbError> {
    let mut db = attempt.worker.db.session().await?;
    jobs::keep_spent(&mut db, job, &attempt.ledger.total()).await
}

/// Gives the followers of a job that has ended without an answer, or was deleted, a new leader.
pub(super) async fn promote_followers_of(worker: &Worker, message: JobMessage) {
    if message.kind != JobKind::AnswerQuestion {
        return;
    }
    let promoted = promote(worker, message.job_id)
        .await
        .or_log("promote the followers of a job");
    for heir in promoted.unwrap_or_default() {
        send(worker, heir).await;
    }
}

async fn promote(worker: &Worker, job: JobId) -> Result<Vec<OwnedJob>, DbError> {
    jobs::promote_followers_of(&mut worker.db.session().await?, &[job]).await
}

/// Sends a follower that leads now on its way. If that fails, its row says when it has to be sent again.
pub(super) async fn send(worker: &Worker, heir: OwnedJob) {
    tracing::info!(heir = %heir.message.job_id, "a follower leads now");
    worker
        .queue
        .send(heir, Duration::ZERO)
        .await
        .or_log("send a promoted job to the queue");
}
