//! What a client says that it is, so that its user can tell one session from another.

use std::convert::Infallible;

use axum::extract::FromRequestParts;
use axum::http::header;
use axum::http::request::Parts;

/// Enough to tell a browser and a system by.
const CHARACTERS: usize = 200;

/// The header `User-Agent`, cut off; nothing if there is none that can be shown.
pub(crate) struct UserAgent(pub(super) Option<String>);

impl<S: Send + Sync> FromRequestParts<S> for UserAgent {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        // Reads as text only if it is of visible ASCII.
        let text = parts
            .headers
            .get(header::USER_AGENT)
            .and_then(|value| value.to_str().ok());
        let cut: Option<String> = text.map(|text| {
            text.trim()
                .chars()
                .filter(|c| !c.is_control())
                .take(CHARACTERS)
                .collect()
        });
        Ok(Self(cut.filter(|text| !text.is_empty())))
    }
}
