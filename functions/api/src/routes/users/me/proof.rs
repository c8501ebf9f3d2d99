//! The current password, asked for where an access token alone must not be enough: somebody may have stolen it.

use shared::db::users::{self, Credentials};
use shared::domain::{Invalid, UserId};

use crate::app::App;
use crate::auth::{Comparison, PlainPassword};
use crate::error::ApiError;
use crate::limits::Visitor;

/// The field that it is sent in.
pub(super) const FIELD: &str = "currentPassword";

/// The caller's account, with its hash.
pub(super) async fn credentials(app: &App, owner: UserId) -> Result<Credentials, ApiError> {
    let found = users::credentials_by_id(&mut app.db.session().await?, owner).await?;
    found.ok_or(ApiError::Unauthorized)
}

/// Lets through who knows the account's password. It is guessed no faster here than by signing in: both are counted
/// together. No connection is held while hashing.
pub(super) async fn prove(
    app: &App,
    visitor: &Visitor,
    account: &Credentials,
    password: PlainPassword,
) -> Result<(), ApiError> {
    let attempt = visitor.begin_proof(app, &account.user.email).await?;
    let comparison = app.passwords.compare(password, Some(account.password_hash.clone()));
    if comparison.await? == Comparison::Wrong {
        tracing::warn!(outcome = "refused", user_id = %account.user.id, "current password");
        return Err(ApiError::field(FIELD, &Invalid::new("is not the current password")));
    }
    attempt.succeeded(app).await;
    Ok(())
}
