//! Jobs that wait for the answer of another: one leader makes it, its followers get it.
//!
//! A follower is `queued`, names its leader and has no message in the queue. When the leader completes, its followers
//! complete in the same transaction ([`super::outcome`]). When it ends without an answer, the oldest follower becomes
//! the leader of the rest: in the transaction that ends the leader if there is one, else here.
//!
//! Whoever ends a leader locks its row in one statement and looks for followers in the next: accepting locks the leader
//! too, so the second statement sees every follower there will ever be.

use tokio_postgres::Row;
use tokio_postgres::types::Type;
use uuid::Uuid;

use super::super::{DbError, Session};
use super::{IS_OPEN, MESSAGE_PATIENCE};
use crate::domain::{JobId, UserId};
use crate::job_message::{JobMessage, OwnedJob};

/// Common table expressions that make the oldest follower of each job of `ended (id, flight)` the leader of the
/// others; `promoted (id, owner_id)` are the new leaders, which need a message. `inherited` are columns that it takes over besides.
pub(super) fn promotion(inherited: &str) -> String {
    format!(
        "heir AS (
            SELECT DISTINCT ON (f.leader_id) f.id, f.leader_id FROM jobs f JOIN ended ON f.leader_id = ended.id
            WHERE f.status = 'queued' AND f.expires_at > now() ORDER BY f.leader_id, f.id
        ), promoted AS (
            UPDATE jobs j SET leader_id = NULL, flight = ended.flight, resend_at = now() + {MESSAGE_PATIENCE} {inherited}
            FROM heir JOIN ended ON ended.id = heir.leader_id
            WHERE j.id = heir.id AND j.leader_id = heir.leader_id AND j.status = 'queued'
            RETURNING j.id, j.owner_id, heir.leader_id AS predecessor
        ), moved AS (
            UPDATE jobs j SET leader_id = promoted.id FROM promoted
            WHERE j.leader_id = promoted.predecessor AND j.id <> promoted.id AND j.status = 'queued'
        )"
    )
}

/// Gives the followers of leaders that have ended, or were deleted, a new leader each, and returns those: they are to
/// be sent to the queue. Nothing happens to followers of a job that is still open.
///
/// # Errors
/// The database cannot be asked.
pub async fn promote_followers_of(db: &mut Session, leaders: &[JobId]) -> Result<Vec<OwnedJob>, DbError> {
    // Somebody may have asked the same since the leader ended, and lead a flight of that number now: it is left to them.
    let statement = format!(
        "WITH ended AS (
            SELECT l.id, NULL::bytea AS flight FROM unnest($1) AS l (id)
            WHERE NOT EXISTS (SELECT FROM jobs WHERE jobs.id = l.id AND jobs.{IS_OPEN})
        ), {} SELECT id, owner_id FROM promoted",
        promotion("")
    );
    let leaders: Vec<Uuid> = leaders.iter().map(|job| job.uuid()).collect();
    let rows = db.rows(&statement, &[(&leaders, Type::UUID_ARRAY)]).await?;
    Ok(rows.iter().map(promoted).collect())
}

/// The new leader of a row with its `id` and `owner_id`.
pub(super) fn promoted(row: &Row) -> OwnedJob {
    let job = JobId::from(row.get::<_, Uuid>("id"));
    JobMessage::to_answer(job).of(UserId::from(row.get::<_, Uuid>("owner_id")))
}

/// Columns of a statement that promotes at most one follower: who leads now, if anybody.
pub(super) const HEIR: &str = "(SELECT id FROM promoted) AS heir, (SELECT owner_id FROM promoted) AS heirs_owner";

/// Reads [`HEIR`].
pub(super) fn heir(row: &Row) -> Option<OwnedJob> {
    let job = JobId::from(row.get::<_, Option<Uuid>>("heir")?);
    let owner = UserId::from(row.get::<_, Option<Uuid>>("heirs_owner")?);
    Some(JobMessage::to_answer(job).of(owner))
}
