//! A job as its owner sees it.

use time::OffsetDateTime;
use tokio_postgres::Row;
use tokio_postgres::types::{Json, Type};
use uuid::Uuid;

use super::super::{DbError, Session};
use super::IS_OVERDUE;
use crate::domain::{Answer, ChatId, JobId, JobStatus, Usage, UserId};

/// The state of a question's job.
#[derive(Debug, Clone)]
pub struct JobView {
    /// The job.
    pub id: JobId,
    /// The chat that holds, or will hold, question and answer.
    pub chat: ChatId,
    /// Where it stands.
    pub status: JobStatus,
    /// How many attempts have begun.
    pub attempt: i32,
    /// When a delayed job is tried again.
    pub retry_at: Option<OffsetDateTime>,
    /// Why it failed.
    pub error_code: Option<String>,
    /// The answer of a completed job.
    pub answer: Option<Answer>,
    /// What the answer cost.
    pub usage: Option<Usage>,
    /// `llm` or `cache`.
    pub source: Option<String>,
    /// When it was accepted.
    pub created_at: OffsetDateTime,
    /// When it ended.
    pub finished_at: Option<OffsetDateTime>,
}

/// Reads a question's job; `None` if it is not this user's.
///
/// # Errors
/// The database cannot be asked.
pub async fn find(db: &mut Session, owner: UserId, id: JobId) -> Result<Option<JobView>, DbError> {
    let statement = format!(
        "SELECT j.id, j.chat_id, j.attempt, j.next_attempt_at, j.error_code, j.answer, j.usage, j.source, j.created_at,
                CASE WHEN {IS_OVERDUE} THEN 'expired' ELSE j.status END AS status,
                CASE WHEN {IS_OVERDUE} THEN j.expires_at ELSE j.finished_at END AS finished_at
         FROM jobs j WHERE j.id = $1 AND j.owner_id = $2 AND j.kind = 'answer_question'"
    );
    let row = db
        .row(&statement, &[(&id.uuid(), Type::UUID), (&owner.uuid(), Type::UUID)])
        .await?;
    row.as_ref().map(view).transpose()
}

fn view(row: &Row) -> Result<JobView, DbError> {
    let stored: &str = row.get("status");
    let status: JobStatus = stored.parse().map_err(|_| DbError::Unreadable(stored.to_owned()))?;
    Ok(JobView {
        id: JobId::from(row.get::<_, Uuid>("id")),
        chat: ChatId::from(row.get::<_, Uuid>("chat_id")),
        status,
        attempt: row.get("attempt"),
        retry_at: row
            .get::<_, Option<OffsetDateTime>>("next_attempt_at")
            .filter(|_| status == JobStatus::Delayed),
        error_code: row
            .get::<_, Option<String>>("error_code")
            .filter(|_| status == JobStatus::Failed),
        answer: row.get::<_, Option<Json<Answer>>>("answer").map(|Json(answer)| answer),
        usage: row.get::<_, Option<Json<Usage>>>("usage").map(|Json(usage)| usage),
        source: row.get("source"),
        created_at: row.get("created_at"),
        finished_at: row.get("finished_at"),
    })
}
