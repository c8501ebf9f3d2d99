//! `GET /api/documents`: the documents the caller may read, newest first.

use axum::Json;
use axum::extract::State;
use serde::Serialize;
use shared::db::documents;
use uuid::Uuid;

use super::DocumentView;
use crate::app::App;
use crate::auth::CurrentUser;
use crate::cursor::{self, PageQuery};
use crate::error::ApiError;

/// One page.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Documents {
    documents: Vec<DocumentView>,
    next_cursor: Option<Uuid>,
}

pub(crate) async fn list(
    State(app): State<App>,
    user: CurrentUser,
    PageQuery(page): PageQuery,
) -> Result<Json<Documents>, ApiError> {
    let documents = documents::list(&mut app.db.session().await?, user.0, page).await?;
    let next_cursor = cursor::next(page, documents.iter().map(|document| document.id.uuid()));
    Ok(Json(Documents {
        documents: documents.into_iter().map(DocumentView::from).collect(),
        next_cursor,
    }))
}
