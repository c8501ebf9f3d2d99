//! `DELETE /api/chats/{id}`: deletes a chat with its messages and jobs.

use axum::extract::{Path, State};
use axum::http::StatusCode;
use shared::db::chats;

use crate::app::App;
use crate::auth::CurrentUser;
use crate::error::ApiError;
use crate::routes::id_of_path;

pub(crate) async fn delete(
    State(app): State<App>,
    user: CurrentUser,
    Path(id): Path<String>,
) -> Result<StatusCode, ApiError> {
    let id = id_of_path(&id)?;
    let deleted = chats::delete(&mut app.db.session().await?, user.0, id).await?;
    if deleted {
        Ok(StatusCode::NO_CONTENT)
    } else {
        Err(ApiError::NotFound)
    }
}
