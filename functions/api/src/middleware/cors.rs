//! Which pages may call the API from a browser: exactly those of `ALLOWED_ORIGINS`.

use std::time::Duration;

use axum::http::{HeaderName, HeaderValue, Method, header};
use shared::telemetry::trace::{TRACEPARENT, TRACESTATE};
use tower_http::cors::{AllowOrigin, CorsLayer};

use crate::limits;

/// Tokens travel in a header that a page sets itself, so cookies (credentials) are not allowed.
pub(super) fn layer(allowed_origins: &[String]) -> CorsLayer {
    let origins: Vec<HeaderValue> = allowed_origins
        .iter()
        .filter_map(|origin| origin.parse().ok())
        .collect();
    CorsLayer::new()
        .allow_origin(AllowOrigin::list(origins))
        .allow_methods([Method::GET, Method::POST, Method::PATCH, Method::DELETE])
        .allow_headers([
            header::AUTHORIZATION,
            header::CONTENT_TYPE,
            HeaderName::from_static("idempotency-key"),
            HeaderName::from_static(TRACEPARENT),
            HeaderName::from_static(TRACESTATE),
        ])
        .expose_headers([
            header::LOCATION,
            header::RETRY_AFTER,
            HeaderName::from_static("x-request-id"),
            limits::LIMIT,
            limits::REMAINING,
            limits::RESET,
        ])
        .max_age(Duration::from_secs(3600))
        .vary([header::ORIGIN])
}
