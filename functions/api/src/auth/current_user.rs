//! The caller, proven by a token or a key. A handler that takes a [`CurrentUser`] cannot be reached without one.

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderMap, header};
use shared::domain::{ApiKeySecret, SessionId, UserId};

use crate::app::App;
use crate::error::ApiError;
use crate::limits::Visitor;

/// Longer credentials than ours are not looked at.
const LONGEST: usize = 4096;

/// Somebody with a credential that is in order by itself: nobody was asked yet whether it still counts. Only
/// `CurrentUser::admit` gives the user's id away.
#[derive(Debug)]
pub struct CurrentUser {
    pub(super) credential: Credential,
    pub(super) visitor: Visitor,
}

/// What a caller has shown.
#[derive(Debug)]
pub(super) enum Credential {
    /// An access token.
    Session {
        /// Whom it was made for.
        user: UserId,
        /// In which session.
        session: SessionId,
    },
    /// An API key of the right form.
    Key(ApiKeySecret),
}

impl CurrentUser {
    /// The session that the caller's token was made in; a program with an API key has none.
    pub(crate) fn session(&self) -> Option<SessionId> {
        match self.credential {
            Credential::Session { session, .. } => Some(session),
            Credential::Key(_) => None,
        }
    }
}

impl FromRequestParts<App> for CurrentUser {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, ApiError> {
        let text = bearer(&parts.headers).ok_or(ApiError::Unauthorized)?;
        Ok(Self {
            credential: read(app, text).await.ok_or(ApiError::Unauthorized)?,
            visitor: Visitor::of(parts),
        })
    }
}

async fn read(app: &App, text: &str) -> Option<Credential> {
    if ApiKeySecret::is_meant_by(text) {
        return ApiKeySecret::parse(text).map(Credential::Key);
    }
    let (user, session) = app.tokens.verify(text).await?;
    Some(Credential::Session { user, session })
}

/// The one credential of a request. Of two, a proxy might have checked the other one. The scheme's name is
/// case-insensitive (RFC 9110, section 11.1).
fn bearer(headers: &HeaderMap) -> Option<&str> {
    let mut values = headers.get_all(header::AUTHORIZATION).iter();
    let (Some(value), None) = (values.next(), values.next()) else {
        return None;
    };
    let (scheme, token) = value.to_str().ok()?.split_once(' ')?;
    let token = token.trim_start_matches(' ');
    (scheme.eq_ignore_ascii_case("Bearer") && token.len() <= LONGEST).then_some(token)
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    fn headers(values: &[&[u8]]) -> HeaderMap {
        let value = |bytes: &&[u8]| (header::AUTHORIZATION, HeaderValue::from_bytes(bytes).unwrap());
        values.iter().map(value).collect()
    }

    #[test]
    fn one_bearer_is_read() {
        for good in [&b"Bearer abc"[..], b"bearer abc", b"BEARER   abc"] {
            assert_eq!(bearer(&headers(&[good])), Some("abc"));
        }
        let long = [b"Bearer ".to_vec(), vec![b'a'; 4097]].concat();
        for bad in [
            &b"Bearerabc"[..],
            b"Basic abc",
            b"abc",
            b"",
            b"Bearer\tabc",
            b"Bearer \xff",
            &long,
        ] {
            assert_eq!(bearer(&headers(&[bad])), None, "{bad:?}");
        }
        assert_eq!(bearer(&headers(&[&long[..4103]])).map(str::len), Some(4096));
    }

    #[test]
    fn two_are_none() {
        assert_eq!(bearer(&headers(&[b"Bearer abc", b"Bearer abc"])), None);
        assert_eq!(bearer(&headers(&[])), None);
    }
}
