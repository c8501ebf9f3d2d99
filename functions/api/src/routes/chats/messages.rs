//! `GET /api/chats/{id}/messages`: the turns of a chat, newest first.

use axum::Json;
use axum::extract::State;
use serde::Serialize;
use shared::db::chats::{self, Message};
use shared::domain::{ChatId, Citation, JobId, MessageId};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::app::App;
use crate::auth::{Action, CurrentUser};
use crate::cursor::{self, PageQuery};
use crate::error::ApiError;
use crate::routes::{PathId, rfc3339};

/// One page.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Messages {
    messages: Vec<MessageView>,
    next_cursor: Option<Uuid>,
}

#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct MessageView {
    id: MessageId,
    job_id: Option<JobId>,
    #[schema(pattern = "^(user|assistant)$")]
    role: String,
    content: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    citations: Option<Vec<Citation>>,
    #[schema(format = DateTime)]
    created_at: String,
}

impl From<Message> for MessageView {
    fn from(message: Message) -> Self {
        Self {
            id: message.id,
            job_id: message.job_id,
            role: message.role,
            content: message.content,
            citations: message.answer.map(|answer| answer.citations),
            created_at: rfc3339(message.created_at),
        }
    }
}

/// Lists the turns of a chat, newest first.
#[utoipa::path(
    get,
    path = "/api/chats/{id}/messages",
    operation_id = "listMessages",
    params(("id" = ChatId, Path), cursor::Parameters),
    responses((status = 200, description = "One page.", body = Messages)),
)]
pub(crate) async fn messages(
    State(app): State<App>,
    user: CurrentUser,
    PathId(id): PathId<ChatId>,
    PageQuery(page): PageQuery,
) -> Result<Json<Messages>, ApiError> {
    let owner = user.admit(&app, Action::ReadChats).await?;
    let found = chats::messages(&mut app.db.session().await?, owner, id, page).await?;
    let messages = found.ok_or(ApiError::NotFound)?;
    let next_cursor = cursor::next(page, messages.iter().map(|message| message.id.uuid()));
    Ok(Json(Messages {
        messages: messages.into_iter().map(MessageView::from).collect(),
        next_cursor,
    }))
}
