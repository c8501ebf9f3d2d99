//! The end of an attempt. Every statement names the lease's token and writes nothing if it no longer counts.

use std::time::Duration;

use tokio_postgres::types::{Json, Type};

use super::super::collections::version;
use super::super::{DbError, Session, seconds};
use super::lease::Lease;
use super::{IS_OVERDUE, MESSAGE_PATIENCE};
use crate::domain::{Answer, CollectionVersions, FailureCode, MessageId, Usage, UserId};

/// A finished answer.
#[derive(Debug)]
pub struct Completion<'a> {
    /// The answer.
    pub answer: &'a Answer,
    /// What making it consumed; `None` if it came from the cache.
    pub usage: Option<&'a Usage>,
    /// Where it came from.
    pub source: Source,
}

/// Where a job's answer came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Source {
    /// It was made for this job.
    Llm,
    /// Another job had made it.
    Cache,
}

impl Source {
    fn as_str(self) -> &'static str {
        match self {
            Self::Llm => "llm",
            Self::Cache => "cache",
        }
    }
}

/// Ends a question's job and stores both turns in its chat: all of it or nothing, in one statement. Returns the
/// versions of the searched collections at that moment, or `None` if the lease no longer counted and nothing was written.
///
/// # Errors
/// The database cannot be asked.
pub async fn complete_answer(
    db: &mut Session,
    lease: &Lease,
    owner: UserId,
    done: &Completion<'_>,
) -> Result<Option<CollectionVersions>, DbError> {
    let statement = format!(
        "WITH done AS (
            UPDATE jobs j SET status = 'completed', answer = $4, usage = $5, source = $6, error_code = NULL,
                              finished_at = now(), lease_token = NULL, lease_until = NULL, resend_at = NULL
            WHERE j.id = $1 AND j.lease_token = $2 AND j.owner_id = $3 AND j.status = 'active' AND NOT {IS_OVERDUE}
            RETURNING j.id, j.chat_id, j.question, j.collection_ids, j.owner_id
        ), turns AS (
            INSERT INTO messages (id, chat_id, job_id, role, content, answer)
            SELECT $7::uuid, chat_id, id, 'user', question, NULL::jsonb FROM done
            UNION ALL
            SELECT $8, chat_id, id, 'assistant', $9, $4 FROM done
            ON CONFLICT ON CONSTRAINT messages_once_per_job DO NOTHING
        ), chat AS (
            UPDATE chats SET updated_at = now() FROM done WHERE chats.id = done.chat_id AND chats.owner_id = done.owner_id
        )
        SELECT c.id, c.version FROM done JOIN collections c ON c.id = ANY(done.collection_ids)"
    );
    let rows = db
        .rows(
            &statement,
            &[
                (&lease.job.uuid(), Type::UUID),
                (lease.token(), Type::UUID),
                (&owner.uuid(), Type::UUID),
                (&Json(done.answer), Type::JSONB),
                (&done.usage.map(Json), Type::JSONB),
                (&done.source.as_str(), Type::TEXT),
                (&MessageId::new().uuid(), Type::UUID),
                (&MessageId::new().uuid(), Type::UUID),
                (&done.answer.text, Type::TEXT),
            ],
        )
        .await?;
    // A question searches at least one collection that exists, so a written outcome always has a row.
    Ok((!rows.is_empty()).then(|| rows.iter().map(version).collect()))
}

/// Ends an ingestion's job within the transaction that stored its passages. `false`: the lease no longer counts, and
/// the transaction has to be dropped.
///
/// # Errors
/// The database cannot be asked.
pub async fn complete_ingestion(db: &mut Session, lease: &Lease) -> Result<bool, DbError> {
    let statement = format!(
        "UPDATE jobs j SET status = 'completed', error_code = NULL, finished_at = now(),
                           lease_token = NULL, lease_until = NULL, resend_at = NULL
         WHERE j.id = $1 AND j.lease_token = $2 AND j.status = 'active' AND NOT {IS_OVERDUE} RETURNING j.id"
    );
    let params = [(&lease.job.uuid() as _, Type::UUID), (lease.token() as _, Type::UUID)];
    Ok(db.row(&statement, &params).await?.is_some())
}

/// When, and on whose account, a job is tried again.
#[derive(Debug, Clone, Copy)]
pub struct RetryPlan {
    /// After this time.
    pub after: Duration,
    /// Whether the attempt that just ended counts. One that the provider throttled does not.
    pub attempt_counts: bool,
}

/// Puts a job off. `false`: the lease no longer counted and nothing was written.
///
/// # Errors
/// The database cannot be asked.
pub async fn defer(db: &mut Session, lease: &Lease, plan: &RetryPlan) -> Result<bool, DbError> {
    let statement = format!(
        "UPDATE jobs SET status = 'delayed', next_attempt_at = now() + $3 * interval '1 second',
                         resend_at = now() + $3 * interval '1 second' + {MESSAGE_PATIENCE},
                         attempt = attempt - $4, lease_token = NULL, lease_until = NULL
         WHERE id = $1 AND lease_token = $2 AND status = 'active' RETURNING id"
    );
    let given_back = i32::from(!plan.attempt_counts);
    let params = [
        (&lease.job.uuid() as _, Type::UUID),
        (lease.token() as _, Type::UUID),
        (&seconds(plan.after) as _, Type::FLOAT8),
        (&given_back as _, Type::INT4),
    ];
    Ok(db.row(&statement, &params).await?.is_some())
}

/// Gives a job up for good; what the calls for it consumed is kept. `false`: the lease no longer counted and nothing
/// was written.
///
/// # Errors
/// The database cannot be asked.
pub async fn fail(db: &mut Session, lease: &Lease, code: FailureCode, usage: &Usage) -> Result<bool, DbError> {
    let statement = "
        UPDATE jobs SET status = 'failed', error_code = $3, usage = $4, finished_at = now(),
                        lease_token = NULL, lease_until = NULL, resend_at = NULL
        WHERE id = $1 AND lease_token = $2 AND status = 'active' RETURNING id";
    let params = [
        (&lease.job.uuid() as _, Type::UUID),
        (lease.token() as _, Type::UUID),
        (&code.as_str() as _, Type::TEXT),
        (&Json(usage) as _, Type::JSONB),
    ];
    Ok(db.row(statement, &params).await?.is_some())
}
