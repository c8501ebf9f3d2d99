//! `GET /api/users/me`: the caller's account.

pub mod api_keys;
pub mod delete;
mod proof;
pub mod sessions;
pub mod update;
pub mod usage;

use axum::Json;
use axum::extract::State;
use serde::Serialize;
use shared::db::users;
use utoipa::ToSchema;

use super::UserView;
use crate::app::App;
use crate::auth::{Action, CurrentUser};
use crate::error::ApiError;

/// The response.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Me {
    pub(crate) user: UserView,
}

/// Shows the caller's account.
#[utoipa::path(get, path = "/api/users/me", operation_id = "showAccount", responses(
    (status = 200, description = "The account.", body = Me),
))]
pub(crate) async fn show(State(app): State<App>, user: CurrentUser) -> Result<Json<Me>, ApiError> {
    let owner = user.admit(&app, Action::ReadAccount).await?;
    let found = users::find(&mut app.db.session().await?, owner)
        .await?
        .ok_or(ApiError::Unauthorized)?;
    Ok(Json(Me {
        user: UserView::from(found),
    }))
}
