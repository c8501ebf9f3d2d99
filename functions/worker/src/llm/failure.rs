//! Why there is no answer, and what is to be done about it.

use std::time::Duration;

use shared::domain::FailureCode;

/// A call that gave no answer.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[error("{reason}")]
pub struct LlmFailure {
    /// What is to be done.
    pub verdict: Verdict,
    /// For the log: what happened, with the provider's status, kind of error and request id. Never a question, an
    /// answer, a passage or a key.
    pub reason: String,
    /// It took all the time a call may take.
    pub timed_out: bool,
}

/// What is to be done about a failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// Try again: the cause may pass.
    Retry {
        /// How long to wait, if the provider said so.
        after: Option<Duration>,
        /// Whether this counts against the job's attempts. It does not if no fault was found with the call itself.
        burns_attempt: bool,
    },
    /// Give up: every further attempt would end the same way.
    Discard {
        /// What the client is told.
        code: FailureCode,
    },
}

impl Verdict {
    /// Another attempt that counts, at the job's own pace.
    pub(super) const RETRY: Self = Self::Retry {
        after: None,
        burns_attempt: true,
    };

    /// An operator has to act.
    pub(super) const CONFIGURATION: Self = Self::Discard {
        code: FailureCode::LlmConfiguration,
    };

    /// The provider's reply makes no sense to us.
    pub(super) const PROTOCOL: Self = Self::Discard {
        code: FailureCode::LlmProtocol,
    };
}

impl LlmFailure {
    /// A failure that came before the time of the call was over.
    pub(super) fn new(verdict: Verdict, reason: impl Into<String>) -> Self {
        Self {
            verdict,
            reason: reason.into(),
            timed_out: false,
        }
    }
}
