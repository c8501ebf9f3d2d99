//! Jobs whose message reached the dead-letter queue.

use tokio_postgres::types::Type;
use uuid::Uuid;

use super::super::session::Param;
use super::super::{DbError, Session};
use super::outcome::consequences;
use super::{IS_OPEN, IS_OVERDUE};
use crate::domain::{FailureCode, JobId};

/// What came of a dead letter.
#[derive(Debug, PartialEq, Eq)]
pub enum DeadLetter {
    /// Its job was open with nobody at it, and has failed now.
    Failed {
        /// The follower that leads now, and needs a message.
        heir: Option<JobId>,
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
        SELECT EXISTS (SELECT FROM ended) AS failed, (SELECT id FROM promoted) AS heir,
               EXISTS (SELECT FROM jobs WHERE id = $1 AND {IS_OPEN}) AS was_open",
        consequences(code)
    );
    let params: [Param<'_>; 2] = [(&id.uuid(), Type::UUID), (&code.as_str(), Type::TEXT)];
    let [_, rows] = db.transaction([(lock, &params[..1]), (&statement, &params)]).await?;
    Ok(match rows.first() {
        Some(row) if row.get("failed") => DeadLetter::Failed {
            heir: row.get::<_, Option<Uuid>>("heir").map(JobId::from),
        },
        Some(row) if row.get("was_open") => DeadLetter::Held,
        _ => DeadLetter::NothingToDo,
    })
}
