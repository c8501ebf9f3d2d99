//! Jobs: accepted by the api ([`accept`]), taken and kept by workers ([`lease`]), ended ([`outcome`], [`cancel`](mod@cancel)),
//! read by their owners ([`poll`]), and looked after by the janitor ([`sweep`](mod@sweep), [`dead_letter`], [`redrive`](mod@redrive)).
//! Jobs that wait for the same answer are tied together by [`followers`].

pub mod accept;
pub mod cancel;
pub mod dead_letter;
pub mod followers;
pub mod lease;
pub mod outcome;
pub mod poll;
pub mod redrive;
pub mod sweep;

pub use accept::{Acceptance, Limits, NewQuestion, accept_question};
pub use cancel::{Cancellation, cancel};
pub use dead_letter::{DeadLetter, bury};
pub use followers::promote_followers_of;
pub use lease::{Claim, ClaimedJob, Lease, QuestionWork, Work, begin_call, claim, renew, still_held};
pub use outcome::{
    Completed, Completion, Failed, RetryPlan, Source, Spent, complete_answer, complete_ingestion, defer, fail,
    keep_spent,
};
pub use poll::{JobView, find};
pub use redrive::{Redrive, Redriven, redrive};
pub use sweep::{Forgotten, Swept, are_open, sweep};

/// How long after its message should have been received a job that still waits counts as forgotten by the queue.
const MESSAGE_PATIENCE: &str = "interval '1 minute'";

/// The states of a job that has not ended. Indexes are made for exactly this condition.
pub(super) const IS_OPEN: &str = "status IN ('queued', 'active', 'delayed')";

/// True for a job of the table `j` that is past its deadline with nobody working on it. Such a job is `expired` for
/// everybody who looks, whether or not its row says so yet.
pub(super) const IS_OVERDUE: &str = "(j.expires_at <= now() AND (j.status IN ('queued', 'delayed') OR (j.status = 'active' AND j.lease_until <= now())))";
