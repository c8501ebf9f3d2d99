//! Logs: one JSON object a line on standard output, where Lambda collects them.
//!
//! Field names in use, the same in every function: `request_id` (of the API call or the invocation), `job_id`,
//! `message_id`, `user_id`, `attempt`, `outcome`, `code`, `status`, `method`, `route`, `ms` (a duration in
//! milliseconds), `error` (the chain of causes), `account` (of a refused sign-in: the beginning of the SHA-256 of the
//! address). Never a question, an answer, a document, an address, a token or a secret.

use std::time::Duration;

use tracing_subscriber::EnvFilter;

/// Starts logging. `LOG_LEVEL` chooses what is written (`info` if it is not set; a list such as `warn,api=debug` works too).
pub fn init() {
    let filter = std::env::var("LOG_LEVEL")
        .ok()
        .and_then(|level| EnvFilter::try_new(level).ok());
    let started = tracing_subscriber::fmt()
        .json()
        .flatten_event(true)
        .with_current_span(true)
        .with_span_list(false)
        .with_target(false)
        .with_env_filter(filter.unwrap_or_else(|| EnvFilter::new("info")))
        .try_init();
    if started.is_err() {
        tracing::debug!("logging was already started");
    }
}

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
