//! `DELETE /api/users/me`: ends the account. Everything of the user goes with it.

use axum::extract::State;
use axum::http::StatusCode;
use shared::db::users;

use crate::app::App;
use crate::auth::{Action, CurrentUser};
use crate::error::ApiError;

/// The version a collection that ends is marked with: higher than any it had, so that no cached answer from it is
/// served while its deletion is committed.
const NO_MORE: i64 = i64::MAX / 2;

/// Ends the account.
#[utoipa::path(delete, path = "/api/users/me", operation_id = "deleteAccount", responses(
    (status = 204, description = "The account is gone, and everything of the user."),
))]
pub(crate) async fn delete(State(app): State<App>, user: CurrentUser) -> Result<StatusCode, ApiError> {
    let owner = user.admit(&app, Action::WriteAccount).await?;
    let mut db = app.db.session().await?;
    db.begin().await?;
    let ended = users::delete(&mut db, owner).await?.ok_or(ApiError::Unauthorized)?;
    app.cache.mark_changing(owner.private_collection(), NO_MORE).await;
    app.cache.mark_ended(&ended).await;
    db.commit().await?;
    app.cache.mark_ended(&ended).await;
    tracing::info!(user_id = %owner, "account deleted");
    Ok(StatusCode::NO_CONTENT)
}
