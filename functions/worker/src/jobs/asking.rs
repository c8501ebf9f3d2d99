//! Calls the model, and decides about each failed call whether it is repeated here and now, or later by another
//! delivery. This is the one place where calls are repeated: neither the client below nor the queue above does.

use std::time::Duration;

use shared::cache::Circuit;
use shared::db::jobs;
use shared::domain::{Passage, QuestionText};
use shared::telemetry::{Metric, measures, milliseconds};

use super::attempt::Attempt;
use super::settle::Failure;
use crate::invocation::Deadline;
use crate::llm::{Llm, LlmFailure, Verdict};
use crate::rag::draft::Draft;
use shared::domain::FailureCode;

/// How often one attempt repeats a failed call.
const REPEATS: u32 = 2;
/// The pause before the first repetition; the next is twice as long.
const FIRST_PAUSE: Duration = Duration::from_millis(500);
/// The longest pause that is spent here; a longer one costs less in the queue.
const LONGEST_PAUSE: Duration = Duration::from_secs(2);

/// Has an answer written. `None`: the job was taken away meanwhile, and the call was dropped.
pub(super) async fn ask(
    attempt: &Attempt<'_>,
    question: &QuestionText,
    passages: &[Passage],
    circuit: Circuit,
) -> Result<Option<Draft>, Failure> {
    let worker = attempt.worker;
    let Some(provider) = worker.llm.provider() else {
        return Ok(Some(call(attempt, question, passages).await?));
    };
    pass(attempt, circuit, provider).await?;
    for repeats in 0.. {
        if !begin(attempt).await? {
            return Ok(None);
        }
        let call = call(attempt, question, passages);
        let Some(outcome) = worker.watch.while_held(attempt.job.lease, call).await else {
            return Ok(None);
        };
        let failure = match outcome {
            Ok(draft) => return Ok(Some(draft)),
            Err(failure) => failure,
        };
        if matches!(failure.verdict, Verdict::Retry { .. }) && worker.cache.note_failure(provider).await {
            tracing::warn!(outcome = "circuit_opened", provider, "provider");
            return Err(failure.into());
        }
        let Some(pause) = pause_before_repeat(&failure, repeats, attempt.deadline, fastrand::f64()) else {
            return Err(failure.into());
        };
        tracing::warn!(
            outcome = "repeated",
            ms = milliseconds(pause),
            error = failure.reason,
            "call"
        );
        tokio::time::sleep(pause).await;
    }
    unreachable!("a call is repeated {REPEATS} times at most")
}

async fn call(attempt: &Attempt<'_>, question: &QuestionText, passages: &[Passage]) -> Result<Draft, LlmFailure> {
    let llm: &Llm = &attempt.worker.llm;
    let left = attempt.deadline.time_for_a_call();
    llm.draft(question, passages, left, &attempt.ledger.meter).await
}

/// Counts the call before it is made. The claim has counted the first one of the attempt. `false`: the lease is lost.
async fn begin(attempt: &Attempt<'_>) -> Result<bool, Failure> {
    if attempt.deadline.time_for_a_call().is_some_and(|left| left.is_zero()) {
        return Err(Failure::OutOfTime);
    }
    let Some(calls) = attempt.ledger.begin_call() else {
        return Err(Failure::Discarded(FailureCode::AttemptsExhausted));
    };
    measures::note("calls", attempt.ledger.calls());
    if attempt.ledger.calls() == 1 {
        if attempt.job.was_held && attempt.job.spent.calls > 0 {
            measures::count(Metric::PaidTwice);
        }
        return Ok(true);
    }
    let mut db = attempt.worker.db.session().await?;
    Ok(jobs::begin_call(&mut db, &attempt.job.lease, calls).await?)
}

/// Stops at an open circuit. Of those who find it half-open, one goes on.
async fn pass(attempt: &Attempt<'_>, circuit: Circuit, provider: &str) -> Result<(), Failure> {
    match circuit {
        Circuit::Closed => Ok(()),
        Circuit::Open(rest) => Err(Failure::CircuitOpen(rest)),
        Circuit::HalfOpen if attempt.worker.cache.may_probe(provider).await => {
            tracing::info!(outcome = "probed", provider, "provider");
            Ok(())
        }
        Circuit::HalfOpen => Err(Failure::CircuitOpen(LONGEST_PAUSE)),
    }
}

/// How long to wait before the call is repeated within this attempt; `None` if it is not: because it would not help,
/// because the provider wants to be left alone (then every job should wait, not this worker), because it took the whole
/// time of a call already, or because there is no time for another. `random` is from 0 to 1.
fn pause_before_repeat(failure: &LlmFailure, repeats: u32, deadline: Deadline, random: f64) -> Option<Duration> {
    let Verdict::Retry {
        after,
        burns_attempt: true,
    } = failure.verdict
    else {
        return None;
    };
    let pause = after.unwrap_or_else(|| (FIRST_PAUSE * 2_u32.pow(repeats)).mul_f64(1.0 - random / 4.0));
    let is_in_time = deadline.time_for_a_call().is_none_or(|left| left > pause * 2);
    (repeats < REPEATS && !failure.timed_out && pause <= LONGEST_PAUSE && is_in_time).then_some(pause)
}

#[cfg(test)]
mod tests {
    use shared::domain::FailureCode;
    use std::time::SystemTime;

    use super::*;
    use crate::llm::Kind;

    fn failure(verdict: Verdict, timed_out: bool) -> LlmFailure {
        LlmFailure {
            kind: Kind::ServerError,
            verdict,
            reason: String::new(),
            timed_out,
        }
    }

    fn pause(verdict: Verdict, repeats: u32) -> Option<Duration> {
        pause_before_repeat(&failure(verdict, false), repeats, Deadline::none(), 0.0)
    }

    fn retry(after: Option<u64>, burns_attempt: bool) -> Verdict {
        Verdict::Retry {
            after: after.map(Duration::from_secs),
            burns_attempt,
        }
    }

    #[test]
    fn a_failed_call_is_repeated_twice_and_soon() {
        let waits: Vec<_> = (0..3).map(|repeats| pause(retry(None, true), repeats)).collect();
        assert_eq!(
            waits,
            [Some(Duration::from_millis(500)), Some(Duration::from_secs(1)), None]
        );
        assert_eq!(pause(retry(Some(2), true), 0), Some(Duration::from_secs(2)));
    }

    #[test]
    fn what_has_to_wait_waits_in_the_queue() {
        assert_eq!(pause(retry(Some(3), true), 0), None);
        assert_eq!(pause(retry(None, false), 0), None, "throttled");
        let discard = Verdict::Discard {
            code: FailureCode::LlmRefused,
        };
        assert_eq!(pause(discard, 0), None);
        let slow = failure(retry(None, true), true);
        assert_eq!(pause_before_repeat(&slow, 0, Deadline::none(), 0.0), None);
        let soon = Deadline::of_invocation(SystemTime::now() + Duration::from_millis(5500));
        assert_eq!(
            pause_before_repeat(&failure(retry(None, true), false), 0, soon, 0.0),
            None
        );
    }
}
