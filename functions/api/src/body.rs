//! Reads bodies, with errors that say what to do.

use std::collections::BTreeMap;

use axum::body::Bytes;
use axum::extract::{FromRequest, Request};
use axum::http::{HeaderMap, StatusCode, header};
use serde::de::DeserializeOwned;
use serde_json::error::Category;
use shared::domain::Invalid;

use crate::error::{AS_JSON, ApiError, FieldProblems};

/// A JSON body, read into `T`.
pub(crate) struct JsonBody<T>(pub(crate) T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for JsonBody<T> {
    type Rejection = ApiError;

    async fn from_request(request: Request, state: &S) -> Result<Self, ApiError> {
        let sent_as = ContentType::of(request.headers());
        let is_utf8 = sent_as.charset.is_none_or(|name| name.eq_ignore_ascii_case("utf-8"));
        if sent_as.media_type != JSON || !is_utf8 {
            return Err(ApiError::UnsupportedMediaType(AS_JSON));
        }
        let bytes = whole(request, state, "The body is larger than this path takes.").await?;
        parse(&bytes).map(Self)
    }
}

/// The media type of JSON.
pub(crate) const JSON: &str = "application/json";

/// A body as it was sent; `limit` is what is said of one that is too large.
pub(crate) async fn whole<S: Send + Sync>(request: Request, state: &S, limit: &str) -> Result<Bytes, ApiError> {
    Bytes::from_request(request, state).await.map_err(|rejection| {
        if rejection.status() == StatusCode::PAYLOAD_TOO_LARGE {
            ApiError::PayloadTooLarge(limit.to_owned())
        } else {
            ApiError::InvalidJson("The body could not be read to its end.".to_owned())
        }
    })
}

/// What a body is said to be.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct ContentType {
    /// The type in small letters, such as `text/html`; empty if it is not said.
    pub(crate) media_type: String,
    /// The encoding that is named with it.
    pub(crate) charset: Option<String>,
}

impl ContentType {
    pub(crate) fn of(headers: &HeaderMap) -> Self {
        let mut values = headers.get_all(header::CONTENT_TYPE).iter();
        // Of two, different readers would believe different ones.
        let only = values.next().filter(|_| values.next().is_none());
        let value = only.and_then(|value| value.to_str().ok()).unwrap_or_default();
        let mut parts = value.split(';').map(str::trim);
        let media_type = parts.next().unwrap_or_default().to_ascii_lowercase();
        let charset = parts.find_map(|parameter| {
            let (name, value) = parameter.split_once('=')?;
            name.trim()
                .eq_ignore_ascii_case("charset")
                .then(|| value.trim().trim_matches('"').to_owned())
        });
        Self { media_type, charset }
    }
}

/// How deep arrays and objects may be nested. No request needs more than two levels.
const DEEPEST: usize = 64;

fn parse<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, ApiError> {
    // Serde counts levels only where it builds something, not in fields that it skips.
    if is_too_deep(bytes) {
        return Err(ApiError::InvalidJson(format!(
            "The body is nested more than {DEEPEST} levels deep."
        )));
    }
    let mut reader = serde_json::Deserializer::from_slice(bytes);
    let value = serde_path_to_error::deserialize(&mut reader).map_err(|error| {
        let path = error.path().to_string();
        explain(&path, error.inner())
    })?;
    reader.end().map_err(|error| explain("", &error))?;
    Ok(value)
}

