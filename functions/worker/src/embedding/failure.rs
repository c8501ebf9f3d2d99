//! Why there are no vectors, and whether it is worth another attempt.

use std::time::Duration;

/// A call that gave no vectors.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{reason}")]
pub struct EmbeddingFailure {
    /// What is to be done.
    pub verdict: Verdict,
    /// For the log: what happened, with the provider's status and kind of error. Never a text, a vector or a key.
    pub reason: String,
}

/// What is to be done about a failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// Try again later: the cause may pass.
    Retry {
        /// How long to wait, if the provider said so.
        after: Option<Duration>,
        /// Whether this counts against the job's attempts. It does not if no fault was found with the call itself.
        burns_attempt: bool,
    },
    /// Give up: every further attempt would end the same way until an operator acts.
    Discard,
}

impl Verdict {
    /// Another attempt that counts, at the job's own pace.
    pub(super) const RETRY: Self = Self::Retry {
        after: None,
        burns_attempt: true,
    };
}

impl EmbeddingFailure {
    pub(super) fn new(verdict: Verdict, reason: impl Into<String>) -> Self {
        Self {
            verdict,
            reason: reason.into(),
        }
    }

    /// Whether another attempt makes sense.
    #[must_use]
    pub fn may_pass(&self) -> bool {
        matches!(self.verdict, Verdict::Retry { .. })
    }
}
