//! `GET /health`: this process runs. It asks nobody else.

use axum::Json;
use axum::extract::State;
use serde::Serialize;

use crate::app::App;

/// The state of the process.
#[derive(Debug, Serialize)]
pub struct Health {
    status: &'static str,
    /// Seconds since this sandbox started.
    uptime: u64,
    version: &'static str,
}

/// Answers.
pub async fn show(State(app): State<App>) -> Json<Health> {
    Json(Health {
        status: "ok",
        uptime: app.started.elapsed().as_secs(),
        version: env!("CARGO_PKG_VERSION"),
    })
}
