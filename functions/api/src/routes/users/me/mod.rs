//! `GET /api/users/me`: the caller's account.

pub mod delete;
pub mod update;

use axum::Json;
use axum::extract::State;
use serde::Serialize;
use shared::db::users;

use super::UserView;
use crate::app::App;
use crate::auth::CurrentUser;
use crate::error::ApiError;

/// The response.
#[derive(Debug, Serialize)]
pub(crate) struct Me {
    pub(crate) user: UserView,
}

/// A token outlives its account; then it is worth nothing.
pub(crate) async fn show(State(app): State<App>, user: CurrentUser) -> Result<Json<Me>, ApiError> {
    let found = users::find(&mut app.db.session().await?, user.0)
        .await?
        .ok_or(ApiError::Unauthorized)?;
    Ok(Json(Me {
        user: UserView::from(found),
    }))
}
