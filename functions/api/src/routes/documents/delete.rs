//! `DELETE /api/documents/{id}`: deletes a document. Answers made from it are not served again.

use axum::extract::State;
use axum::http::StatusCode;
use shared::db::{collections, documents};
use shared::domain::{CollectionVersions, DocumentId};

use crate::app::App;
use crate::auth::{Action, CurrentUser};
use crate::error::ApiError;
use crate::routes::PathId;

/// Deletes a document.
#[utoipa::path(
    delete,
    path = "/api/documents/{id}",
    operation_id = "deleteDocument",
    params(("id" = DocumentId, Path)),
    responses((status = 204, description = "It is gone; answers made from it are not served again.")),
)]
pub(crate) async fn delete(
    State(app): State<App>,
    user: CurrentUser,
    PathId(id): PathId<DocumentId>,
) -> Result<StatusCode, ApiError> {
    let owner = user.admit(&app, Action::WriteDocuments).await?;
    let mut db = app.db.session().await?;
    db.begin().await?;
    let collection = documents::delete(&mut db, owner, id).await?.ok_or(ApiError::NotFound)?;
    let version = collections::bump_version(&mut db, collection).await?;
    app.cache.mark_changing(collection, version).await;
    db.commit().await?;
    app.cache
        .publish_versions(&CollectionVersions::from([(collection, version)]))
        .await;
    Ok(StatusCode::NO_CONTENT)
}
