//! `GET /ready`: can questions be served? Asks every dependency.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use serde::Serialize;
use shared::db::{DbError, vectors};
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
    vectors: &'static str,
}

/// Answers 200 if questions can be served, 503 otherwise. Redis is optional: without it answers are not cached. So are
/// vectors: where embeddings are configured but Postgres lacks pgvector, passages are found by their words alone.
pub async fn show(State(app): State<App>) -> Response {
    let (postgres, redis, queue) = tokio::join!(ask_postgres(&app), app.cache.ping(), app.queue.ping());
    let postgres = postgres.or_log("reach Postgres");
    let dependencies = Dependencies {
        postgres: state(postgres.is_some()),
        redis: if app.cache.is_configured() {
            state(redis.or_log("reach Redis").is_some())
        } else {
            "not configured"
        },
        queue: state(queue.or_log("reach the queue").is_some()),
        vectors: match (app.has_embeddings, postgres) {
            (false, _) => "not configured",
            (true, Some(false)) => "not installed",
            (true, found) => state(found.is_some()),
        },
    };
    let optional = [dependencies.redis, dependencies.vectors];
    let (code, status) = match (dependencies.postgres, dependencies.queue) {
        ("ok", "ok")
            if optional
                .iter()
                .any(|state| ["unavailable", "not installed"].contains(state)) =>
        {
            (StatusCode::OK, "degraded")
        }
        ("ok", "ok") => (StatusCode::OK, "ok"),
        _ => (StatusCode::SERVICE_UNAVAILABLE, "unavailable"),
    };
    (code, Extension(Report), Json(Readiness { status, dependencies })).into_response()
}

/// Whether it has tables for vectors.
async fn ask_postgres(app: &App) -> Result<bool, DbError> {
    vectors::are_available(&mut app.db.session().await?).await
}

fn state(is_up: bool) -> &'static str {
    if is_up { "ok" } else { "unavailable" }
}
