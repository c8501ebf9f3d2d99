//! The refusals that many routes have in common, and the headers.

use serde_json::{Value, json};

/// The body of every refusal.
pub(super) fn content() -> Value {
    json!({"application/json": {"schema": {"$ref": "#/components/schemas/Problem"}}})
}

pub(super) fn headers() -> Value {
    json!({
        "X-Request-Id": header("Names the request in the logs; also in the body of every refusal.", "string"),
        "WWW-Authenticate": {
            "description": "How to authenticate.",
            "required": true,
            "schema": {"type": "string", "const": "Bearer"},
        },
        "Retry-After": header("Seconds to wait before the next attempt.", "integer"),
        "RateLimit-Limit": limit_header("How many requests may come at once."),
        "RateLimit-Remaining": limit_header("How many more may come now."),
        "RateLimit-Reset": limit_header("Seconds until all of them may come again."),
    })
}

/// On responses to requests that were counted: of those that are refused before, or by nothing, none is.
pub(super) const LIMIT_HEADERS: [&str; 3] = ["RateLimit-Limit", "RateLimit-Remaining", "RateLimit-Reset"];

fn limit_header(description: &str) -> Value {
    json!({"description": description, "schema": {"type": "integer", "minimum": 0}})
}

/// What a header's description is referred to by.
pub(super) fn header_reference(name: &str) -> Value {
    json!({"$ref": format!("#/components/headers/{name}")})
}

fn header(description: &str, kind: &str) -> Value {
    json!({"description": description, "required": true, "schema": {"type": kind}})
}

pub(super) fn responses() -> Value {
    json!({
        "BadRequest": refusal("`invalid_json`: the body is not JSON. `invalid_idempotency_key`: the header cannot be used.", &[]),
        "Unauthorized": refusal("`unauthorized`: no token, or none that is valid.", &["WWW-Authenticate"]),
        "Forbidden": refusal("`insufficient_scope`: the API key is not for this.", &[]),
        "NotFound": refusal("`not_found`: there is no such thing, or not for this caller.", &[]),
        "PayloadTooLarge": refusal("`payload_too_large`: the body is larger than the path takes.", &[]),
        "UnsupportedMediaType": refusal("`unsupported_media_type`: the body is not of a type that the path takes.", &[]),
        "Invalid": refusal("`invalid_request`: some values cannot be accepted; `details` names them.", &[]),
        "TooManyRequests": refusal("Too much at once; `code` says of what.", &["Retry-After"]),
        "Internal": refusal("`internal`: a defect.", &[]),
        "Unavailable": refusal("`unavailable`: the database cannot be reached. `busy`: too many jobs are open.", &["Retry-After"]),
    })
}

fn refusal(description: &str, headers: &[&str]) -> Value {
    let named = ["X-Request-Id"].iter().chain(&LIMIT_HEADERS).chain(headers);
    let headers: serde_json::Map<_, _> = named.map(|name| ((*name).to_owned(), header_reference(name))).collect();
    json!({"description": description, "headers": headers, "content": content()})
}
