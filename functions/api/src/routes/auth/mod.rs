//! Signing up and signing in, and keeping a session.

pub mod login;
pub mod logout;
pub mod refresh;
pub mod register;
mod user_agent;

use serde::Serialize;
use shared::cache::Claim;
use shared::db::Session;
use shared::db::sessions::{self, NewSession};
use shared::db::users::User;
use shared::domain::{NoRandomness, RefreshToken, SessionId, UserId};
use utoipa::ToSchema;

use crate::app::App;
use crate::error::ApiError;
use crate::routes::users::UserView;
use user_agent::UserAgent;

/// A user with tokens to call the API with.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct SignedIn {
    user: UserView,
    #[serde(flatten)]
    tokens: Tokens,
}

/// A session's access token, for how many seconds it is valid, and what it can be replaced with.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Tokens {
    token: String,
    expires_in: u64,
    refresh_token: String,
}

impl std::fmt::Debug for Tokens {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Tokens(..)")
    }
}

impl Tokens {
    fn issue(app: &App, (user, session): (UserId, SessionId), refresh: &RefreshToken) -> Result<Self, ApiError> {
        let token = app.tokens.issue(user, session);
        Ok(Self {
            token: token.map_err(|error| ApiError::Internal(format!("sign a token: {error}")))?,
            expires_in: app.tokens.lifetime().as_secs(),
            refresh_token: refresh.reveal(),
        })
    }
}

/// A session that was just begun.
struct Begun {
    id: SessionId,
    token: RefreshToken,
}

/// Begins a session; `None` if the account is gone.
async fn begin_session(
    app: &App,
    db: &mut Session,
    owner: UserId,
    UserAgent(agent): UserAgent,
) -> Result<Option<Begun>, ApiError> {
    let token = RefreshToken::generate()?;
    let new = NewSession {
        owner,
        token: token.digest(),
        user_agent: agent.as_deref(),
        lifetimes: app.session_lifetimes,
    };
    let Some(begun) = sessions::begin(db, &new).await? else {
        return Ok(None);
    };
    app.cache.mark_ended(&begun.ended).await;
    Ok(Some(Begun { id: begun.id, token }))
}

impl SignedIn {
    /// The response for a session that was begun and committed.
    async fn new(app: &App, user: User, begun: Begun) -> Result<Self, ApiError> {
        let claim = Claim {
            id: begun.id.uuid(),
            owner: user.id,
        };
        app.cache.note_alive(claim).await;
        tracing::info!(outcome = "begun", user_id = %user.id, session_id = %begun.id, "session");
        Ok(Self {
            tokens: Tokens::issue(app, (user.id, begun.id), &begun.token)?,
            user: UserView::from(user),
        })
    }
}

impl From<NoRandomness> for ApiError {
    fn from(error: NoRandomness) -> Self {
        Self::Internal(error.to_string())
    }
}
