//! Starts the migrator: logs, then events until Lambda ends it.

use lambda_runtime::{LambdaEvent, service_fn};
use migrator::trigger;
use serde_json::Value;
use shared::config::Env;
use shared::telemetry;
use tracing::Instrument;

#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    telemetry::init();
    // Settings are read for each event and not before the first: a function that does not start cannot tell
    // CloudFormation why, and a stack with a setting that cannot be used has to be deleted nevertheless.
    let handler = service_fn(|event: LambdaEvent<Value>| {
        let span = tracing::info_span!("migrator", request_id = event.context.request_id);
        async move {
            let outcome = trigger::handle(Env::of_process(), event.payload).await;
            outcome.map_err(lambda_runtime::Error::from)
        }
        .instrument(span)
    });
    lambda_runtime::run(handler)
        .await
        .map_err(|error| anyhow::anyhow!("run the function: {error}"))
}
