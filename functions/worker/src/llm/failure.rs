//! Why there is no answer, and what is to be done about it.

use std::time::Duration;

use shared::domain::FailureCode;
use shared::telemetry::measures;

/// A call that gave no answer.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[error("{reason}")]
pub struct LlmFailure {
    /// What sort of failure it is, for those who count them.
    pub kind: Kind,
    /// What is to be done.
    pub verdict: Verdict,
    /// For the log: what happened, with the provider's status, kind of error and request id. Never a question, an
    /// answer, a passage or a key.
    pub reason: String,
    /// It took all the time a call may take.
    pub timed_out: bool,
}

/// The sorts of failures, as they are counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// The provider limits us.
    Throttled,
    /// The provider has too much to do.
    Overloaded,
    /// The time of a call was over, ours or the provider's.
    Timeout,
    /// A fault of the provider's.
    ServerError,
    /// No connection, or one that broke.
    Network,
    /// The model declined to answer.
    Refused,
    /// The request was too large for the model.
    TooLarge,
    /// An operator has to act: the key, the account, the model's name, the address.
    Configuration,
    /// The reply makes no sense to us.
    Protocol,
    /// No call was made.
    NotMade,
}

impl Kind {
    /// All that are counted: the values of the metrics' dimension `Kind`.
    pub const COUNTED: [Self; 9] = [
        Self::Throttled,
        Self::Overloaded,
        Self::Timeout,
        Self::ServerError,
        Self::Network,
        Self::Refused,
        Self::TooLarge,
        Self::Configuration,
        Self::Protocol,
    ];

    /// As it stands in a line.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Throttled => "throttled",
            Self::Overloaded => "overloaded",
            Self::Timeout => "timeout",
            Self::ServerError => "server_error",
            Self::Network => "network",
            Self::Refused => "refused",
            Self::TooLarge => "too_large",
            Self::Configuration => "configuration",
            Self::Protocol => "protocol",
            Self::NotMade => "not_made",
        }
    }
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
    pub(super) fn new(kind: Kind, verdict: Verdict, reason: impl Into<String>) -> Self {
        Self {
            kind,
            verdict,
            reason: reason.into(),
            timed_out: false,
        }
    }

    /// Counts the call that failed, in a line of its own.
    pub(super) fn count(&self) {
        if self.kind != Kind::NotMade {
            measures::failed_call(self.kind.as_str(), &self.reason);
        }
    }
}
