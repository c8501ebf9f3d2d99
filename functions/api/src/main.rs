//! Starts the HTTP function: logs, settings, clients, then requests until Lambda ends it.

use std::pin::Pin;
use std::sync::{Mutex, PoisonError};

use anyhow::Context;
use api::app::{App, Config};
use api::router::router;
use axum::response::Response;
use lambda_http::IntoResponse;
use shared::config::Env;
use shared::{sandbox, secrets, telemetry};
use tower::util::MapResponse;

fn main() -> anyhow::Result<()> {
    sandbox::run(serve()).context("start the runtime")?
}

async fn serve() -> anyhow::Result<()> {
    telemetry::init();
    let config = Config::from_env(secrets::resolve(Env::of_process()).await)?;
    telemetry::count_in(&config.metrics);
    let app = App::connect(&config).await.context("set up the clients")?;
    app.warm_up().await;
    lambda_http::run_concurrent(MapResponse::new(router(app), Shareable::new))
        .await
        .map_err(|error| anyhow::anyhow!("run the function: {error}"))
}

/// A response that threads may share. Nobody does, but `run_concurrent` asks for it, and one of axum's can only be handed
/// over.
struct Shareable(Mutex<Response>);

impl Shareable {
    fn new(response: Response) -> Self {
        Self(Mutex::new(response))
    }
}

impl IntoResponse for Shareable {
    fn into_response(self) -> Pin<Box<dyn Future<Output = lambda_http::Response<lambda_http::Body>> + Send>> {
        let response = self.0.into_inner().unwrap_or_else(PoisonError::into_inner);
        response.into_response()
    }
}
