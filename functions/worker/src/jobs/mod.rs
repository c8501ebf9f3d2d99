//! Jobs: taken by a lease, worked on while the lease is renewed, ended or put off.

mod answer_question;
mod contexts;
pub mod embed;
mod heartbeat;
mod ingest_document;
mod settle;

use std::time::Instant;

use shared::db::DbError;
use shared::db::jobs::{self, Claim, ClaimedJob, Work};
use shared::domain::FailureCode;
use shared::job_message::JobMessage;
use shared::telemetry::{OrLog, milliseconds};

use crate::app::Worker;
use crate::batch::Outcome;
use crate::invocation::Deadline;
use settle::Failure;

/// How an attempt ended that did not fail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ended {
    /// The outcome is stored.
    Stored,
    /// The job was no longer ours (cancelled, deleted, or taken by another worker), so nothing was stored.
    LeaseLost,
}

/// Takes the job that a message names, if it is to be taken, and works on it.
pub async fn run(worker: &Worker, message: JobMessage, receipt: Option<&str>, deadline: Deadline) -> Outcome {
    // If this worker dies, the message comes back when the lease ends, and not after the queue's long timeout.
    let shorten = async {
        if let Some(receipt) = receipt {
            worker
                .queue
                .defer(receipt, worker.config.lease)
                .await
                .or_log("shorten a message's visibility timeout");
        }
    };
    let ((), claim) = tokio::join!(shorten, claim(worker, message));
    match claim {
        Ok(Claim::Mine(job)) => attempt(worker, *job, receipt, deadline).await,
        Ok(Claim::Finished(status)) => {
            tracing::info!(outcome = "already_ended", status = status.as_str(), "job");
            Outcome::Acknowledge
        }
        Ok(Claim::Unknown) => {
            tracing::info!(outcome = "unknown", "job");
            Outcome::Acknowledge
        }
        Ok(Claim::HeldFor(time)) => {
            tracing::info!(outcome = "held", ms = milliseconds(time), "job");
            Outcome::Defer(time)
        }
        Err(error) => settle::without_claim(worker, &error),
    }
}

async fn claim(worker: &Worker, message: JobMessage) -> Result<Claim, DbError> {
    jobs::claim(&mut worker.db.session().await?, message.job_id, worker.config.lease).await
}

async fn attempt(worker: &Worker, job: ClaimedJob, receipt: Option<&str>, deadline: Deadline) -> Outcome {
    let started = Instant::now();
    let ended = if job.attempt > worker.config.max_attempts {
        // The attempts before this one ended with their worker and could not say so themselves.
        Err(Failure::Discarded(FailureCode::AttemptsExhausted))
    } else {
        let work = work(worker, &job, deadline);
        heartbeat::while_renewing(worker, &job.lease, receipt, work)
            .await
            .unwrap_or(Ok(Ended::LeaseLost))
    };
    let (ms, waited_ms) = (milliseconds(started.elapsed()), milliseconds(job.waited));
    match ended {
        Ok(ended) => {
            let (name, outcome) = match ended {
                Ended::Stored => ("completed", Outcome::Acknowledge),
                Ended::LeaseLost => ("lease_lost", Outcome::Leave),
            };
            tracing::info!(outcome = name, attempt = job.attempt, ms, waited_ms, user_id = %job.owner, "job");
            outcome
        }
        Err(failure) => settle::settle(worker, &job, failure).await,
    }
}

async fn work(worker: &Worker, job: &ClaimedJob, deadline: Deadline) -> Result<Ended, Failure> {
    match &job.work {
        Work::Answer(question) => answer_question::run(worker, job, question, deadline).await,
        Work::Ingest(document) => ingest_document::run(worker, job, *document, deadline).await,
    }
}
