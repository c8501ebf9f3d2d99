//! `GET /ready`: can questions be served? Asks every dependency, which costs something, and anybody may ask: so it is counted
//! by address, and within a second a sandbox asks once.

use std::time::{Duration, Instant};

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use serde::Serialize;
use shared::db::{DbError, vectors};
use shared::telemetry::OrLog;
use tokio::sync::Mutex;
use utoipa::ToSchema;

use crate::app::App;
use crate::error::ApiError;
use crate::limits::Visitor;

/// For so long an answer is true enough for whoever asks next.
const SHARED_FOR: Duration = Duration::from_secs(1);

/// Marks the body of this route, which is a report and not an error even when the status says 503.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Report;

/// The state of the dependencies.
#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
pub struct Readiness {
    /// `ok`; `degraded` if something optional is down; `unavailable` if questions cannot be served.
    #[schema(pattern = "^(ok|degraded|unavailable)$")]
    status: &'static str,
    dependencies: Dependencies,
}

#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
struct Dependencies {
    #[schema(pattern = "^(ok|unavailable)$")]
    postgres: &'static str,
    #[schema(pattern = "^(ok|unavailable|not configured)$")]
    redis: &'static str,
    #[schema(pattern = "^(ok|unavailable)$")]
    queue: &'static str,
    #[schema(pattern = "^(ok|unavailable|not configured|not installed)$")]
    vectors: &'static str,
}

/// What the dependencies said last, and when. Who asks while they are asked waits for that answer.
#[derive(Debug, Default)]
pub struct LastReadiness(Mutex<Option<(Instant, StatusCode, Readiness)>>);

/// Answers 200 if questions can be served, 503 otherwise. Redis is optional: without it answers are not cached. So are
/// vectors: where embeddings are configured but Postgres lacks pgvector, passages are found by their words alone.
#[utoipa::path(get, path = "/ready", operation_id = "checkReadiness", security(()), responses(
    (status = 200, description = "Questions can be served.", body = Readiness),
    (status = 503, description = "They cannot.", body = Readiness),
))]
pub(crate) async fn show(State(app): State<App>, visitor: Visitor) -> Result<Response, ApiError> {
    visitor.may_knock(&app).await?;
    let mut last = app.readiness.0.lock().await;
    let fresh = last.filter(|(asked, ..)| asked.elapsed() < SHARED_FOR);
    let (code, report) = match fresh {
        Some((_, code, report)) => (code, report),
        None => {
            let (code, report) = probe(&app).await;
            *last = Some((Instant::now(), code, report));
            (code, report)
        }
    };
    Ok((code, Extension(Report), Json(report)).into_response())
}

async fn probe(app: &App) -> (StatusCode, Readiness) {
    let (postgres, redis, queue) = tokio::join!(ask_postgres(app), app.cache.ping(), app.queue.ping());
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
    (code, Readiness { status, dependencies })
}

/// Whether it has tables for vectors.
async fn ask_postgres(app: &App) -> Result<bool, DbError> {
    vectors::are_available(&mut app.db.session().await?).await
}

fn state(is_up: bool) -> &'static str {
    if is_up { "ok" } else { "unavailable" }
}
