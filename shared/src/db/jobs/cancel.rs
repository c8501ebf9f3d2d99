//! A job ended by its owner.

use tokio_postgres::types::Type;

use super::super::session::Param;
use super::super::{DbError, Session};
use super::followers::{HEIR, heir, promotion};
use super::{IS_OPEN, IS_OVERDUE};
use crate::domain::{JobId, JobStatus, UserId};
use crate::job_message::OwnedJob;

/// What came of the wish to cancel a job.
#[derive(Debug, PartialEq, Eq)]
pub enum Cancellation {
    /// It is cancelled.
    Cancelled {
        /// A worker was at it, and will notice within a second or two; nobody else waits for its work.
        is_worked_on: bool,
        /// The follower that took its place, with the lease if a worker was at it. It needs a message.
        heir: Option<OwnedJob>,
    },
    /// It had been cancelled before.
    Already,
    /// It had ended in another way, which does not change.
    Ended(JobStatus),
    /// The user has no such question.
    NoSuchJob,
}

/// What an heir takes over besides its place: the attempt that is under way, with lease and counts.
const STANDING: &str = ", status = ended.status, attempt = ended.attempt, lease_token = ended.lease_token,
    lease_until = ended.lease_until, next_attempt_at = ended.next_attempt_at, llm_calls = ended.llm_calls,
    usage = ended.usage, started_at = ended.started_at";

/// Cancels a question's job. If others wait for its answer, the oldest of them takes its place: a call that is under
/// way goes on for those. One round trip.
///
/// # Errors
/// The database cannot be asked.
pub async fn cancel(db: &mut Session, owner: UserId, id: JobId) -> Result<Cancellation, DbError> {
    let lock = "SELECT id FROM jobs WHERE id = $1 AND owner_id = $2 AND kind = 'answer_question' FOR UPDATE";
    let statement = format!(
        "WITH found AS (
            SELECT j.*, {IS_OVERDUE} AS is_overdue FROM jobs j
            WHERE j.id = $1 AND j.owner_id = $2 AND j.kind = 'answer_question'
        ), done AS (
            UPDATE jobs j SET status = 'cancelled', finished_at = now(), lease_token = NULL, lease_until = NULL,
                              next_attempt_at = NULL, resend_at = NULL
            FROM found WHERE j.id = found.id AND j.{IS_OPEN} AND NOT found.is_overdue RETURNING j.id
        ), ended AS (
            SELECT found.* FROM found JOIN done ON done.id = found.id
        ), {}
        SELECT CASE WHEN found.is_overdue THEN 'expired' ELSE found.status END AS status,
               EXISTS (SELECT FROM done) AS is_cancelled, {HEIR}
        FROM found",
        promotion(STANDING)
    );
    let params: [Param<'_>; 2] = [(&id.uuid(), Type::UUID), (&owner.uuid(), Type::UUID)];
    let [_, rows] = db.transaction([(lock, &params), (&statement, &params)]).await?;
    let Some(row) = rows.first() else {
        return Ok(Cancellation::NoSuchJob);
    };
    let stored: &str = row.get("status");
    let status: JobStatus = stored.parse().map_err(|_| DbError::Unreadable(stored.to_owned()))?;
    let heir = heir(row);
    Ok(match status {
        _ if row.get("is_cancelled") => Cancellation::Cancelled {
            is_worked_on: status == JobStatus::Active && heir.is_none(),
            heir,
        },
        JobStatus::Cancelled => Cancellation::Already,
        status => Cancellation::Ended(status),
    })
}
