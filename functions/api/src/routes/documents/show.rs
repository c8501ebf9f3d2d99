//! `GET /api/documents/{id}`: how far a document has come.

use axum::Json;
use axum::extract::State;
use shared::db::documents;
use shared::domain::DocumentId;

use super::OneDocument;
use crate::app::App;
use crate::auth::{Action, CurrentUser};
use crate::error::ApiError;
use crate::routes::PathId;

/// Shows a document, and how far it has come.
#[utoipa::path(
    get,
    path = "/api/documents/{id}",
    operation_id = "showDocument",
    params(("id" = DocumentId, Path)),
    responses((status = 200, description = "The document.", body = OneDocument)),
)]
pub(crate) async fn show(
    State(app): State<App>,
    user: CurrentUser,
    PathId(id): PathId<DocumentId>,
) -> Result<Json<OneDocument>, ApiError> {
    let reader = user.admit(&app, Action::PollDocument).await?;
    let found = documents::find(&mut app.db.session().await?, reader, id).await?;
    found
        .map(|document| Json(OneDocument::from(document)))
        .ok_or(ApiError::NotFound)
}
