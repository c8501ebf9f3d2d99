//! Starts the janitor: logs, settings, clients, then events until Lambda ends it.

use anyhow::Context;
use janitor::app::{Config, Janitor};
use janitor::trigger;
use lambda_runtime::{LambdaEvent, service_fn};
use serde_json::Value;
use shared::config::Env;
use shared::telemetry::trace::Origin;
use shared::{sandbox, secrets, telemetry};
use tracing::Instrument;

fn main() -> anyhow::Result<()> {
    sandbox::run(serve()).context("start the runtime")?
}

async fn serve() -> anyhow::Result<()> {
    telemetry::init();
    let config = Config::from_env(secrets::resolve(Env::of_process()).await)?;
    telemetry::count_in(&config.metrics);
    let janitor = Janitor::connect(&config).await.context("set up the clients")?;
    let handler = service_fn(move |event: LambdaEvent<Value>| {
        let janitor = janitor.clone();
        let request_id = event.context.request_id;
        let origin = Origin::of_invocation(janitor.xray.segment(event.context.xray_trace_id.as_deref()));
        let trace = origin.trace.id();
        let span = tracing::info_span!("janitor", request_id, trace_id = %trace);
        let work = async move {
            let outcome = trigger::handle(&janitor, event.payload, &request_id).await;
            outcome.map_err(lambda_runtime::Error::from)
        };
        origin.during(work.instrument(span))
    });
    lambda_runtime::run_concurrent(handler)
        .await
        .map_err(|error| anyhow::anyhow!("run the function: {error}"))
}
