//! `DELETE /api/users/me/sessions/{id}`: ends one of the caller's sessions.

use axum::extract::State;
use axum::http::StatusCode;
use shared::domain::SessionId;

use super::end;
use crate::app::App;
use crate::auth::{Action, CurrentUser};
use crate::error::ApiError;
use crate::routes::PathId;

/// Ends one of the caller's sessions.
#[utoipa::path(
    delete,
    path = "/api/users/me/sessions/{id}",
    operation_id = "endSession",
    params(("id" = SessionId, Path)),
    responses((status = 204, description = "The session has ended, with all its tokens.")),
)]
pub(crate) async fn delete(
    State(app): State<App>,
    user: CurrentUser,
    PathId(id): PathId<SessionId>,
) -> Result<StatusCode, ApiError> {
    let owner = user.admit(&app, Action::WriteAccount).await?;
    if end(&app, owner, id).await? {
        Ok(StatusCode::NO_CONTENT)
    } else {
        Err(ApiError::NotFound)
    }
}
