//! The handlers: the URL predicts the file.

pub mod admin;
pub mod ask;
pub mod auth;
pub mod chats;
pub mod documents;
pub mod health;
pub mod ready;
pub mod users;

use std::str::FromStr;
use std::time::Duration;

use axum::extract::{FromRequestParts, Path};
use axum::http::request::Parts;
use shared::job_message::OwnedJob;
use shared::telemetry::OrLog;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use crate::app::App;
use crate::error::ApiError;

/// The id of a path, read before anything else is done. One that is no id names nothing, so it is answered like one that
/// does not exist.
pub(crate) struct PathId<T>(pub(crate) T);

impl<T: FromStr, S: Send + Sync> FromRequestParts<S> for PathId<T> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        let text = Path::<String>::from_request_parts(parts, state).await;
        let id = text.ok().and_then(|Path(text)| text.parse().ok());
        id.map(Self).ok_or(ApiError::NotFound)
    }
}

/// A time as clients read it (RFC 3339).
pub(crate) fn rfc3339(time: OffsetDateTime) -> String {
    time.format(&Rfc3339).unwrap_or_default()
}

/// How long a client is kept waiting for the queue. Its job is safe before.
const QUEUE_PATIENCE: Duration = Duration::from_millis(1500);

/// Sends a stored job on its way. If that fails the job is safe all the same: its row says when a message that did not
/// arrive has to be sent again.
pub(crate) async fn send_to_worker(app: &App, job: OwnedJob) {
    let sending = app.queue.send(job, Duration::ZERO);
    match tokio::time::timeout(QUEUE_PATIENCE, sending).await {
        Ok(sent) => drop(sent.or_log("send a job to the queue")),
        Err(_) => tracing::warn!(error = "the queue took too long", "could not send a job to the queue"),
    }
}
