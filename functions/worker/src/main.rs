//! Starts the consumer: logs, settings, clients, then batches until Lambda ends it.

use std::process::ExitCode;

use anyhow::Context;
use aws_lambda_events::event::sqs::SqsEvent;
use lambda_runtime::{LambdaEvent, service_fn};
use shared::config::Env;
use shared::{sandbox, secrets, telemetry};
use worker::app::{Config, Worker};
use worker::batch;
use worker::invocation::{Deadline, Invocation};
use worker::reader::child;

fn main() -> anyhow::Result<ExitCode> {
    // First of all, for whoever reads a document has neither use nor right for what comes now.
    if let Some(exit) = child::asked_for() {
        return Ok(exit);
    }
    sandbox::run(serve()).context("start the runtime")??;
    Ok(ExitCode::SUCCESS)
}

async fn serve() -> anyhow::Result<()> {
    telemetry::init();
    let config = Config::from_env(secrets::resolve(Env::of_process()).await)?;
    telemetry::count_in(&config.metrics);
    let worker = Worker::connect(&config).await.context("set up the clients")?;
    worker.warm_up().await;
    let handler = service_fn(move |event: LambdaEvent<SqsEvent>| {
        let deadline = Deadline::of_invocation(event.context.deadline());
        let invocation = Invocation {
            request_id: event.context.request_id,
            deadline,
            segment: worker.xray.segment(event.context.xray_trace_id.as_deref()),
        };
        let worker = worker.clone();
        async move { Ok::<_, lambda_runtime::Error>(batch::handle(&worker, event.payload, &invocation).await) }
    });
    lambda_runtime::run_concurrent(handler)
        .await
        .map_err(|error| anyhow::anyhow!("run the function: {error}"))
}
