//! What one attempt at a job works with.

use shared::db::jobs::ClaimedJob;

use super::ledger::Ledger;
use crate::app::Worker;
use crate::invocation::Deadline;

/// A job that was claimed, and the means to do it.
#[derive(Clone, Copy)]
pub(super) struct Attempt<'a> {
    pub(super) worker: &'a Worker,
    pub(super) job: &'a ClaimedJob,
    pub(super) deadline: Deadline,
    pub(super) ledger: &'a Ledger,
}
