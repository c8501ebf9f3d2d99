//! `GET /api/users/me/api-keys`: the caller's keys, without the keys themselves.

use axum::Json;
use axum::extract::State;
use serde::Serialize;
use shared::db::api_keys;
use utoipa::ToSchema;

use super::ApiKeyView;
use crate::app::App;
use crate::auth::{Action, CurrentUser};
use crate::error::ApiError;

/// All of them: there are never many.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ApiKeys {
    api_keys: Vec<ApiKeyView>,
}

/// Lists the caller's keys, without the keys themselves.
#[utoipa::path(get, path = "/api/users/me/api-keys", operation_id = "listApiKeys", responses(
    (status = 200, description = "The keys.", body = ApiKeys,
        links(("delete" = (operation_id = "deleteApiKey", parameters(("id" = "$response.body#/apiKeys/0/id")))))),
))]
pub(crate) async fn list(State(app): State<App>, user: CurrentUser) -> Result<Json<ApiKeys>, ApiError> {
    let owner = user.admit(&app, Action::ReadAccount).await?;
    let keys = api_keys::list(&mut app.db.session().await?, owner).await?;
    Ok(Json(ApiKeys {
        api_keys: keys.into_iter().map(ApiKeyView::from).collect(),
    }))
}
