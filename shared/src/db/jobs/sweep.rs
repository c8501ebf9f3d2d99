//! What the janitor does with jobs that nobody looks after any more. Every statement skips rows that are locked, so
//! two janitors at once do each thing once.

use tokio_postgres::Row;
use tokio_postgres::types::Type;
use uuid::Uuid;

use super::super::session::Param;
use super::super::{DbError, Session};
use super::followers::{promoted, promotion};
use super::{IS_OPEN, IS_OVERDUE, MESSAGE_PATIENCE};
use crate::domain::{FailureCode, JobId, JobKind, UserId};
use crate::job_message::{JobMessage, OwnedJob};

/// A job that waits and has no message in the queue, as far as one can tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Forgotten {
    /// Names it.
    pub job: OwnedJob,
    /// A worker had it and let its lease run out.
    pub was_held: bool,
}

/// What one sweep found, and changed.
#[derive(Debug, Default)]
pub struct Swept {
    /// Jobs to be sent to the queue.
    pub forgotten: Vec<Forgotten>,
    /// Followers that lead now, to be sent to the queue.
    pub promoted: Vec<OwnedJob>,
    /// How many jobs were past their deadline and are `expired` now.
    pub expired: usize,
    /// How many documents failed because their job has ended without them.
    pub documents_failed: usize,
    /// Whether a limit was reached: there may be more.
    pub is_full: bool,
}

/// Whether any job has not ended.
///
/// # Errors
/// The database cannot be asked.
pub async fn are_open(db: &mut Session) -> Result<bool, DbError> {
    let statement = format!("SELECT id FROM jobs WHERE {IS_OPEN} LIMIT 1");
    Ok(db.row(&statement, &[]).await?.is_some())
}

/// Looks after at most `limit` jobs of each sort: ends those past their deadline, gives followers without a leader a new
/// one, and returns those whose message is overdue. Each of the latter is due again after a time that doubles.
///
/// # Errors
/// The database cannot be asked; what was done before stays done.
pub async fn sweep(db: &mut Session, limit: i64) -> Result<Swept, DbError> {
    let expired = expire(db, limit).await?;
    let documents_failed = fail_abandoned_documents(db, limit).await?;
    let promoted = promote(db, limit).await?;
    let forgotten = take_forgotten(db, limit).await?;
    let full = |count: usize| i64::try_from(count).is_ok_and(|count| count >= limit);
    Ok(Swept {
        is_full: full(expired) || full(documents_failed) || full(forgotten.len()),
        forgotten,
        promoted,
        expired,
        documents_failed,
    })
}

async fn expire(db: &mut Session, limit: i64) -> Result<usize, DbError> {
    let statement = format!(
        "UPDATE jobs SET status = 'expired', finished_at = now(), lease_token = NULL, lease_until = NULL,
                         next_attempt_at = NULL, resend_at = NULL
         WHERE id IN (SELECT j.id FROM jobs j WHERE j.{IS_OPEN} AND {IS_OVERDUE} LIMIT $1 FOR UPDATE SKIP LOCKED)
         RETURNING id"
    );
    Ok(db.rows(&statement, &[(&limit, Type::INT8)]).await?.len())
}

/// A document that waits and whose job has ended: it expired, or was ended by something that did not know documents.
async fn fail_abandoned_documents(db: &mut Session, limit: i64) -> Result<usize, DbError> {
    let statement = format!(
        "UPDATE documents SET status = 'failed', error_code = $2
         WHERE id IN (
            SELECT d.id FROM documents d
            WHERE d.status = 'queued' AND d.created_at < now() - interval '1 minute'
              AND NOT EXISTS (SELECT FROM jobs j WHERE j.document_id = d.id AND j.{IS_OPEN})
            LIMIT $1 FOR UPDATE SKIP LOCKED)
         RETURNING id"
    );
    let code = FailureCode::DocumentExpired.as_str();
    let params: [Param<'_>; 2] = [(&limit, Type::INT8), (&code, Type::TEXT)];
    Ok(db.rows(&statement, &params).await?.len())
}

/// Followers whose leader has ended or is gone. Those that ended a leader promoted its heir themselves, so what is left
/// here met a crash, a deletion, or a worker of an older version.
async fn promote(db: &mut Session, limit: i64) -> Result<Vec<OwnedJob>, DbError> {
    let statement = format!(
        "WITH ended AS (
            SELECT DISTINCT f.leader_id AS id, NULL::bytea AS flight FROM jobs f
            WHERE f.leader_id IS NOT NULL AND f.status = 'queued'
              AND NOT EXISTS (SELECT FROM jobs l WHERE l.id = f.leader_id AND l.{IS_OPEN})
            LIMIT $1
        ), {} SELECT id, owner_id FROM promoted",
        promotion("")
    );
    let rows = db.rows(&statement, &[(&limit, Type::INT8)]).await?;
    Ok(rows.iter().map(promoted).collect())
}

/// A follower has no message: it only waits for its leader's end.
async fn take_forgotten(db: &mut Session, limit: i64) -> Result<Vec<Forgotten>, DbError> {
    let statement = format!(
        "WITH due AS (
            SELECT id, status FROM jobs WHERE {IS_OPEN} AND resend_at <= now() AND leader_id IS NULL
              AND NOT (status = 'active' AND lease_until > now())
            ORDER BY resend_at LIMIT $1 FOR UPDATE SKIP LOCKED
        )
        UPDATE jobs j SET resends = j.resends + 1, resend_at = now() + {MESSAGE_PATIENCE} * 2 ^ least(j.resends + 1, 6)
        FROM due WHERE j.id = due.id
        RETURNING j.id, j.owner_id, j.kind, due.status = 'active' AS was_held"
    );
    let rows = db.rows(&statement, &[(&limit, Type::INT8)]).await?;
    rows.iter().map(forgotten).collect()
}

fn forgotten(row: &Row) -> Result<Forgotten, DbError> {
    Ok(Forgotten {
        job: owned(row)?,
        was_held: row.get("was_held"),
    })
}

/// The job of a row with `id`, `owner_id` and `kind`.
pub(super) fn owned(row: &Row) -> Result<OwnedJob, DbError> {
    let stored: &str = row.get("kind");
    let kind: JobKind = stored.parse().map_err(|_| DbError::Unreadable(stored.to_owned()))?;
    let job_id = JobId::from(row.get::<_, Uuid>("id"));
    Ok(JobMessage { kind, job_id }.of(UserId::from(row.get::<_, Uuid>("owner_id"))))
}
