//! Accepting a question.

use std::time::Duration;

use tokio_postgres::types::Type;
use uuid::Uuid;

use super::super::{DbError, Session, seconds};
use super::MESSAGE_PATIENCE;
use crate::domain::{AnswerKey, ChatId, CollectionScope, JobId, QuestionText, UserId};

/// A question to be answered by a job.
#[derive(Debug)]
pub struct NewQuestion<'a> {
    /// Who asks.
    pub owner: UserId,
    /// The chat it belongs to; a new one if there is none.
    pub chat: Option<ChatId>,
    /// The question.
    pub question: &'a QuestionText,
    /// Where to look.
    pub scope: &'a CollectionScope,
    /// By it equal questions are known.
    pub key: AnswerKey,
    /// The job gives up this long from now.
    pub deadline: Duration,
}

/// What became of a question.
#[derive(Debug, PartialEq, Eq)]
pub enum Acceptance {
    /// There is a job for it now.
    Accepted {
        /// The job.
        job: JobId,
        /// The chat that will hold question and answer.
        chat: ChatId,
    },
    /// The chat does not exist for this user. Nothing was written.
    NoSuchChat,
    /// The user's account is gone. Nothing was written.
    NoSuchUser,
}

/// Checks the chat's owner and stores the job (with a new chat, if none is named), in one statement.
///
/// # Errors
/// The database cannot be asked.
pub async fn accept_question(db: &mut Session, new: &NewQuestion<'_>) -> Result<Acceptance, DbError> {
    let statement = format!(
        "WITH asker AS (
            SELECT id FROM users WHERE id = $1
        ), made AS (
            INSERT INTO chats (id, owner_id, title) SELECT $3, id, $4 FROM asker WHERE $2::uuid IS NULL RETURNING id
        ), chat AS (
            SELECT id FROM chats WHERE id = $2 AND owner_id = $1 UNION ALL SELECT id FROM made
        ), job AS (
            INSERT INTO jobs (id, kind, owner_id, chat_id, question, collection_ids, answer_key, expires_at, resend_at)
            SELECT $5, 'answer_question', asker.id, chat.id, $6, $7, $8,
                   now() + $9 * interval '1 second', now() + {MESSAGE_PATIENCE}
            FROM asker, chat
            RETURNING chat_id
        )
        SELECT job.chat_id FROM asker LEFT JOIN job ON true"
    );
    let job = JobId::new();
    let row = db
        .row(
            &statement,
            &[
                (&new.owner.uuid(), Type::UUID),
                (&new.chat.map(ChatId::uuid), Type::UUID),
                (&ChatId::new().uuid(), Type::UUID),
                (&title(new.question), Type::TEXT),
                (&job.uuid(), Type::UUID),
                (&new.question.as_str(), Type::TEXT),
                (&new.scope.uuids(), Type::UUID_ARRAY),
                (&new.key.as_bytes(), Type::BYTEA),
                (&seconds(new.deadline), Type::FLOAT8),
            ],
        )
        .await?;
    Ok(match row.map(|row| row.get::<_, Option<Uuid>>("chat_id")) {
        None => Acceptance::NoSuchUser,
        Some(None) => Acceptance::NoSuchChat,
        Some(Some(chat)) => Acceptance::Accepted {
            job,
            chat: ChatId::from(chat),
        },
    })
}

/// A chat is listed by the beginning of its first question.
fn title(question: &QuestionText) -> String {
    let line: Vec<&str> = question.as_str().split_whitespace().collect();
    line.join(" ").chars().take(80).collect()
}
