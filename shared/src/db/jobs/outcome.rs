//! The end of an attempt. Every statement names the lease's token and writes nothing if it no longer counts.

use std::time::Duration;

use tokio_postgres::Row;
use tokio_postgres::types::{Json, Type};

use super::super::collections::version;
use super::super::session::Param;
use super::super::{DbError, Session, seconds};
use super::followers::{HEIR, heir, promotion};
use super::lease::Lease;
use super::{IS_OVERDUE, MESSAGE_PATIENCE};
use crate::domain::{Answer, CollectionVersions, FailureCode, JobId, MessageId, Usage};
use crate::job_message::OwnedJob;

/// A finished answer.
#[derive(Debug)]
pub struct Completion<'a> {
    /// The answer.
    pub answer: &'a Answer,
    /// What making it consumed; `None` if it came from the cache.
    pub usage: Option<&'a Usage>,
    /// How many calls to the model were made for it.
    pub calls: i32,
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

/// What the calls to the model for one job have come to so far.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Spent {
    /// How many there were.
    pub calls: i32,
    /// What they consumed.
    pub usage: Usage,
}

/// What the lock of a job waits for is seen by the statement after it, and by none before.
const LOCK: &str = "SELECT id FROM jobs WHERE lease_token = $1 AND status = 'active' FOR UPDATE";

/// What was ended with an answer.
#[derive(Debug)]
pub struct Completed {
    /// The versions of the searched collections at that moment.
    pub versions: CollectionVersions,
    /// How many jobs: this one and its followers.
    pub jobs: usize,
}

/// Ends a job with its answer, its followers with the same one, and stores the turns of all of them in their chats: all
/// of it or nothing, in one round trip. `None`: the lease no longer counted and nothing was written.
///
/// # Errors
/// The database cannot be asked.
pub async fn complete_answer(
    db: &mut Session,
    lease: &Lease,
    done: &Completion<'_>,
) -> Result<Option<Completed>, DbError> {
    // The messages of each job get the ids of this pair with the job's number as their last, random, 32 bits: they
    // stay in order, questions before answers, and are unique.
    let statement = format!(
        "WITH done AS (
            UPDATE jobs j SET status = 'completed', answer = $2, usage = $3, source = $4, llm_calls = $8, error_code = NULL,
                              finished_at = now(), lease_token = NULL, lease_until = NULL, resend_at = NULL
            WHERE j.lease_token = $1 AND j.status = 'active' AND NOT {IS_OVERDUE}
            RETURNING j.id, j.chat_id, j.question, j.collection_ids
        ), followers AS (
            UPDATE jobs j SET status = 'completed', answer = $2, source = 'cache', started_at = now(),
                              finished_at = now(), resend_at = NULL
            FROM done WHERE j.leader_id = done.id AND j.status = 'queued' AND NOT {IS_OVERDUE}
            RETURNING j.id, j.chat_id, j.question
        ), answered AS (
            SELECT id, chat_id, question, row_number() OVER (ORDER BY id) AS number
            FROM (SELECT id, chat_id, question FROM done UNION ALL SELECT id, chat_id, question FROM followers) AS a
        ), turns AS (
            INSERT INTO messages (id, chat_id, job_id, role, content, answer)
            SELECT overlay($5::uuid::text PLACING lpad(to_hex(number), 8, '0') FROM 29)::uuid,
                   chat_id, id, 'user', question, NULL::jsonb FROM answered
            UNION ALL
            SELECT overlay($6::uuid::text PLACING lpad(to_hex(number), 8, '0') FROM 29)::uuid,
                   chat_id, id, 'assistant', $7, $2 FROM answered
            ON CONFLICT ON CONSTRAINT messages_once_per_job DO NOTHING
        ), chat AS (
            UPDATE chats SET updated_at = now() FROM answered WHERE chats.id = answered.chat_id
        )
        SELECT c.id, c.version, (SELECT count(*) FROM answered) AS jobs FROM done JOIN collections c ON c.id = ANY(done.collection_ids)"
    );
    let params: [Param<'_>; 8] = [
        (lease.token(), Type::UUID),
        (&Json(done.answer), Type::JSONB),
        (&done.usage.map(Json), Type::JSONB),
        (&done.source.as_str(), Type::TEXT),
        (&MessageId::new().uuid(), Type::UUID),
        (&MessageId::new().uuid(), Type::UUID),
        (&done.answer.text, Type::TEXT),
        (&done.calls, Type::INT4),
    ];
    let [_, rows] = db.transaction([(LOCK, &params[..1]), (&statement, &params)]).await?;
    // A question searches at least one collection that exists, so a written outcome always has a row.
    Ok(rows.first().map(|row| Completed {
        versions: rows.iter().map(version).collect(),
        jobs: count(row),
    }))
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
         WHERE j.lease_token = $1 AND j.status = 'active' AND NOT {IS_OVERDUE} RETURNING j.id"
    );
    let params = [(lease.token() as _, Type::UUID)];
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

