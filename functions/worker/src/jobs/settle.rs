//! A failed attempt: tried again later, or given up for good. The decision was made where the failure was understood
//! ([`Verdict`]); here it is carried out.

use std::time::Duration;

use shared::db::jobs::{self, ClaimedJob, RetryPlan, Work};
use shared::db::{DbError, documents};
use shared::domain::{FailureCode, Usage};
use shared::telemetry::{OrLog, chain, milliseconds};

use crate::app::Worker;
use crate::batch::Outcome;
use crate::llm::{LlmFailure, Verdict};
use crate::reader::ReadFailure;

/// The wait before the second attempt; each further one is twice as long.
const FIRST_BACKOFF: Duration = Duration::from_secs(2);
/// The longest wait. A job that is throttled for long is bounded by its own deadline.
const LONGEST_BACKOFF: Duration = Duration::from_secs(60);

/// Why an attempt failed.
#[derive(Debug)]
pub(super) enum Failure {
    /// The model gave no answer.
    Llm(LlmFailure),
    /// The database did not do what it was asked.
    Database(DbError),
    /// The document gave no text.
    Unread(ReadFailure),
    /// There is nothing to be gained by another attempt.
    Discarded(FailureCode),
}

impl From<DbError> for Failure {
    fn from(error: DbError) -> Self {
        Self::Database(error)
    }
}

impl From<ReadFailure> for Failure {
    fn from(failure: ReadFailure) -> Self {
        Self::Unread(failure)
    }
}

impl From<LlmFailure> for Failure {
    fn from(failure: LlmFailure) -> Self {
        Self::Llm(failure)
    }
}

impl Failure {
    fn verdict(&self) -> Verdict {
        match self {
            Self::Llm(failure) => failure.verdict,
            Self::Discarded(code) => Verdict::Discard { code: *code },
            Self::Unread(ReadFailure::Unreadable(reason)) => Verdict::Discard { code: reason.code() },
            // It waited for others until this invocation was nearly over. The next one begins with it.
            Self::Unread(ReadFailure::NoTime) => Verdict::Retry {
                after: None,
                burns_attempt: false,
            },
            Self::Unread(ReadFailure::Broken(_)) => Verdict::Retry {
                after: None,
                burns_attempt: true,
            },
            // The database was away: that is not the job's fault.
            Self::Database(error) if error.is_passing() => Verdict::Retry {
                after: None,
                burns_attempt: false,
            },
            // Refused once, a statement will most likely be refused again; a few attempts show whether it was chance.
            Self::Database(_) => Verdict::Retry {
                after: None,
                burns_attempt: true,
            },
        }
    }

    fn reason(&self) -> String {
        match self {
            Self::Llm(failure) => failure.reason.clone(),
            Self::Database(error) => chain(error),
            Self::Discarded(code) => code.as_str().to_owned(),
            Self::Unread(ReadFailure::Unreadable(reason)) => reason.code().as_str().to_owned(),
            Self::Unread(ReadFailure::NoTime) => "no time was left to read the document".to_owned(),
            Self::Unread(ReadFailure::Broken(error)) => format!("read the document: {error}"),
        }
    }

    /// What a job that is given up for this reason is said to have failed of.
    fn code_when_given_up(&self) -> FailureCode {
        match self.verdict() {
            Verdict::Discard { code } => code,
            Verdict::Retry { .. } => FailureCode::AttemptsExhausted,
        }
    }

    fn usage(&self) -> Usage {
        match self {
            Self::Llm(failure) => failure.usage,
            Self::Database(_) | Self::Unread(_) | Self::Discarded(_) => Usage::default(),
        }
    }
}

/// Writes down what became of a failed attempt, and says what is to become of its message.
pub(super) async fn settle(worker: &Worker, job: &ClaimedJob, failure: Failure) -> Outcome {
    let written = match failure.verdict() {
        Verdict::Retry { after, burns_attempt } if !burns_attempt || job.attempt < worker.config.max_attempts => {
            let after = after.unwrap_or_else(|| backoff(job.attempt, fastrand::f64()));
            put_off(
                worker,
                job,
                &failure,
                RetryPlan {
                    after,
                    attempt_counts: burns_attempt,
                },
            )
            .await
        }
        Verdict::Retry { .. } | Verdict::Discard { .. } => give_up(worker, job, &failure).await,
    };
    // What could not be written down stays as it is: the lease runs out, and the next delivery takes the job again.
    written
        .or_log("write down a failed attempt")
        .unwrap_or(Outcome::Defer(worker.config.lease))
}

async fn put_off(worker: &Worker, job: &ClaimedJob, failure: &Failure, plan: RetryPlan) -> Result<Outcome, DbError> {
    tracing::warn!(
        outcome = "delayed",
        attempt = job.attempt,
        counts = plan.attempt_counts,
        ms = milliseconds(plan.after),
        error = failure.reason(),
        "job"
    );
    let kept = jobs::defer(&mut worker.db.session().await?, &job.lease, &plan).await?;
    Ok(if kept {
        Outcome::Defer(plan.after)
    } else {
        Outcome::Leave
    })
}

async fn give_up(worker: &Worker, job: &ClaimedJob, failure: &Failure) -> Result<Outcome, DbError> {
    let code = failure.code_when_given_up();
    tracing::error!(
        outcome = "failed",
        attempt = job.attempt,
        code = code.as_str(),
        error = failure.reason(),
        user_id = %job.owner,
        "job"
    );
    let mut db = worker.db.session().await?;
    db.begin().await?;
    if jobs::fail(&mut db, &job.lease, code, &failure.usage()).await?
        && let Work::Ingest(document) = &job.work
    {
        documents::mark_failed(&mut db, job.owner, *document, code).await?;
    }
    db.commit().await?;
    Ok(Outcome::Acknowledge)
}

/// A job could not even be taken, because the database could not be asked: the message comes back.
pub(super) fn without_claim(worker: &Worker, error: &DbError) -> Outcome {
    tracing::error!(outcome = "not_claimed", error = chain(error), "job");
    Outcome::Defer(if error.is_passing() {
        FIRST_BACKOFF
    } else {
        worker.config.lease
    })
}

/// `2 s * 2^(attempt - 1)`, lengthened by up to a half: jobs that failed together do not come back together.
/// `random` is from 0 to 1.
fn backoff(attempt: i32, random: f64) -> Duration {
    let doublings = u32::try_from(attempt - 1).unwrap_or(0).min(10);
    let base = FIRST_BACKOFF.saturating_mul(2_u32.pow(doublings)).min(LONGEST_BACKOFF);
    base.mul_f64(1.0 + random / 2.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_and_are_spread() {
        let seconds = |attempt, random| backoff(attempt, random).as_secs_f64();
        assert_eq!([seconds(1, 0.0), seconds(2, 0.0), seconds(3, 0.0)], [2.0, 4.0, 8.0]);
        assert_eq!(seconds(1, 1.0), 3.0);
        assert_eq!(seconds(100, 0.0), 60.0);
        assert_eq!(seconds(0, 0.0), 2.0);
    }
}
