//! What a job's calls to the model have come to. It stands outside of the work, which may be dropped where it is.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

use shared::db::jobs::Spent;

use crate::llm::Meter;

/// The most calls to the model that one job may make, over all its attempts and whatever became of them.
pub(super) const MAX_CALLS: i32 = 5;

/// The account of one attempt, on top of those before.
#[derive(Debug)]
pub(super) struct Ledger {
    before: Spent,
    calls: Mutex<i32>,
    unstored: AtomicBool,
    /// What the calls of this attempt consume.
    pub(super) meter: Meter,
}

impl Ledger {
    pub(super) fn new(before: Spent) -> Self {
        Self {
            before,
            calls: Mutex::new(0),
            unstored: AtomicBool::new(false),
            meter: Meter::default(),
        }
    }

    /// Counts a call that is about to be made; returns how many the job has made with it, or `None` if it may make no more.
    pub(super) fn begin_call(&self) -> Option<i32> {
        let mut calls = self.calls.lock().unwrap_or_else(PoisonError::into_inner);
        let total = self.before.calls + *calls + 1;
        (total <= MAX_CALLS).then(|| {
            *calls += 1;
            total
        })
    }

    /// Notes that an answer was paid for and could not be stored.
    pub(super) fn note_unstored(&self) {
        self.unstored.store(true, Ordering::Relaxed);
    }

    /// Whether that was so.
    pub(super) fn has_unstored(&self) -> bool {
        self.unstored.load(Ordering::Relaxed)
    }

    /// The calls of this attempt.
    pub(super) fn calls(&self) -> i32 {
        *self.calls.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// All the job's attempts together.
    pub(super) fn total(&self) -> Spent {
        Spent {
            calls: self.before.calls + self.calls(),
            usage: self.before.usage.plus(self.meter.total()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn five_calls_and_no_more() {
        let ledger = Ledger::new(Spent {
            calls: 3,
            ..Spent::default()
        });
        assert_eq!(
            [ledger.begin_call(), ledger.begin_call(), ledger.begin_call()],
            [Some(4), Some(5), None]
        );
        assert_eq!((ledger.calls(), ledger.total().calls), (2, 5));
    }
}
