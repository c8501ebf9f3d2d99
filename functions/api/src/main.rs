//! Starts the HTTP function: logs, settings, clients, then requests until Lambda ends it.

use anyhow::Context;
use api::app::{App, Config};
use api::router::router;
use shared::config::Env;
use shared::telemetry;

#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    telemetry::init();
    let config = Config::from_env(Env::of_process())?;
    let app = App::connect(&config).await.context("set up the clients")?;
    app.warm_up().await;
    lambda_http::run(router(app))
        .await
        .map_err(|error| anyhow::anyhow!("run the function: {error}"))
}
