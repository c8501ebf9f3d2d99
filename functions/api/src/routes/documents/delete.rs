//! `DELETE /api/documents/{id}`: deletes a document. Answers made from it are not served again.

use axum::extract::{Path, State};
use axum::http::StatusCode;
use shared::db::{collections, documents};
use shared::domain::CollectionVersions;

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
    let mut db = app.db.session().await?;
    db.begin().await?;
    let collection = documents::delete(&mut db, user.0, id)
        .await?
        .ok_or(ApiError::NotFound)?;
    let version = collections::bump_version(&mut db, collection).await?;
    app.cache.mark_changing(collection, version).await;
    db.commit().await?;
    app.cache
        .publish_versions(&CollectionVersions::from([(collection, version)]))
        .await;
    Ok(StatusCode::NO_CONTENT)
}
