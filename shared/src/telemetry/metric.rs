//! The metrics: what is counted and measured, in which unit, and by whom.

use Service::{Api, Janitor, Worker};
use Unit::{Count, Milliseconds, UsDollars};

/// The function that writes a line: the metrics' dimension `Service`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Service {
    /// The HTTP function.
    Api,
    /// The consumer of the queue.
    Worker,
    /// The one that looks after what got stuck.
    Janitor,
}

impl Service {
    /// As it stands in a line.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Api => "api",
            Worker => "worker",
            Janitor => "janitor",
        }
    }
}

/// What a metric's number means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    /// A number of things.
    Count,
    /// A duration.
    Milliseconds,
    /// An amount of money. CloudWatch knows no such unit.
    UsDollars,
}

impl Unit {
    /// As CloudWatch spells it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Count => "Count",
            Milliseconds => "Milliseconds",
            UsDollars => "None",
        }
    }
}

macro_rules! metrics {
    ($($(#[doc = $meaning:literal])+ $name:ident: $unit:ident by [$($service:ident),+];)+) => {
        /// Something that is counted or measured. Its name is the variant's.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum Metric { $($(#[doc = $meaning])+ $name,)+ }

        impl Metric {
            /// All of them.
            pub const ALL: &[Self] = &[$(Self::$name),+];

            /// Its name in CloudWatch.
            #[must_use]
            pub fn name(self) -> &'static str {
                match self { $(Self::$name => stringify!($name),)+ }
            }

            /// Its unit.
            #[must_use]
            pub fn unit(self) -> Unit {
                match self { $(Self::$name => $unit,)+ }
            }

            /// Who writes it.
            #[must_use]
            pub fn services(self) -> &'static [Service] {
                match self { $(Self::$name => &[$($service),+],)+ }
            }
        }
    };
}

metrics! {
    /// Questions answered from the cache.
    CacheHits: Count by [Api];
    /// Questions that the cache was asked for in vain.
    CacheMisses: Count by [Api];
    /// Questions that wait for the answer of another job.
    Coalesced: Count by [Api];
    /// Questions accepted as a job of their own.
    Accepted: Count by [Api];
    /// Requests turned away with 429: by a limit, a budget, or too many open jobs.
    RateLimited: Count by [Api];
    /// Jobs ended by those who had asked.
    JobsCancelled: Count by [Api];
    /// From the request's arrival in the function to its response.
    RequestMs: Milliseconds by [Api];
    /// Jobs that ended with their outcome, followers among them.
    JobsCompleted: Count by [Worker];
    /// Jobs that ended without: given up by a worker, or by the janitor because of a dead letter. Followers among them.
    JobsFailed: Count by [Worker, Janitor];
    /// Jobs whose deadline had passed, ended by who found them so.
    JobsExpired: Count by [Worker, Janitor];
    /// Attempts that failed and were put off: their jobs are open.
    JobsDeferred: Count by [Worker];
    /// From the acceptance of a job to its first attempt.
    TimeInQueueMs: Milliseconds by [Worker];
    /// Finding the passages, the question's vector and another order among it.
    RetrievalMs: Milliseconds by [Worker];
    /// From the last call for an answer to the first of its text.
    LlmFirstTokenMs: Milliseconds by [Worker];
    /// All calls for an answer of one attempt together, without the pauses between them.
    LlmTotalMs: Milliseconds by [Worker];
    /// Tokens that were read by models, by the provider's cache or not: for answers, orders of passages and contexts.
    InputTokens: Count by [Worker];
    /// Tokens that were written by models.
    OutputTokens: Count by [Worker];
    /// What those tokens cost. A model without a known price costs nothing here.
    CostUsd: UsDollars by [Worker];
    /// Calls to a model that failed, with the dimension `Kind`.
    LlmErrors: Count by [Worker];
    /// Jobs whose answer was, or may have been, paid for and never stored, and that are done again. Counted once each: when
    /// a written answer could not be stored and its job is put off; or when an attempt makes its first call for a job taken over
    /// from a worker that was not heard of any more, for nobody knows what became of that one's call.
    PaidTwice: Count by [Worker];
    /// Jobs whose message had got lost, or was never sent.
    Resent: Count by [Janitor];
    /// Messages that reached the dead-letter queue.
    DeadLetters: Count by [Janitor];
}

impl Metric {
    /// The dimensions by which it is told apart.
    #[must_use]
    pub fn dimensions(self) -> &'static [&'static str] {
        match self {
            Self::LlmErrors => &["Service", "Kind"],
            _ => &["Service"],
        }
    }
}

/// A part of a request or a job whose time is added up. What runs at once is counted in full each time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// Redis.
    Cache,
    /// Postgres, with the wait for a connection.
    Postgres,
    /// SQS.
    Queue,
    /// Finding passages; Postgres among it.
    Retrieval,
    /// Calls for an answer.
    Llm,
}

impl Step {
    /// Those that are no metrics, with their fields in a line.
    pub(super) const FIELDS: [(Self, &str); 3] = [
        (Self::Cache, "cache_ms"),
        (Self::Postgres, "postgres_ms"),
        (Self::Queue, "queue_ms"),
    ];

    /// The metric that it is.
    pub(super) fn metric(self) -> Option<Metric> {
        match self {
            Self::Retrieval => Some(Metric::RetrievalMs),
            Self::Llm => Some(Metric::LlmTotalMs),
            Self::Cache | Self::Postgres | Self::Queue => None,
        }
    }
}
