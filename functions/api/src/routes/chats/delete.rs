//! `DELETE /api/chats/{id}`: deletes a chat with its messages and jobs.

use axum::extract::State;
use axum::http::StatusCode;
use shared::db::chats;
use shared::domain::ChatId;

use crate::app::App;
use crate::auth::{Action, CurrentUser};
use crate::error::ApiError;
use crate::routes::PathId;

/// Deletes a chat with its messages and jobs.
#[utoipa::path(
    delete,
    path = "/api/chats/{id}",
    operation_id = "deleteChat",
    params(("id" = ChatId, Path)),
    responses((status = 204, description = "The chat is gone, with its messages and jobs.")),
)]
pub(crate) async fn delete(
    State(app): State<App>,
    user: CurrentUser,
    PathId(id): PathId<ChatId>,
) -> Result<StatusCode, ApiError> {
    let owner = user.admit(&app, Action::WriteChats).await?;
    let deleted = chats::delete(&mut app.db.session().await?, owner, id).await?;
    if deleted {
        Ok(StatusCode::NO_CONTENT)
    } else {
        Err(ApiError::NotFound)
    }
}
