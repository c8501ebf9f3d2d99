//! `GET /api/documents/{id}`: how far a document has come.

use axum::Json;
use axum::extract::{Path, State};
use shared::db::documents;

use super::OneDocument;
use crate::app::App;
use crate::auth::CurrentUser;
use crate::error::ApiError;
use crate::routes::id_of_path;

pub(crate) async fn show(
    State(app): State<App>,
    user: CurrentUser,
    Path(id): Path<String>,
) -> Result<Json<OneDocument>, ApiError> {
    let id = id_of_path(&id)?;
    let found = documents::find(&mut app.db.session().await?, user.0, id).await?;
    found
        .map(|document| Json(OneDocument::from(document)))
        .ok_or(ApiError::NotFound)
}
