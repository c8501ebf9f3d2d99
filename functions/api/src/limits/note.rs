//! What the limits said of a request, on its way to the response's headers.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::extract::Request;
use axum::http::{HeaderMap, HeaderName, HeaderValue};
use axum::middleware::Next;
use axum::response::Response;
use shared::domain::Allowance;

use crate::error::ApiError;

/// The names of the headers (draft-ietf-httpapi-ratelimit-headers-06).
pub(crate) const LIMIT: HeaderName = HeaderName::from_static("ratelimit-limit");
pub(crate) const REMAINING: HeaderName = HeaderName::from_static("ratelimit-remaining");
pub(crate) const RESET: HeaderName = HeaderName::from_static("ratelimit-reset");

/// Laid into the request on its way in, carried by who is calling, and read on the way out.
#[derive(Debug, Clone, Default)]
pub(crate) struct LimitNote(Arc<Mutex<Option<Allowance>>>);

impl LimitNote {
    /// Notes what the limits say; a request that they refuse ends here.
    pub(super) fn obey(&self, allowance: Option<Allowance>) -> Result<(), ApiError> {
        let Some(allowance) = allowance else {
            return Ok(());
        };
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(allowance);
        if allowance.is_allowed {
            Ok(())
        } else {
            Err(ApiError::RateLimited {
                retry_after: allowance.retry_after,
            })
        }
    }

    fn write(&self, headers: &mut HeaderMap) {
        let Some(allowance) = *self.0.lock().unwrap_or_else(PoisonError::into_inner) else {
            return;
        };
        headers.insert(LIMIT, HeaderValue::from(allowance.limit));
        headers.insert(REMAINING, HeaderValue::from(allowance.remaining));
        headers.insert(RESET, HeaderValue::from(whole_seconds(allowance.reset)));
    }
}

/// Rounded up: who comes back after that many seconds does not come too early.
pub(crate) fn whole_seconds(span: Duration) -> u64 {
    span.as_secs() + u64::from(span.subsec_nanos() > 0)
}

/// Puts the headers on every response of a request that was counted, whatever became of it.
pub(crate) async fn show(mut request: Request, next: Next) -> Response {
    let note = LimitNote::default();
    request.extensions_mut().insert(note.clone());
    let mut response = next.run(request).await;
    note.write(response.headers_mut());
    response
}
