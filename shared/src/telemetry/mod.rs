//! What a function says about itself: one JSON object a line on standard output, where Lambda collects them.
//!
//! [`measures`] gathers what a request or a job comes to, and `emf` makes one line of it when it ends: its log line and
//! its metrics at once. [`metric`] is the list of the metrics. Everything else that is logged are `tracing`'s events.
//!
//! Field names in use, the same in every function: `request_id` (of the API call or the invocation), `trace_id` (of all
//! that one request caused, see [`trace`]), `job_id`, `message_id`, `user_id`, `attempt`, `outcome`, `code`, `status`,
//! `method`, `route`, `ms` (a duration in milliseconds), `error` (the chain of causes), `account` (of a refused sign-in: the beginning of the SHA-256 of the
//! address). Never a question, an answer, a document, an address, a token or a secret.

mod emf;
mod init;
mod line;
pub mod measures;
pub mod metric;
mod note;
pub mod trace;
mod w3c;
pub mod xray;

use std::time::Duration;

pub use init::{count_in, init};
pub use line::Lines;
pub use metric::{Metric, Service, Step, Unit};
pub use note::Note;

/// A duration as it stands in a log: milliseconds with three decimals.
#[must_use]
pub fn milliseconds(span: Duration) -> f64 {
    (span.as_secs_f64() * 1_000_000.0).round() / 1000.0
}

/// The error with its chain of causes, in one line.
#[must_use]
pub fn chain(error: &(dyn std::error::Error + 'static)) -> String {
    let causes = std::iter::successors(Some(error), |e| e.source());
    causes.map(ToString::to_string).collect::<Vec<_>>().join(": ")
}

/// Lets an error pass on purpose: it is logged under the name of what was tried.
pub trait OrLog<T> {
    /// Logs the error, if there is one, as a failure to do `what`, and goes on without the value.
    fn or_log(self, what: &'static str) -> Option<T>;
}

impl<T, E: std::error::Error + 'static> OrLog<T> for Result<T, E> {
    fn or_log(self, what: &'static str) -> Option<T> {
        match self {
            Ok(value) => Some(value),
            Err(error) => {
                tracing::warn!(error = chain(&error), "could not {what}");
                None
            }
        }
    }
}
