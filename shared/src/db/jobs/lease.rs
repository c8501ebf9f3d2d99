//! Who works on a job: a worker takes it for the time of a lease and renews the lease while it works.
//!
//! All times are the database's. Each claim makes a fresh token, and every later write of that worker names it: one
//! that was thought dead and comes back finds that its token no longer counts (a fencing token).

use std::time::Duration;

use tokio_postgres::Row;
use tokio_postgres::types::{Json, Type};
use uuid::Uuid;

use super::super::{DbError, Session, seconds};
use super::outcome::Spent;
use super::{IS_OVERDUE, MESSAGE_PATIENCE};
use crate::domain::{
    CollectionId, CollectionScope, CollectionVersions, DocumentId, JobId, JobKind, JobStatus, QuestionText, Usage,
    UserId,
};

/// The right to write a job's outcome. It is proven by the token alone: when a leader is cancelled, the lease goes over
/// to the follower that takes its place, and the worker that holds it goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Lease {
    /// The job it was given out for.
    pub job: JobId,
    token: Uuid,
}

impl Lease {
    pub(super) fn token(&self) -> &Uuid {
        &self.token
    }
}

/// A job that this worker, and no other, works on.
#[derive(Debug)]
pub struct ClaimedJob {
    /// Proves it.
    pub lease: Lease,
    /// Whose job it is.
    pub owner: UserId,
    /// Which attempt this is, from 1.
    pub attempt: i32,
    /// How long the job has waited, if this is its first attempt.
    pub waited: Option<Duration>,
    /// Another worker had it and let its lease run out: what became of its calls is not known.
    pub was_held: bool,
    /// What the attempts before this one consumed.
    pub spent: Spent,
    /// What is to be done.
    pub work: Work,
}

/// What a job is to do.
#[derive(Debug)]
pub enum Work {
    /// Answer a question.
    Answer(QuestionWork),
    /// Cut this document into passages.
    Ingest(DocumentId),
    /// The row holds what this version does not understand: here is what. It is claimed all the same, so that the
    /// attempt counts.
    Unreadable(String),
}

/// A question to be answered.
#[derive(Debug)]
pub struct QuestionWork {
    /// The question.
    pub question: QuestionText,
    /// Where to look.
    pub scope: CollectionScope,
    /// The versions of those collections before anything was read from them.
    pub versions: CollectionVersions,
}

/// What came of the attempt to take a job.
#[derive(Debug)]
pub enum Claim {
    /// It is ours.
    Mine(Box<ClaimedJob>),
    /// It has ended: there is nothing to do.
    Finished(JobStatus),
    /// It was past its deadline, and has been ended by this.
    Expired,
    /// It is not to be worked on before this time has passed: somebody else holds it, or its next attempt is later.
    HeldFor(Duration),
    /// There is no such job: it was deleted with its chat, its document or its owner.
    Unknown,
}

/// Takes a job if it waits, or if the lease of the worker that had it ran out. One statement: of several workers that
/// try at once, one wins. A job past its deadline is ended here. One call to the model is counted in advance, so that a
/// worker that dies has counted it.
///
/// # Errors
/// The database cannot be asked.
pub async fn claim(db: &mut Session, id: JobId, lease: Duration) -> Result<Claim, DbError> {
    // The outer query sees the row as it was before the update, which is what tells the other outcomes apart.
    let statement = format!(
        "WITH ended AS (
            UPDATE jobs j SET status = 'expired', finished_at = now(), lease_token = NULL, lease_until = NULL,
                              next_attempt_at = NULL, resend_at = NULL
            WHERE j.id = $1 AND {IS_OVERDUE} RETURNING j.id
        ), mine AS (
            UPDATE jobs j SET status = 'active', attempt = j.attempt + 1, lease_token = $2,
                              llm_calls = j.llm_calls + CASE WHEN j.kind = 'answer_question' THEN 1 ELSE 0 END,
                              lease_until = now() + $3 * interval '1 second',
                              resend_at = now() + $3 * interval '1 second' + {MESSAGE_PATIENCE},
                              next_attempt_at = NULL, started_at = coalesce(j.started_at, now())
            WHERE j.id = $1 AND j.expires_at > now() AND j.leader_id IS NULL
              AND (j.status = 'queued'
                   OR (j.status = 'delayed' AND j.next_attempt_at <= now())
                   OR (j.status = 'active' AND j.lease_until <= now()))
            RETURNING j.id, j.attempt
        )
        SELECT j.kind, j.owner_id, j.question, j.collection_ids, j.document_id,
               mine.attempt AS attempt, j.llm_calls, j.usage,
               j.status, ended.id IS NOT NULL AS has_expired,
               CASE WHEN j.started_at IS NULL THEN extract(epoch FROM now() - j.created_at)::float8 END AS waited,
               extract(epoch FROM coalesce(j.next_attempt_at, j.lease_until) - now())::float8 AS held_for,
               (SELECT jsonb_object_agg(c.id, c.version) FROM collections c
                WHERE c.id = ANY(j.collection_ids) AND (c.owner_id = j.owner_id OR c.owner_id IS NULL)) AS versions
        FROM jobs j LEFT JOIN mine ON mine.id = j.id LEFT JOIN ended ON ended.id = j.id
        WHERE j.id = $1"
    );
    let token = Uuid::new_v4();
    let params = [
        (&id.uuid() as _, Type::UUID),
        (&token as _, Type::UUID),
        (&seconds(lease) as _, Type::FLOAT8),
    ];
    let Some(row) = db.row(&statement, &params).await? else {
        return Ok(Claim::Unknown);
    };
    match row.get::<_, Option<i32>>("attempt") {
        Some(attempt) => Ok(claimed(&row, Lease { job: id, token }, attempt)),
        None => not_claimed(&row, lease),
    }
}

