//! One call of the function: its ids, and when Lambda will end it.

use std::time::{Duration, Instant, SystemTime};

use shared::telemetry::xray::Segment;

/// What has to be left, after a call is given up, to write down that it was: one statement, one call of the queue, and air.
const MARGIN: Duration = Duration::from_secs(5);
/// What has to be left when any other work is given up: its job is then released.
const RELEASE: Duration = Duration::from_secs(3);
/// What has to be left when even that is given up. Lambda ends the sandbox at the deadline, and with it the records of
/// the batch that were done and not yet reported.
const LAST: Duration = Duration::from_millis(1500);

/// What is known of one call of the function.
#[derive(Debug, Clone)]
pub struct Invocation {
    /// Lambda's id of it, by which its log lines are found.
    pub request_id: String,
    /// When Lambda will end it.
    pub deadline: Deadline,
    /// Its place in X-Ray, if there is one.
    pub segment: Option<Segment>,
}

/// The end of an invocation, if it has one.
#[derive(Debug, Clone, Copy)]
pub struct Deadline(Option<Instant>);

impl Deadline {
    /// Takes the time Lambda gave with the invocation. One that is in the past is none: local emulators send 0 or a
    /// constant, and a real one could not have started the invocation.
    #[must_use]
    pub fn of_invocation(at: SystemTime) -> Self {
        Self(
            at.duration_since(SystemTime::now())
                .ok()
                .and_then(|left| Instant::now().checked_add(left)),
        )
    }

    /// No end.
    #[must_use]
    pub fn none() -> Self {
        Self(None)
    }

    /// How long a call may take so that its end can still be written down; `None` without a deadline.
    #[must_use]
    pub fn time_for_a_call(&self) -> Option<Duration> {
        self.0
            .map(|at| at.saturating_duration_since(Instant::now()).saturating_sub(MARGIN))
    }

    /// Comes when the work at hand has to be given up so that its job can be released. Never without a deadline.
    pub(crate) async fn time_to_release(&self) {
        self.before(RELEASE).await;
    }

    /// Comes when the invocation has to end, whatever is still to be done. Never without a deadline.
    pub(crate) async fn time_to_end(&self) {
        self.before(LAST).await;
    }

    async fn before(&self, margin: Duration) {
        match self.0 {
            Some(at) => tokio::time::sleep(at.saturating_duration_since(Instant::now()).saturating_sub(margin)).await,
            None => std::future::pending().await,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_deadline_in_the_past_is_none() {
        assert_eq!(Deadline::of_invocation(SystemTime::UNIX_EPOCH).time_for_a_call(), None);
    }

    #[test]
    fn time_is_left_to_write_down_the_outcome() {
        let deadline = Deadline::of_invocation(SystemTime::now() + Duration::from_secs(60));
        let left = deadline.time_for_a_call().unwrap();
        assert!(
            left <= Duration::from_secs(55) && left > Duration::from_secs(50),
            "{left:?}"
        );
        let short = Deadline::of_invocation(SystemTime::now() + Duration::from_secs(2));
        assert_eq!(short.time_for_a_call(), Some(Duration::ZERO));
    }
}
