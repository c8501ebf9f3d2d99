//! The queue's consumer as a Lambda function in the emulator, with its event source mapping.

use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result};
use serde_json::json;

use super::functions::Plan;
use crate::process;

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
    let function = json!({
        "FunctionName": "worker",
        "Runtime": "provided.al2023",
        "Handler": "bootstrap",
        "Role": "arn:aws:iam::000000000000:role/worker",
        "Timeout": TIMEOUT_SECONDS,
        "MemorySize": MEMORY_MEGABYTES,
        "Environment": {"Variables": variables},
        "Code": {"ZipFile": package(plan.environment, &plan.binaries.join("worker"))?},
    });
    aws.lambda("functions", &function)?;
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

/// A deployment package, in base64: a `bootstrap` that becomes the compiled one. The emulator runs on this machine,
/// and a debug build of a hundred megabytes need not be packed, sent and unpacked at every start.
fn package(environment: &Path, bootstrap: &Path) -> Result<String> {
    const PACK: &str = "\
import base64, io, shlex, sys, zipfile
package = io.BytesIO()
with zipfile.ZipFile(package, 'w') as archive:
    entry = zipfile.ZipInfo('bootstrap')
    entry.external_attr = 0o755 << 16
    archive.writestr(entry, '#!/bin/sh\\nexec ' + shlex.quote(sys.argv[1]) + '\\n')
print(base64.b64encode(package.getvalue()).decode())";
    let mut command = Command::new(environment.join("bin/python"));
    command.args(["-c", PACK]).arg(bootstrap);
    Ok(process::output("python", command)
        .context("pack the worker")?
        .trim()
        .to_owned())
}