fn claimed(row: &Row, lease: Lease, attempt: i32) -> Claim {
    Claim::Mine(Box::new(ClaimedJob {
        lease,
        owner: UserId::from(row.get::<_, Uuid>("owner_id")),
        attempt,
        waited: row.get::<_, Option<f64>>("waited").map(span),
        was_held: row.get::<_, &str>("status") == JobStatus::Active.as_str(),
        // The row as it was before: without the call that was counted in advance.
        spent: Spent {
            calls: row.get("llm_calls"),
            usage: row
                .try_get::<_, Option<Json<Usage>>>("usage")
                .ok()
                .flatten()
                .map(|Json(usage)| usage)
                .unwrap_or_default(),
        },
        work: work(row).unwrap_or_else(Work::Unreadable),
    }))
}

fn work(row: &Row) -> Result<Work, String> {
    let kind: &str = row.get("kind");
    match kind.parse() {
        Ok(JobKind::AnswerQuestion) => answer_work(row),
        Ok(JobKind::IngestDocument) => {
            let document: Option<Uuid> = row.get("document_id");
            let document = document.ok_or("a document's job without a document")?;
            Ok(Work::Ingest(DocumentId::from(document)))
        }
        Err(_) => Err(format!("job kind {kind}")),
    }
}

fn answer_work(row: &Row) -> Result<Work, String> {
    let question: Option<&str> = row.get("question");
    let collections: Option<Vec<Uuid>> = row.get("collection_ids");
    let (Some(question), Some(collections)) = (question, collections) else {
        return Err("a question's job without a question".to_owned());
    };
    let versions: Option<Json<std::collections::BTreeMap<CollectionId, i64>>> = row.get("versions");
    Ok(Work::Answer(QuestionWork {
        question: QuestionText::parse(question).map_err(|problem| format!("question: {problem}"))?,
        scope: CollectionScope::stored(collections),
        versions: versions.map(|Json(versions)| versions).unwrap_or_default(),
    }))
}

fn not_claimed(row: &Row, lease: Duration) -> Result<Claim, DbError> {
    if row.get("has_expired") {
        return Ok(Claim::Expired);
    }
    let stored: &str = row.get("status");
    let status: JobStatus = stored.parse().map_err(|_| DbError::Unreadable(stored.to_owned()))?;
    if status.is_final() {
        return Ok(Claim::Finished(status));
    }
    // The row may have been taken by another worker after this statement began: then it still shows as waiting, and
    // the other's lease is what there is to wait for.
    let held_for = row.get::<_, Option<f64>>("held_for").filter(|seconds| *seconds > 0.0);
    Ok(Claim::HeldFor(
        held_for.map_or(lease, |seconds| span(seconds).max(Duration::from_secs(1))),
    ))
}

fn span(seconds: f64) -> Duration {
    Duration::try_from_secs_f64(seconds).unwrap_or_default()
}

/// Renews a lease. `false`: the job is no longer this worker's (it was cancelled, deleted, or taken by another), and the
/// work on it is to be dropped.
///
/// # Errors
/// The database cannot be asked.
pub async fn renew(db: &mut Session, held: &Lease, lease: Duration) -> Result<bool, DbError> {
    let statement = format!(
        "UPDATE jobs SET lease_until = now() + $2 * interval '1 second',
                         resend_at = now() + $2 * interval '1 second' + {MESSAGE_PATIENCE}
         WHERE lease_token = $1 AND status = 'active' RETURNING id"
    );
    let params = [(held.token() as _, Type::UUID), (&seconds(lease) as _, Type::FLOAT8)];
    Ok(db.row(&statement, &params).await?.is_some())
}

/// Counts a further call to the model within an attempt, before it is made. `false`: the lease is lost.
///
/// # Errors
/// The database cannot be asked.
pub async fn begin_call(db: &mut Session, held: &Lease, calls: i32) -> Result<bool, DbError> {
    let statement = "UPDATE jobs SET llm_calls = $2 WHERE lease_token = $1 AND status = 'active' RETURNING id";
    let params = [(held.token() as _, Type::UUID), (&calls as _, Type::INT4)];
    Ok(db.row(statement, &params).await?.is_some())
}

/// Which of these leases still count.
///
/// # Errors
/// The database cannot be asked.
pub async fn still_held(db: &mut Session, leases: &[Lease]) -> Result<Vec<Lease>, DbError> {
    let statement = "SELECT lease_token FROM jobs WHERE lease_token = ANY($1) AND status = 'active'";
    let tokens: Vec<Uuid> = leases.iter().map(|lease| lease.token).collect();
    let rows = db.rows(statement, &[(&tokens, Type::UUID_ARRAY)]).await?;
    let held: Vec<Uuid> = rows.iter().map(|row| row.get("lease_token")).collect();
    Ok(leases
        .iter()
        .filter(|lease| held.contains(&lease.token))
        .copied()
        .collect())
}
