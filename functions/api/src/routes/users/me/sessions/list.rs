//! `GET /api/users/me/sessions`: where the caller is signed in.

use axum::Json;
use axum::extract::State;
use serde::Serialize;
use shared::db::sessions::{self, UserSession};
use shared::domain::SessionId;
use utoipa::ToSchema;

use crate::app::App;
use crate::auth::{Action, CurrentUser};
use crate::error::ApiError;
use crate::routes::rfc3339;

/// All of them: there are never many.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Sessions {
    sessions: Vec<SessionView>,
}

#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Session)]
#[serde(rename_all = "camelCase")]
struct SessionView {
    id: SessionId,
    current: bool,
    user_agent: Option<String>,
    #[schema(format = DateTime)]
    created_at: String,
    #[schema(format = DateTime)]
    last_used_at: String,
    #[schema(format = DateTime)]
    expires_at: String,
}

impl SessionView {
    fn new(session: UserSession, current: Option<SessionId>) -> Self {
        Self {
            id: session.id,
            current: current == Some(session.id),
            user_agent: session.user_agent,
            created_at: rfc3339(session.created_at),
            last_used_at: rfc3339(session.last_used_at),
            expires_at: rfc3339(session.expires_at),
        }
    }
}

/// Lists where the caller is signed in, the session that was used last first.
#[utoipa::path(get, path = "/api/users/me/sessions", operation_id = "listSessions", responses(
    (status = 200, description = "The sessions.", body = Sessions,
        links(("end" = (operation_id = "endSession", parameters(("id" = "$response.body#/sessions/0/id")))))),
))]
pub(crate) async fn list(State(app): State<App>, user: CurrentUser) -> Result<Json<Sessions>, ApiError> {
    let current = user.session();
    let owner = user.admit(&app, Action::ReadAccount).await?;
    let sessions = sessions::list(&mut app.db.session().await?, owner).await?;
    let views = sessions.into_iter().map(|session| SessionView::new(session, current));
    Ok(Json(Sessions {
        sessions: views.collect(),
    }))
}
