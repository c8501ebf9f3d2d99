//! Failed jobs that an operator wants tried again, from their rows.

use time::OffsetDateTime;
use tokio_postgres::types::Type;

use super::super::session::Param;
use super::super::{DbError, Session};
use super::{MESSAGE_PATIENCE, sweep};
use crate::job_message::OwnedJob;

/// Which failed jobs.
#[derive(Debug, Clone)]
pub struct Redrive {
    /// Only those that failed with this code.
    pub code: Option<String>,
    /// Only those that failed at this time or later.
    pub since: Option<OffsetDateTime>,
    /// At most so many at once, the oldest first.
    pub limit: i64,
}

/// What a redrive put back.
#[derive(Debug, Default)]
pub struct Redriven {
    /// How many jobs are open again, those that wait for another's answer included.
    pub jobs: usize,
    /// The jobs to be sent to the queue.
    pub messages: Vec<OwnedJob>,
}

/// Which jobs a redrive takes: failed ones that the operator chose, and whose work nobody has done or begun since.
const CHOSEN: &str = "j.status = 'failed' AND ($1::text IS NULL OR j.error_code = $1)
    AND ($2::timestamptz IS NULL OR j.finished_at >= $2)
    AND (j.document_id IS NULL OR EXISTS (
        SELECT FROM documents d WHERE d.id = j.document_id AND d.status = 'failed'
          AND NOT EXISTS (SELECT FROM jobs o WHERE o.document_id = d.id AND o.id > j.id)))";

/// Puts failed jobs back to `queued`: attempts and calls are counted anew, they get as much time as they had, and the
/// fact is kept in the row. Of several that ask the same, one leads. Jobs in any other state are untouched.
///
/// # Errors
/// The database cannot be asked; then nothing was changed.
pub async fn redrive(db: &mut Session, which: &Redrive) -> Result<Redriven, DbError> {
    let statement = format!(
        "WITH chosen AS (
            SELECT j.id, j.flight FROM jobs j WHERE {CHOSEN} ORDER BY j.finished_at, j.id LIMIT $3 FOR UPDATE SKIP LOCKED
        ), grouped AS (
            SELECT id, first_value(id) OVER (PARTITION BY coalesce(flight, uuid_send(id)) ORDER BY id) AS first FROM chosen
        ), back AS (
            UPDATE jobs j SET status = 'queued', attempt = 0, llm_calls = 0, resends = 0, error_code = NULL,
                              finished_at = NULL, expires_at = now() + (j.expires_at - coalesce(j.redriven_at, j.created_at)),
                              resend_at = now() + {MESSAGE_PATIENCE}, flight = NULL,
                              leader_id = nullif(grouped.first, j.id), redrives = j.redrives + 1, redriven_at = now()
            FROM grouped WHERE j.id = grouped.id
            RETURNING j.id, j.owner_id, j.kind, j.leader_id, j.document_id
        ), document AS (
            UPDATE documents SET status = 'queued', error_code = NULL FROM back
            WHERE documents.id = back.document_id AND documents.status = 'failed'
        )
        SELECT id, owner_id, kind, leader_id IS NULL AS leads FROM back"
    );
    let params: [Param<'_>; 3] = [
        (&which.code, Type::TEXT),
        (&which.since, Type::TIMESTAMPTZ),
        (&which.limit, Type::INT8),
    ];
    let rows = db.rows(&statement, &params).await?;
    let leads = rows.iter().filter(|row| row.get("leads"));
    Ok(Redriven {
        jobs: rows.len(),
        messages: leads.map(sweep::owned).collect::<Result<_, _>>()?,
    })
}

/// How many jobs a redrive of any size would put back.
///
/// # Errors
/// The database cannot be asked.
pub async fn count(db: &mut Session, which: &Redrive) -> Result<i64, DbError> {
    let statement = format!("SELECT count(*) AS jobs FROM jobs j WHERE {CHOSEN}");
    let params: [Param<'_>; 2] = [(&which.code, Type::TEXT), (&which.since, Type::TIMESTAMPTZ)];
    Ok(db.row(&statement, &params).await?.map_or(0, |row| row.get("jobs")))
}
