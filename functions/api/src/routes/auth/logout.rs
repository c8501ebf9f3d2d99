//! `POST /api/auth/logout`: ends the caller's session.

use axum::extract::State;
use axum::http::StatusCode;

use crate::app::App;
use crate::auth::{Action, CurrentUser};
use crate::error::ApiError;
use crate::routes::users::me::sessions::end;

/// Ends the caller's session.
#[utoipa::path(post, path = "/api/auth/logout", operation_id = "signOut", responses(
    (status = 204, description = "The session has ended, with all its tokens."),
))]
pub(crate) async fn logout(State(app): State<App>, user: CurrentUser) -> Result<StatusCode, ApiError> {
    let session = user.session();
    let owner = user.admit(&app, Action::WriteAccount).await?;
    // Whoever has ended it in the meantime has done what was asked for.
    end(&app, owner, session.ok_or(ApiError::InsufficientScope)?).await?;
    Ok(StatusCode::NO_CONTENT)
}
