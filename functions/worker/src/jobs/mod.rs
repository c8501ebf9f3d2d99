//! Jobs: taken by a lease, worked on while the lease is renewed, ended or put off.

mod answer_question;
mod asking;
mod attempt;
mod contexts;
pub mod embed;
mod heartbeat;
mod ingest_document;
mod ledger;
mod settle;
mod succession;

use shared::db::DbError;
use shared::db::jobs::{self, Claim, ClaimedJob, Work};
use shared::domain::{FailureCode, JobStatus};
use shared::job_message::JobMessage;
use shared::telemetry::{Metric, OrLog, measures, milliseconds};

use crate::app::Worker;
use crate::batch::Outcome;
use crate::invocation::Deadline;
use attempt::Attempt;
use ledger::Ledger;
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
            measures::note("outcome", "already_ended");
            measures::note("status", status.as_str());
            if status != JobStatus::Completed {
                succession::promote_followers_of(worker, message).await;
            }
            Outcome::Acknowledge
        }
        Ok(Claim::Expired) => {
            measures::note("outcome", "expired");
            measures::count(Metric::JobsExpired);
            succession::promote_followers_of(worker, message).await;
            Outcome::Acknowledge
        }
        Ok(Claim::Unknown) => {
            measures::note("outcome", "unknown");
            succession::promote_followers_of(worker, message).await;
            Outcome::Acknowledge
        }
        Ok(Claim::HeldFor(time)) => {
            measures::note("outcome", "held");
            measures::note("again_in_ms", milliseconds(time));
            Outcome::Defer(time)
        }
        Err(error) => settle::without_claim(worker, &error),
    }
}

async fn claim(worker: &Worker, message: JobMessage) -> Result<Claim, DbError> {
    jobs::claim(&mut worker.db.session().await?, message.job_id, worker.config.lease).await
}

async fn attempt(worker: &Worker, job: ClaimedJob, receipt: Option<&str>, deadline: Deadline) -> Outcome {
    say_whose(&job);
    let ledger = Ledger::new(job.spent);
    let attempt = Attempt {
        worker,
        job: &job,
        deadline,
        ledger: &ledger,
    };
    let ended = if job.attempt > worker.config.max_attempts {
        // The attempts before this one ended with their worker and could not say so themselves.
        Err(Failure::Discarded(FailureCode::AttemptsExhausted))
    } else {
        tokio::select! {
            ended = heartbeat::while_renewing(worker, &job.lease, receipt, work(&attempt)) => {
                ended.unwrap_or(Ok(Ended::LeaseLost))
            }
            () = deadline.time_to_release() => Err(Failure::OutOfTime),
        }
    };
    match ended {
        Ok(ended) => {
            let (name, outcome) = match ended {
                Ended::Stored => ("completed", Outcome::Acknowledge),
                Ended::LeaseLost => ("lease_lost", Outcome::Leave),
            };
            measures::note("outcome", name);
            if ended == Ended::LeaseLost {
                succession::after_loss(&attempt).await;
            }
            outcome
        }
        Err(failure) => settle::settle(&attempt, failure).await,
    }
}

fn say_whose(job: &ClaimedJob) {
    measures::note("user_id", job.owner.to_string());
    measures::note("attempt", job.attempt);
    if let Some(waited) = job.waited {
        measures::set(Metric::TimeInQueueMs, milliseconds(waited));
    }
}

async fn work(attempt: &Attempt<'_>) -> Result<Ended, Failure> {
    match &attempt.job.work {
        Work::Answer(question) => answer_question::run(attempt, question).await,
        Work::Unreadable(what) => Err(Failure::Database(DbError::Unreadable(what.clone()))),
        Work::Ingest(document) => ingest_document::run(attempt.worker, attempt.job, *document, attempt.deadline).await,
    }
}
