//! `GET /api/chats`: the caller's chats, newest first.

use axum::Json;
use axum::extract::State;
use serde::Serialize;
use shared::db::chats::{self, Chat};
use shared::domain::ChatId;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::app::App;
use crate::auth::{Action, CurrentUser};
use crate::cursor::{self, PageQuery};
use crate::error::ApiError;
use crate::routes::rfc3339;

/// One page.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Chats {
    chats: Vec<ChatView>,
    next_cursor: Option<Uuid>,
}

#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct ChatView {
    id: ChatId,
    title: String,
    #[schema(format = DateTime)]
    created_at: String,
    #[schema(format = DateTime)]
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

/// Lists the caller's chats, newest first.
#[utoipa::path(get, path = "/api/chats", operation_id = "listChats", params(cursor::Parameters), responses(
    (status = 200, description = "One page.", body = Chats,
        links(("messages" = (operation_id = "listMessages", parameters(("id" = "$response.body#/chats/0/id")))),
              ("delete" = (operation_id = "deleteChat", parameters(("id" = "$response.body#/chats/0/id")))),
              ("next" = (operation_id = "listChats", parameters(("cursor" = "$response.body#/nextCursor")))))),
))]
pub(crate) async fn list(
    State(app): State<App>,
    user: CurrentUser,
    PageQuery(page): PageQuery,
) -> Result<Json<Chats>, ApiError> {
    let owner = user.admit(&app, Action::ReadChats).await?;
    let chats = chats::list(&mut app.db.session().await?, owner, page).await?;
    let next_cursor = cursor::next(page, chats.iter().map(|chat| chat.id.uuid()));
    Ok(Json(Chats {
        chats: chats.into_iter().map(ChatView::from).collect(),
        next_cursor,
    }))
}
