//! Adds up what calls consume, also of those that are dropped before their end.

use std::sync::{Mutex, PoisonError};

use shared::domain::Usage;

/// What was consumed so far.
#[derive(Debug, Default)]
pub struct Meter(Mutex<Usage>);

impl Meter {
    /// Adds what one call consumed.
    pub fn add(&self, usage: Usage) {
        let mut total = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *total = total.plus(usage);
    }

    /// Everything added so far.
    #[must_use]
    pub fn total(&self) -> Usage {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
