//! Starts the migrator: logs, then events until Lambda ends it.

use anyhow::Context;
use lambda_runtime::{LambdaEvent, service_fn};
use migrator::trigger;
use serde_json::Value;
use shared::config::Env;
use shared::{sandbox, telemetry};
use tracing::Instrument;

fn main() -> anyhow::Result<()> {
    sandbox::run(serve()).context("start the runtime")?
}

async fn serve() -> anyhow::Result<()> {
    telemetry::init();
    // Settings are read for each event and not before the first: a function that does not start cannot tell
    // CloudFormation why, and a stack with a setting that cannot be used has to be deleted nevertheless.
    let handler = service_fn(move |event: LambdaEvent<Value>| {
        let span = tracing::info_span!("migrator", request_id = event.context.request_id);
        async move {
            let outcome = trigger::handle(Env::of_process(), event.payload).await;
            outcome.map_err(lambda_runtime::Error::from)
        }
        .instrument(span)
    });
    lambda_runtime::run_concurrent(handler)
        .await
        .map_err(|error| anyhow::anyhow!("run the function: {error}"))
}
