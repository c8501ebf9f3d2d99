//! `DELETE /api/users/me/api-keys/{id}`: the key is worth nothing from now on.

use axum::extract::State;
use axum::http::StatusCode;
use shared::db::api_keys;
use shared::domain::ApiKeyId;

use crate::app::App;
use crate::auth::{Action, CurrentUser};
use crate::error::ApiError;
use crate::routes::PathId;

/// Deletes a key, which is worth nothing from then on.
#[utoipa::path(
    delete,
    path = "/api/users/me/api-keys/{id}",
    operation_id = "deleteApiKey",
    params(("id" = ApiKeyId, Path)),
    responses((status = 204, description = "The key is gone.")),
)]
pub(crate) async fn delete(
    State(app): State<App>,
    user: CurrentUser,
    PathId(id): PathId<ApiKeyId>,
) -> Result<StatusCode, ApiError> {
    let owner = user.admit(&app, Action::WriteAccount).await?;
    let mut db = app.db.session().await?;
    db.begin().await?;
    if !api_keys::delete(&mut db, owner, id).await? {
        db.commit().await?;
        return Err(ApiError::NotFound);
    }
    app.cache.mark_ended(&[id.uuid()]).await;
    db.commit().await?;
    app.cache.mark_ended(&[id.uuid()]).await;
    tracing::info!(outcome = "deleted", user_id = %owner, api_key_id = %id, "api key");
    Ok(StatusCode::NO_CONTENT)
}
