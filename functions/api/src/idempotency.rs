//! `Idempotency-Key` (draft-ietf-httpapi-idempotency-key-header): a request that is repeated with the same key and the
//! same body does nothing twice, and is answered with the same ids.

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use serde::Serialize;
use shared::db::idempotency::Fingerprint;
use utoipa::IntoParams;
use utoipa::openapi::path::{Parameter, ParameterBuilder, ParameterIn};
use utoipa::openapi::schema::{ObjectBuilder, Type};

use crate::error::ApiError;

/// The most characters of a key.
const LONGEST: usize = 255;
/// What [`parse`] takes, as the description of the API says it.
const PATTERN: &str = r#"^(?:[!#-~][!-~]{0,254}|"[!-~]{1,255}")$"#;

/// The header's value, if the request carries it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct IdempotencyKey(pub(crate) Option<String>);

impl IntoParams for IdempotencyKey {
    fn into_params(_: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        let schema = ObjectBuilder::new().schema_type(Type::String).pattern(Some(PATTERN));
        let parameter = ParameterBuilder::new()
            .name("Idempotency-Key")
            .parameter_in(ParameterIn::Header)
            .description(Some(
                "The same key with the same body, within 24 hours, does nothing twice.",
            ))
            .schema(Some(schema));
        vec![parameter.build()]
    }
}

impl<S: Send + Sync> FromRequestParts<S> for IdempotencyKey {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
        let mut values = parts.headers.get_all("idempotency-key").iter();
        let Some(value) = values.next() else {
            return Ok(Self(None));
        };
        let key = value.to_str().ok().and_then(parse).filter(|_| values.next().is_none());
        key.map(|key| Self(Some(key))).ok_or(ApiError::InvalidIdempotencyKey)
    }
}

/// The draft has a quoted string; what is sent in practice has no quotes. Both spell the same key.
fn parse(text: &str) -> Option<String> {
    let text = text.trim();
    let key = match text.strip_prefix('"') {
        Some(rest) => rest.strip_suffix('"')?,
        None => text,
    };
    let is_usable = (1..=LONGEST).contains(&key.len()) && key.bytes().all(|byte| byte.is_ascii_graphic());
    is_usable.then(|| key.to_owned())
}

/// By it the same body is known again. It is taken of the values that were read, so the order of a JSON object's fields
/// and white space do not count.
pub(crate) fn fingerprint(body: &impl Serialize) -> Fingerprint {
    Fingerprint::of(&serde_json::to_vec(body).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotes_do_not_belong_to_the_key() {
        assert_eq!(parse("\"8e03978e\""), Some("8e03978e".to_owned()));
        assert_eq!(parse(" 8e03978e "), Some("8e03978e".to_owned()));
        for text in ["", "\"\"", "\"", "\"a", "a b", "\u{e9}", &"k".repeat(256)] {
            assert_eq!(parse(text), None, "{text:?}");
        }
    }
}
