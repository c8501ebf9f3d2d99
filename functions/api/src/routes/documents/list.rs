//! `GET /api/documents`: the documents the caller may read, newest first.

use axum::Json;
use axum::extract::State;
use serde::Serialize;
use shared::db::documents;
use utoipa::ToSchema;
use uuid::Uuid;

use super::DocumentView;
use crate::app::App;
use crate::auth::{Action, CurrentUser};
use crate::cursor::{self, PageQuery};
use crate::error::ApiError;

/// One page.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Documents {
    documents: Vec<DocumentView>,
    next_cursor: Option<Uuid>,
}

/// Lists the documents that the caller may read, newest first.
#[utoipa::path(get, path = "/api/documents", operation_id = "listDocuments", params(cursor::Parameters), responses(
    (status = 200, description = "One page.", body = Documents,
        links(("show" = (operation_id = "showDocument", parameters(("id" = "$response.body#/documents/0/id")))),
              ("delete" = (operation_id = "deleteDocument", parameters(("id" = "$response.body#/documents/0/id")))),
              ("next" = (operation_id = "listDocuments", parameters(("cursor" = "$response.body#/nextCursor")))),
              ("ask" = (operation_id = "ask", request_body = json!(
                  {"query": "How hot is the water for green tea?", "chatId": null, "collections": null}))))),
))]
pub(crate) async fn list(
    State(app): State<App>,
    user: CurrentUser,
    PageQuery(page): PageQuery,
) -> Result<Json<Documents>, ApiError> {
    let reader = user.admit(&app, Action::ReadDocuments).await?;
    let documents = documents::list(&mut app.db.session().await?, reader, page).await?;
    let next_cursor = cursor::next(page, documents.iter().map(|document| document.id.uuid()));
    Ok(Json(Documents {
        documents: documents.into_iter().map(DocumentView::from).collect(),
        next_cursor,
    }))
}
