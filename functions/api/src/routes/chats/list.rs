//! `GET /api/chats`: the caller's chats, newest first.

use axum::Json;
use axum::extract::State;
use serde::Serialize;
use shared::db::chats::{self, Chat};
use shared::domain::ChatId;
use uuid::Uuid;

use crate::app::App;
use crate::auth::CurrentUser;
use crate::cursor::{self, PageQuery};
use crate::error::ApiError;
use crate::routes::rfc3339;

/// One page.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Chats {
    chats: Vec<ChatView>,
    next_cursor: Option<Uuid>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct ChatView {
    id: ChatId,
    title: String,
    created_at: String,
    updated_at: String,
}

impl From<Chat> for ChatView {
    fn from(chat: Chat) -> Self {
        Self {
            id: chat.id,
            title: chat.title,
            created_at: rfc3339(chat.created_at),
            updated_at: rfc3339(chat.updated_at),
        }
    }
}

pub(crate) async fn list(
    State(app): State<App>,
    user: CurrentUser,
    PageQuery(page): PageQuery,
) -> Result<Json<Chats>, ApiError> {
    let chats = chats::list(&mut app.db.session().await?, user.0, page).await?;
    let next_cursor = cursor::next(page, chats.iter().map(|chat| chat.id.uuid()));
    Ok(Json(Chats {
        chats: chats.into_iter().map(ChatView::from).collect(),
        next_cursor,
    }))
}
