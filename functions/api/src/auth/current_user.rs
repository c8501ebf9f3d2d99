//! The caller, proven by a token. A handler that takes a [`CurrentUser`] cannot be reached without one.

use axum::extract::FromRequestParts;
use axum::http::header;
use axum::http::request::Parts;
use shared::domain::UserId;

use crate::app::App;
use crate::error::ApiError;

/// The caller.
#[derive(Debug, Clone, Copy)]
pub struct CurrentUser(pub UserId);

impl FromRequestParts<App> for CurrentUser {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, ApiError> {
        let header = parts
            .headers
            .get(header::AUTHORIZATION)
            .and_then(|value| value.to_str().ok());
        let token = header.and_then(bearer).ok_or(ApiError::Unauthorized)?;
        app.tokens.verify(token).map(Self).ok_or(ApiError::Unauthorized)
    }
}

/// The scheme's name is case-insensitive (RFC 9110, section 11.1).
fn bearer(header: &str) -> Option<&str> {
    let (scheme, token) = header.split_once(' ')?;
    scheme.eq_ignore_ascii_case("Bearer").then(|| token.trim())
}