fn is_too_deep(json: &[u8]) -> bool {
    let (mut depth, mut in_text, mut is_escaped) = (0_usize, false, false);
    for byte in json {
        match byte {
            _ if is_escaped => is_escaped = false,
            b'\\' if in_text => is_escaped = true,
            b'"' => in_text = !in_text,
            b'[' | b'{' if !in_text => depth += 1,
            b']' | b'}' if !in_text => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth > DEEPEST {
            return true;
        }
    }
    false
}

fn explain(path: &str, error: &serde_json::Error) -> ApiError {
    match error.classify() {
        Category::Data => {
            let field = missing_field(error).unwrap_or_else(|| {
                if path == "." {
                    "body".to_owned()
                } else {
                    path.to_owned()
                }
            });
            ApiError::InvalidFields(BTreeMap::from([(field, vec![without_position(error)])]))
        }
        _ => ApiError::InvalidJson(format!("The body is not valid JSON: {error}.")),
    }
}

/// Serde reports a missing field at the object that lacks it.
fn missing_field(error: &serde_json::Error) -> Option<String> {
    error
        .to_string()
        .strip_prefix("missing field `")?
        .split('`')
        .next()
        .map(str::to_owned)
}

fn without_position(error: &serde_json::Error) -> String {
    let text = error.to_string();
    text.split(" at line ").next().unwrap_or(&text).to_owned()
}

/// Collects what is wrong with the fields of a request, so that one answer names everything that has to be mended.
#[derive(Default)]
pub(crate) struct Fields(FieldProblems);

impl Fields {
    /// Keeps a good value; notes a bad one under its field's name.
    pub(crate) fn take<T>(&mut self, name: &str, value: Result<T, Invalid>) -> Option<T> {
        match value {
            Ok(value) => Some(value),
            Err(problem) => {
                self.0.entry(name.to_owned()).or_default().push(problem.0);
                None
            }
        }
    }

    /// The error, if anything was wrong. To be called when a value is missing, so it always is one.
    pub(crate) fn into_error(self) -> ApiError {
        ApiError::InvalidFields(self.0)
    }

    /// Whether nothing was wrong so far.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether anything was wrong so far.
    pub(crate) fn check(self) -> Result<(), ApiError> {
        if self.0.is_empty() {
            Ok(())
        } else {
            Err(self.into_error())
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde::Deserialize;

    use super::*;

    #[derive(Debug, Deserialize)]
    struct Body {
        #[expect(dead_code, reason = "only its type is looked at")]
        query: String,
    }

    fn problem(json: &str) -> ApiError {
        parse::<Body>(json.as_bytes()).unwrap_err()
    }

    #[test]
    fn a_problem_with_a_field_names_the_field() {
        for json in ["{}", "{\"query\":1}", "{\"query\":null}"] {
            let ApiError::InvalidFields(details) = problem(json) else {
                panic!("{json}")
            };
            assert!(details.contains_key("query"), "{json}: {details:?}");
        }
    }

    #[test]
    fn what_is_not_json_is_told_apart_from_wrong_values() {
        for json in [
            "",
            "{",
            "nonsense",
            "{\"query\":\"\\ud800\"}",
            "{\"query\":\"a\"} trailing",
            "{\"query\":\"\u{0}\"}",
        ] {
            assert!(matches!(problem(json), ApiError::InvalidJson(_)), "{json}");
        }
        assert!(matches!(
            parse::<Body>(b"{\"query\":\"\xff\"}"),
            Err(ApiError::InvalidJson(_))
        ));
    }

    #[test]
    fn nesting_is_counted_outside_of_texts() {
        let nested = |depth: usize| format!("{}{}", "[{\"a\":".repeat(depth / 2), "}]".repeat(depth / 2));
        assert!(!is_too_deep(nested(DEEPEST).as_bytes()));
        assert!(is_too_deep(nested(DEEPEST + 2).as_bytes()));
        assert!(!is_too_deep(&b"[]".repeat(1000)));
        assert!(!is_too_deep(format!("\"{}\"", "\\\"[{".repeat(1000)).as_bytes()));
        assert!(is_too_deep(format!("\"\\\\\"{}", "[".repeat(1000)).as_bytes()));
    }

    #[test]
    fn of_two_content_types_none_counts() {
        let headers = [JSON, "text/html"].map(|value| (header::CONTENT_TYPE, value.parse().unwrap()));
        let mut both = HeaderMap::new();
        headers.into_iter().for_each(|(name, value)| {
            both.append(name, value);
        });
        assert_eq!(ContentType::of(&both).media_type, "");
    }

    #[test]
    fn a_content_type_is_read_in_all_its_spellings() {
        for (value, media_type, charset) in [
            ("text/html", "text/html", None),
            ("Text/HTML ; boundary=x; Charset=\"utf-8\"", "text/html", Some("utf-8")),
            ("text/html;charset=", "text/html", Some("")),
            ("charset=utf-8", "charset=utf-8", None),
            ("", "", None),
        ] {
            let headers = HeaderMap::from_iter([(header::CONTENT_TYPE, value.parse().unwrap())]);
            let read = ContentType::of(&headers);
            assert_eq!(
                (read.media_type.as_str(), read.charset.as_deref()),
                (media_type, charset)
            );
        }
        assert_eq!(ContentType::of(&HeaderMap::new()).media_type, "");
    }

    proptest! {
        #[test]
        fn no_body_makes_the_parser_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = parse::<Body>(&bytes);
        }
    }
}
