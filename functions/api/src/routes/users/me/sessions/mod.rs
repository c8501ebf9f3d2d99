//! The caller's sessions.

pub mod delete;
pub mod list;

use shared::db::sessions;
use shared::domain::{SessionId, UserId};

use crate::app::App;
use crate::error::ApiError;

/// Ends a session of this user; whether there was one. It is marked before that is committed and after, so that no token of
/// it is good for anything once this returns.
pub(crate) async fn end(app: &App, owner: UserId, session: SessionId) -> Result<bool, ApiError> {
    let mut db = app.db.session().await?;
    db.begin().await?;
    let ended = sessions::end(&mut db, owner, session).await?;
    if ended {
        app.cache.mark_ended(&[session.uuid()]).await;
    }
    db.commit().await?;
    if ended {
        app.cache.mark_ended(&[session.uuid()]).await;
        tracing::info!(outcome = "ended", user_id = %owner, session_id = %session, "session");
    }
    Ok(ended)
}
