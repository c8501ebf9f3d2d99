//! Chats and their messages.

use time::OffsetDateTime;
use tokio_postgres::types::{Json, Type};
use uuid::Uuid;

use super::{DbError, Page, Session};
use crate::domain::{Answer, ChatId, JobId, MessageId, QuestionText, UserId};

/// A conversation.
#[derive(Debug, Clone)]
pub struct Chat {
    /// The chat's id.
    pub id: ChatId,
    /// How it is listed: the beginning of its first question.
    pub title: String,
    /// When it began.
    pub created_at: OffsetDateTime,
    /// When its last turn ended.
    pub updated_at: OffsetDateTime,
}

/// One turn of a chat.
#[derive(Debug, Clone)]
pub struct Message {
    /// The message's id.
    pub id: MessageId,
    /// The job it belongs to; `None` if it was answered from the cache.
    pub job_id: Option<JobId>,
    /// `user` or `assistant`.
    pub role: String,
    /// The text.
    pub content: String,
    /// The whole answer, if it is one.
    pub answer: Option<Answer>,
    /// When it was stored.
    pub created_at: OffsetDateTime,
}

/// One page of a user's chats, newest first.
///
/// # Errors
/// The database cannot be asked.
pub async fn list(db: &mut Session, owner: UserId, page: Page) -> Result<Vec<Chat>, DbError> {
    let statement = "
        SELECT id, title, created_at, updated_at FROM chats
        WHERE owner_id = $1 AND ($2::uuid IS NULL OR id < $2)
        ORDER BY id DESC LIMIT $3";
    let rows = db
        .rows(
            statement,
            &[
                (&owner.uuid(), Type::UUID),
                (&page.before, Type::UUID),
                (&page.limit, Type::INT8),
            ],
        )
        .await?;
    Ok(rows
        .iter()
        .map(|row| Chat {
            id: ChatId::from(row.get::<_, Uuid>("id")),
            title: row.get("title"),
            created_at: row.get("created_at"),
            updated_at: row.get("updated_at"),
        })
        .collect())
}

/// One page of a chat's messages, newest first; `None` if the chat is not this user's.
///
/// # Errors
/// The database cannot be asked.
pub async fn messages(
    db: &mut Session,
    owner: UserId,
    chat: ChatId,
    page: Page,
) -> Result<Option<Vec<Message>>, DbError> {
    // The outer join keeps one row for a chat without messages, so that it differs from a chat that is not there.
    let statement = "
        SELECT m.id, m.job_id, m.role, m.content, m.answer, m.created_at
        FROM chats c
        LEFT JOIN LATERAL (
            SELECT id, job_id, role, content, answer, created_at FROM messages
            WHERE chat_id = c.id AND ($3::uuid IS NULL OR id < $3)
            ORDER BY id DESC LIMIT $4
        ) m ON true
        WHERE c.id = $1 AND c.owner_id = $2
        ORDER BY m.id DESC";
    let rows = db
        .rows(
            statement,
            &[
                (&chat.uuid(), Type::UUID),
                (&owner.uuid(), Type::UUID),
                (&page.before, Type::UUID),
                (&page.limit, Type::INT8),
            ],
        )
        .await?;
    if rows.is_empty() {
        return Ok(None);
    }
    let messages = rows.iter().filter_map(|row| {
        Some(Message {
            id: MessageId::from(row.get::<_, Option<Uuid>>("id")?),
            job_id: row.get::<_, Option<Uuid>>("job_id").map(JobId::from),
            role: row.get("role"),
            content: row.get("content"),
            answer: row.get::<_, Option<Json<Answer>>>("answer").map(|Json(answer)| answer),
            created_at: row.get("created_at"),
        })
    });
    Ok(Some(messages.collect()))
}

/// Stores question and answer of a turn that the cache answered. Returns `false`, and stores nothing, if the chat is
/// not this user's.
///
/// # Errors
/// The database cannot be asked.
pub async fn record_cached_turn(
    db: &mut Session,
    owner: UserId,
    chat: ChatId,
    question: &QuestionText,
    answer: &Answer,
) -> Result<bool, DbError> {
    let statement = "
        WITH chat AS (
            UPDATE chats SET updated_at = now() WHERE id = $1 AND owner_id = $2 RETURNING id
        ), turns AS (
            INSERT INTO messages (id, chat_id, role, content, answer)
            SELECT turn.id, chat.id, turn.role, turn.content, turn.answer
            FROM chat, (VALUES ($3::uuid, 'user', $4::text, NULL::jsonb), ($5, 'assistant', $6, $7))
                AS turn (id, role, content, answer)
        )
        SELECT id FROM chat";
    let row = db
        .row(
            statement,
            &[
                (&chat.uuid(), Type::UUID),
                (&owner.uuid(), Type::UUID),
                (&MessageId::new().uuid(), Type::UUID),
                (&question.as_str(), Type::TEXT),
                (&MessageId::new().uuid(), Type::UUID),
                (&answer.text, Type::TEXT),
                (&Json(answer), Type::JSONB),
            ],
        )
        .await?;
    Ok(row.is_some())
}

/// Deletes a chat with its messages and jobs. Returns `false` if it is not this user's.
///
/// # Errors
/// The database cannot be asked.
pub async fn delete(db: &mut Session, owner: UserId, chat: ChatId) -> Result<bool, DbError> {
    let statement = "DELETE FROM chats WHERE id = $1 AND owner_id = $2 RETURNING id";
    let row = db
        .row(statement, &[(&chat.uuid(), Type::UUID), (&owner.uuid(), Type::UUID)])
        .await?;
    Ok(row.is_some())
}
