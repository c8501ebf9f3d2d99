//! A failed attempt: tried again later, or given up for good. The decision was made where the failure was understood
//! ([`Verdict`]); here it is carried out.

use std::time::Duration;

use shared::db::DbError;
use shared::db::jobs::{self, RetryPlan};
use shared::domain::FailureCode;
use shared::telemetry::{Metric, OrLog, chain, measures, milliseconds};
use tracing::Level;

use super::attempt::Attempt;
use super::ledger::MAX_CALLS;
use super::succession;
use crate::app::Worker;
use crate::batch::Outcome;
use crate::llm::{LlmFailure, Verdict};
use crate::reader::ReadFailure;

/// The wait before the second attempt; each further one is twice as long.
const FIRST_BACKOFF: Duration = Duration::from_secs(2);
/// The longest wait. A job that is throttled for long is bounded by its own deadline.
const LONGEST_BACKOFF: Duration = Duration::from_secs(60);
/// How far apart jobs come back that wait for the same provider.
const LONGEST_SPREAD: Duration = Duration::from_secs(3);
/// The least waits after the first, second, ... call of a job, if the provider throttles it and says no more. A job has
/// few calls: these make them last for minutes.
const AFTER_THROTTLING: [u64; 4] = [2, 8, 30, 120];

/// Why an attempt failed.
#[derive(Debug)]
pub(super) enum Failure {
    /// The model gave no answer.
    Llm(LlmFailure),
    /// The database did not do what it was asked.
    Database(DbError),
    /// The document gave no text.
    Unread(ReadFailure),
    /// The provider is being left alone for this long.
    CircuitOpen(Duration),
    /// The invocation ends before the work does.
    OutOfTime,
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
            // No call was made. Spread, so that not all come back at the same moment.
            Self::CircuitOpen(rest) => Verdict::Retry {
                after: Some(*rest + LONGEST_SPREAD.mul_f64(fastrand::f64())),
                burns_attempt: false,
            },
            Self::OutOfTime => Verdict::Retry {
                after: Some(FIRST_BACKOFF),
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
            Self::CircuitOpen(_) => "the provider's circuit is open".to_owned(),
            Self::OutOfTime => "the invocation's time was over".to_owned(),
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

    /// How long the job waits: what the failure says, but no less than its calls can last for if it is throttled.
    fn wait(&self, job_attempt: i32, calls: i32) -> Duration {
        let Verdict::Retry { after, burns_attempt } = self.verdict() else {
            return Duration::ZERO;
        };
        match self {
            Self::Llm(_) if !burns_attempt => after_throttling(calls, after),
            _ => after.unwrap_or_else(|| backoff(job_attempt, fastrand::f64())),
        }
    }
}

/// Writes down what became of a failed attempt, and says what is to become of its message.
pub(super) async fn settle(attempt: &Attempt<'_>, failure: Failure) -> Outcome {
    let calls = attempt.ledger.total().calls;
    measures::note("error", failure.reason());
    let written = match failure.verdict() {
        Verdict::Retry { burns_attempt, .. } if may_retry(attempt, &failure, burns_attempt) => {
            let plan = RetryPlan {
                after: failure.wait(attempt.job.attempt, calls),
                attempt_counts: burns_attempt,
            };
            put_off(attempt, plan).await
        }
        Verdict::Retry { .. } | Verdict::Discard { .. } => give_up(attempt, &failure).await,
    };
    // What could not be written down stays as it is: the lease runs out, and the next delivery takes the job again.
    written.or_log("write down a failed attempt").unwrap_or_else(|| {
        say(Level::ERROR, "not_settled");
        Outcome::Defer(attempt.worker.config.lease)
    })
}

fn say(level: Level, outcome: &'static str) {
    measures::level(level);
    measures::note("outcome", outcome);
}

fn may_retry(attempt: &Attempt<'_>, failure: &Failure, burns_attempt: bool) -> bool {
    let has_attempts = !burns_attempt || attempt.job.attempt < attempt.worker.config.max_attempts;
    let has_calls = !matches!(failure, Failure::Llm(_)) || attempt.ledger.total().calls < MAX_CALLS;
    has_attempts && has_calls
}

async fn put_off(attempt: &Attempt<'_>, plan: RetryPlan) -> Result<Outcome, DbError> {
    let mut db = attempt.worker.db.session().await?;
    let kept = jobs::defer(&mut db, &attempt.job.lease, &plan, &attempt.ledger.total()).await?;
    if !kept {
        say(Level::WARN, "lease_lost");
        return Ok(Outcome::Leave);
    }
    say(Level::WARN, "deferred");
    measures::note("counts", plan.attempt_counts);
    measures::note("again_in_ms", milliseconds(plan.after));
    measures::count(Metric::JobsDeferred);
    if attempt.ledger.has_unstored() {
        measures::count(Metric::PaidTwice);
    }
    Ok(Outcome::Defer(plan.after))
}

async fn give_up(attempt: &Attempt<'_>, failure: &Failure) -> Result<Outcome, DbError> {
    let code = failure.code_when_given_up();
    let mut db = attempt.worker.db.session().await?;
    let failed = jobs::fail(&mut db, &attempt.job.lease, code, &attempt.ledger.total()).await?;
    drop(db);
    let Some(failed) = failed else {
        say(Level::WARN, "lease_lost");
        return Ok(Outcome::Leave);
    };
    say(Level::ERROR, "failed");
    measures::note("code", code.as_str());
    measures::add_all(Metric::JobsFailed, failed.jobs);
    if let Some(heir) = failed.heir {
        succession::send(attempt.worker, heir).await;
    }
    Ok(Outcome::Acknowledge)
}

/// A job could not even be taken, because the database could not be asked: the message comes back.
pub(super) fn without_claim(worker: &Worker, error: &DbError) -> Outcome {
    say(Level::ERROR, "not_claimed");
    measures::note("error", chain(error));
    if error.is_passing() {
        Outcome::Defer(FIRST_BACKOFF)
    } else {
        Outcome::Return(worker.config.lease)
    }
}

/// `2 s * 2^(attempt - 1)`, lengthened by up to a half: jobs that failed together do not come back together.
/// `random` is from 0 to 1.
fn backoff(attempt: i32, random: f64) -> Duration {
    let doublings = u32::try_from(attempt - 1).unwrap_or(0).min(10);
    let base = FIRST_BACKOFF.saturating_mul(2_u32.pow(doublings)).min(LONGEST_BACKOFF);
    base.mul_f64(1.0 + random / 2.0)
}

/// What the provider asked for, or the wait after so many calls. Before the last call it is the longer one.
fn after_throttling(calls: i32, asked: Option<Duration>) -> Duration {
    let position = usize::try_from(calls - 1).unwrap_or(0).min(AFTER_THROTTLING.len() - 1);
    let least = Duration::from_secs(AFTER_THROTTLING[position]);
    match asked {
        None => least.mul_f64(1.0 + fastrand::f64() / 4.0),
        Some(asked) if calls + 1 < MAX_CALLS => asked,
        Some(asked) => asked.max(least),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_call_of_a_throttled_job_comes_late() {
        let second = Duration::from_secs(1);
        assert_eq!(after_throttling(3, Some(second)), second);
        assert_eq!(after_throttling(4, Some(second)), 120 * second);
        assert!(after_throttling(1, None) >= 2 * second && after_throttling(4, None) >= 120 * second);
    }

    #[test]
    fn waits_double_and_are_spread() {
        let seconds = |attempt, random| backoff(attempt, random).as_secs_f64();
        assert_eq!([seconds(1, 0.0), seconds(2, 0.0), seconds(3, 0.0)], [2.0, 4.0, 8.0]);
        assert_eq!(seconds(1, 1.0), 3.0);
        assert_eq!(seconds(100, 0.0), 60.0);
        assert_eq!(seconds(0, 0.0), 2.0);
    }
}
