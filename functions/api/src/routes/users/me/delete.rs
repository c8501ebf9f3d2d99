//! `DELETE /api/users/me`: ends the account. Everything of the user goes with it.

use axum::extract::State;
use axum::http::StatusCode;
use shared::db::users;

use crate::app::App;
use crate::auth::CurrentUser;
use crate::error::ApiError;

/// The version a collection that ends is marked with: higher than any it had, so that no cached answer from it is
/// served while its deletion is committed.
const NO_MORE: i64 = i64::MAX / 2;

pub(crate) async fn delete(State(app): State<App>, user: CurrentUser) -> Result<StatusCode, ApiError> {
    let mut db = app.db.session().await?;
    db.begin().await?;
    if !users::delete(&mut db, user.0).await? {
        return Err(ApiError::Unauthorized);
    }
    app.cache.mark_changing(user.0.private_collection(), NO_MORE).await;
    db.commit().await?;
    tracing::info!(user_id = %user.0, "account deleted");
    Ok(StatusCode::NO_CONTENT)
}
