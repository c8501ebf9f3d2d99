//! Jobs whose message reached the dead-letter queue.

use tokio_postgres::types::Type;

use super::super::session::Param;
use super::super::{DbError, Session};
use super::followers::{HEIR, heir};
use super::outcome::{consequences, count};
use super::{IS_OPEN, IS_OVERDUE};
use crate::domain::{FailureCode, JobId};
use crate::job_message::OwnedJob;

/// What came of a dead letter.
#[derive(Debug, PartialEq, Eq)]
pub enum DeadLetter {
    /// Its job was open with nobody at it, and has failed now.
    Failed {
        /// How many jobs failed: this one, and the followers that share its end.
        jobs: usize,
        /// The follower that leads now, and needs a message.
        heir: Option<OwnedJob>,
    },
    /// A worker holds its job, which another message had named; or it is past its deadline, and expires with the next sweep.
    Held,
    /// Its job has ended, or was deleted.
    NothingToDo,
}

/// Fails the job that a dead letter names, unless a worker holds it at the moment or its deadline has
/// passed. One round trip.
///
/// # Errors
/// The database cannot be asked.
pub async fn bury(db: &mut Session, id: JobId) -> Result<DeadLetter, DbError> {
    let code = FailureCode::DeliveryExhausted;
    let lock = "SELECT id FROM jobs WHERE id = $1 FOR UPDATE";
    let statement = format!(
        "WITH ended AS (
            UPDATE jobs j SET status = 'failed', error_code = $2, finished_at = now(), next_attempt_at = NULL,
                              lease_token = NULL, lease_until = NULL, resend_at = NULL
            WHERE j.id = $1 AND j.{IS_OPEN} AND NOT (j.status = 'active' AND j.lease_until > now()) AND NOT {IS_OVERDUE}
            RETURNING j.id, j.flight, j.document_id
        ), {}
        SELECT (SELECT count(*) FROM (SELECT id FROM ended UNION ALL SELECT id FROM sharing) AS f) AS jobs, {HEIR},
               EXISTS (SELECT FROM jobs WHERE id = $1 AND {IS_OPEN}) AS was_open",
        consequences(code)
    );
    let params: [Param<'_>; 2] = [(&id.uuid(), Type::UUID), (&code.as_str(), Type::TEXT)];
    let [_, rows] = db.transaction([(lock, &params[..1]), (&statement, &params)]).await?;
    Ok(match rows.first() {
        Some(row) if count(row) > 0 => DeadLetter::Failed {
            jobs: count(row),
            heir: heir(row),
        },
        Some(row) if row.get("was_open") => DeadLetter::Held,
        _ => DeadLetter::NothingToDo,
    })
}
