//! Starts the janitor: logs, settings, clients, then events until Lambda ends it.

use anyhow::Context;
use janitor::app::{Config, Janitor};
use janitor::trigger;
use lambda_runtime::{LambdaEvent, service_fn};
use serde_json::Value;
use shared::config::Env;
use shared::{secrets, telemetry};
use tracing::Instrument;

#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    telemetry::init();
    let config = Config::from_env(secrets::resolve(Env::of_process()).await)?;
    let janitor = Janitor::connect(&config).await.context("set up the clients")?;
    let handler = service_fn(|event: LambdaEvent<Value>| {
        let janitor = janitor.clone();
        let span = tracing::info_span!("janitor", request_id = event.context.request_id);
        async move {
            let outcome = trigger::handle(&janitor, event.payload).await;
            outcome.map_err(lambda_runtime::Error::from)
        }
        .instrument(span)
    });
    lambda_runtime::run(handler)
        .await
        .map_err(|error| anyhow::anyhow!("run the function: {error}"))
}
