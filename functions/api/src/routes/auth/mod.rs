//! Signing up and signing in.

pub mod login;
pub mod register;

use serde::Serialize;
use shared::db::users::User;

use crate::app::App;
use crate::error::ApiError;
use crate::routes::users::UserView;

/// A user with a token to call the API with.
#[derive(Debug, Serialize)]
pub struct SignedIn {
    user: UserView,
    token: String,
}

impl SignedIn {
    fn new(app: &App, user: User) -> Result<Self, ApiError> {
        let token = app
            .tokens
            .issue(user.id)
            .map_err(|error| ApiError::Internal(format!("sign a token: {error}")))?;
        Ok(Self {
            user: UserView::from(user),
            token,
        })
    }
}