/// Puts a job off; what the calls for it consumed is kept. `false`: the lease no longer counted and nothing was written.
///
/// # Errors
/// The database cannot be asked.
pub async fn defer(db: &mut Session, lease: &Lease, plan: &RetryPlan, spent: &Spent) -> Result<bool, DbError> {
    let statement = format!(
        "UPDATE jobs SET status = 'delayed', next_attempt_at = now() + $2 * interval '1 second',
                         resend_at = now() + $2 * interval '1 second' + {MESSAGE_PATIENCE},
                         attempt = attempt - $3, llm_calls = $4, usage = $5, lease_token = NULL, lease_until = NULL
         WHERE lease_token = $1 AND status = 'active' RETURNING id"
    );
    let given_back = i32::from(!plan.attempt_counts);
    let params = [
        (lease.token() as _, Type::UUID),
        (&seconds(plan.after) as _, Type::FLOAT8),
        (&given_back as _, Type::INT4),
        (&spent.calls as _, Type::INT4),
        (&spent.json() as _, Type::JSONB),
    ];
    Ok(db.row(&statement, &params).await?.is_some())
}

/// A job that was given up.
#[derive(Debug, PartialEq, Eq)]
pub struct Failed {
    /// How many jobs failed: this one, and the followers that share its end.
    pub jobs: usize,
    /// The follower that leads now, and needs a message.
    pub heir: Option<OwnedJob>,
}

/// Gives a job up for good, and the document that it was to ingest; what the calls for it consumed is kept. Its
/// followers fail with it if asking again would end the same way ([`FailureCode::would_repeat`]); otherwise the oldest
/// becomes their leader. One round trip. `None`: the lease no longer counted and nothing was written.
///
/// # Errors
/// The database cannot be asked.
pub async fn fail(
    db: &mut Session,
    lease: &Lease,
    code: FailureCode,
    spent: &Spent,
) -> Result<Option<Failed>, DbError> {
    let statement = format!(
        "WITH ended AS (
            UPDATE jobs j SET status = 'failed', error_code = $2, usage = $4, llm_calls = $3, finished_at = now(),
                              lease_token = NULL, lease_until = NULL, resend_at = NULL
            WHERE j.lease_token = $1 AND j.status = 'active' AND NOT {IS_OVERDUE} RETURNING j.id, j.flight, j.document_id
        ), {} SELECT {HEIR}, 1 + (SELECT count(*) FROM sharing) AS jobs FROM ended",
        consequences(code)
    );
    let params: [Param<'_>; 4] = [
        (lease.token(), Type::UUID),
        (&code.as_str(), Type::TEXT),
        (&spent.calls, Type::INT4),
        (&spent.json(), Type::JSONB),
    ];
    let [_, rows] = db.transaction([(LOCK, &params[..1]), (&statement, &params)]).await?;
    Ok(rows.first().map(|row| Failed {
        jobs: count(row),
        heir: heir(row),
    }))
}

/// The column `jobs` of a row that says how many were ended.
pub(super) fn count(row: &Row) -> usize {
    usize::try_from(row.get::<_, i64>("jobs")).unwrap_or_default()
}

/// What follows from the failure of the jobs of `ended (id, flight, document_id)` with the code `$2`: expressions with
/// `sharing (id)`, the followers that fail as well, and at the end `promoted (id)`.
pub(super) fn consequences(code: FailureCode) -> String {
    let document = "document AS (
        UPDATE documents SET status = 'failed', error_code = $2 FROM ended
        WHERE documents.id = ended.document_id AND documents.status = 'queued')";
    let followers = if code.would_repeat() {
        format!(
            "sharing AS (
            UPDATE jobs j SET status = 'failed', error_code = $2, finished_at = now(), resend_at = NULL
            FROM ended WHERE j.leader_id = ended.id AND j.status = 'queued' AND NOT {IS_OVERDUE} RETURNING j.id
        ), promoted AS (SELECT NULL::uuid AS id, NULL::uuid AS owner_id WHERE false)"
        )
    } else {
        format!("sharing AS (SELECT NULL::uuid AS id WHERE false), {}", promotion(""))
    };
    format!("{document}, {followers}")
}

/// Keeps what the calls for a job consumed that was cancelled meanwhile.
///
/// # Errors
/// The database cannot be asked.
pub async fn keep_spent(db: &mut Session, job: JobId, spent: &Spent) -> Result<(), DbError> {
    let statement = "UPDATE jobs SET usage = $2, llm_calls = $3 WHERE id = $1 AND status = 'cancelled'";
    let params = [
        (&job.uuid() as _, Type::UUID),
        (&spent.json() as _, Type::JSONB),
        (&spent.calls as _, Type::INT4),
    ];
    db.rows(statement, &params).await.map(drop)
}

impl Spent {
    /// For the column `usage`: nothing if nothing was asked.
    fn json(&self) -> Option<Json<Usage>> {
        (self.calls > 0).then_some(Json(self.usage))
    }
}
