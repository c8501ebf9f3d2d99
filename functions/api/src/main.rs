//! Starts the HTTP function: logs, settings, clients, then requests until Lambda ends it.

use anyhow::Context;
use api::app::{App, Config};
use api::router::router;
use shared::config::Env;
use shared::{secrets, telemetry};

#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    telemetry::init();
    let config = Config::from_env(secrets::resolve(Env::of_process()).await)?;
    let app = App::connect(&config).await.context("set up the clients")?;
    app.warm_up().await;
    lambda_http::run(router(app))
        .await
        .map_err(|error| anyhow::anyhow!("run the function: {error}"))
}
