//! `GET /health`: this process runs. It asks nobody else.

use axum::Json;
use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;

use crate::app::App;

/// The state of the process.
#[derive(Debug, Serialize, ToSchema)]
pub struct Health {
    #[schema(pattern = "^ok$")]
    status: &'static str,
    /// Seconds since this sandbox started.
    uptime: u64,
    version: &'static str,
}

/// Says that this process runs.
#[utoipa::path(get, path = "/health", operation_id = "checkHealth", security(()), responses(
    (status = 200, description = "It runs.", body = Health),
))]
pub async fn show(State(app): State<App>) -> Json<Health> {
    Json(Health {
        status: "ok",
        uptime: app.started.elapsed().as_secs(),
        version: env!("CARGO_PKG_VERSION"),
    })
}
