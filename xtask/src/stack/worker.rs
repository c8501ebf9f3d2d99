//! The queue's consumer as a Lambda function in the emulator, with its event source mapping.

use anyhow::Result;
use serde_json::json;

use super::functions::Plan;
use super::lambda::{self, Function};

/// The function's memory on AWS; not enforced here.
pub(crate) const MEMORY_MEGABYTES: u32 = 512;
/// Seconds one batch may take.
const TIMEOUT_SECONDS: u32 = 90;
/// Messages of one batch.
const BATCH: u32 = 10;
/// Batches at the same time.
const CONCURRENCY: u32 = 4;

/// Creates the function from the compiled bootstrap and connects it with the queue; with `proxy`, batches are posted
/// to that URL instead.
///
/// # Errors
/// If the emulator refuses.
pub(crate) fn create(plan: &Plan<'_>, proxy: Option<&String>) -> Result<()> {
    let aws = &plan.services.aws;
    let mut variables = plan.variables.clone();
    // Only the HTTP function needs it.
    variables.remove("JWT_SECRET");
    if let Some(url) = proxy {
        variables.insert("MINISTACK_LAMBDA_PROXY_URL".to_owned(), url.clone());
    }
    let function = Function {
        name: "worker",
        program: plan.binaries.of("worker"),
        timeout_seconds: TIMEOUT_SECONDS,
        memory_megabytes: MEMORY_MEGABYTES,
        variables,
    };
    lambda::create(aws, plan.environment, &function)?;
    let mapping = json!({
        "FunctionName": "worker",
        "EventSourceArn": plan.queue.arn,
        "BatchSize": BATCH,
        "FunctionResponseTypes": ["ReportBatchItemFailures"],
        "ScalingConfig": {"MaximumConcurrency": CONCURRENCY},
    });
    aws.lambda("event-source-mappings", &mapping)?;
    Ok(())
}
