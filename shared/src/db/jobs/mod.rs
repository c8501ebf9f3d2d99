//! Jobs: accepted by the api ([`accept`]), taken and kept by workers ([`lease`]), ended ([`outcome`]), read by their
//! owners ([`poll`]).

pub mod accept;
pub mod lease;
pub mod outcome;
pub mod poll;

pub use accept::{Acceptance, NewQuestion, accept_question};
pub use lease::{Claim, ClaimedJob, Lease, QuestionWork, Work, claim, renew};
pub use outcome::{Completion, RetryPlan, Source, complete_answer, complete_ingestion, defer, fail};
pub use poll::{JobView, find};

/// How long after its message should have been received a job that still waits counts as forgotten by the queue.
const MESSAGE_PATIENCE: &str = "interval '1 minute'";

/// True for a job of the table `j` that is past its deadline with nobody working on it. Such a job is `expired` for
/// everybody who looks, whether or not its row says so yet.
pub(super) const IS_OVERDUE: &str = "(j.expires_at <= now() AND (j.status IN ('queued', 'delayed') OR (j.status = 'active' AND j.lease_until <= now())))";
