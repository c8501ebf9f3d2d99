//! Reads JSON bodies, with errors that say what to do.

use std::collections::BTreeMap;

use axum::body::Bytes;
use axum::extract::{FromRequest, Request};
use axum::http::{HeaderMap, StatusCode, header};
use serde::de::DeserializeOwned;
use serde_json::error::Category;
use shared::domain::Invalid;

use crate::error::{ApiError, FieldProblems};

/// A JSON body, read into `T`.
pub(crate) struct JsonBody<T>(pub(crate) T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for JsonBody<T> {
    type Rejection = ApiError;

    async fn from_request(request: Request, state: &S) -> Result<Self, ApiError> {
        if !is_json(request.headers()) {
            return Err(ApiError::UnsupportedMediaType);
        }
        let bytes = Bytes::from_request(request, state).await.map_err(|rejection| {
            if rejection.status() == StatusCode::PAYLOAD_TOO_LARGE {
                ApiError::PayloadTooLarge("The body is larger than this path takes.".to_owned())
            } else {
                ApiError::InvalidJson("The body could not be read to its end.".to_owned())
            }
        })?;
        parse(&bytes).map(Self)
    }
}

fn is_json(headers: &HeaderMap) -> bool {
    let value = headers
        .get(header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default();
    let media_type = value.split(';').next().unwrap_or_default().trim();
    media_type.eq_ignore_ascii_case("application/json")
}

fn parse<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, ApiError> {
    let mut reader = serde_json::Deserializer::from_slice(bytes);
    let value = serde_path_to_error::deserialize(&mut reader).map_err(|error| {
        let path = error.path().to_string();
        explain(&path, error.inner())
    })?;
    reader.end().map_err(|error| explain("", &error))?;
    Ok(value)
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

    proptest! {
        #[test]
        fn no_body_makes_the_parser_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = parse::<Body>(&bytes);
        }
    }
}
