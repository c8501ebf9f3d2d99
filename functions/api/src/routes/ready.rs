//! `GET /ready`: can questions be served? Asks every dependency.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use serde::Serialize;
use shared::telemetry::OrLog;

use crate::app::App;

/// Marks the body of this route, which is a report and not an error even when the status says 503.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Report;

/// The state of the dependencies.
#[derive(Debug, Serialize)]
pub struct Readiness {
    /// `ok`; `degraded` if something optional is down; `unavailable` if questions cannot be served.
    status: &'static str,
    dependencies: Dependencies,
}

#[derive(Debug, Serialize)]
struct Dependencies {
    postgres: &'static str,
    redis: &'static str,
    queue: &'static str,
}

/// Answers 200 if questions can be served, 503 otherwise. Redis is optional: without it answers are not cached.
pub async fn show(State(app): State<App>) -> Response {
    let (postgres, redis, queue) = tokio::join!(app.db.session(), app.cache.ping(), app.queue.ping());
    let dependencies = Dependencies {
        postgres: state(postgres.or_log("reach Postgres").is_some()),
        redis: if app.cache.is_configured() {
            state(redis.or_log("reach Redis").is_some())
        } else {
            "not configured"
        },
        queue: state(queue.or_log("reach the queue").is_some()),
    };
    let (code, status) = match (dependencies.postgres, dependencies.queue, dependencies.redis) {
        ("ok", "ok", "unavailable") => (StatusCode::OK, "degraded"),
        ("ok", "ok", _) => (StatusCode::OK, "ok"),
        _ => (StatusCode::SERVICE_UNAVAILABLE, "unavailable"),
    };
    (code, Extension(Report), Json(Readiness { status, dependencies })).into_response()
}

fn state(is_up: bool) -> &'static str {
    if is_up { "ok" } else { "unavailable" }
}
