//! The AWS emulator: SQS and Lambda, with the event source mapping between them.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use anyhow::Result;
use rustix::process::Signal;

use super::ports;
use crate::http;
use crate::place::{self, Place};
use crate::process::{self, Running};

const LIMIT: Duration = Duration::from_secs(60);

/// Starts the emulator; the program and its endpoint.
///
/// # Errors
/// If it is not ready in time, with its log.
pub(crate) fn start(place: &Place, environment: &Path) -> Result<(Running, String)> {
    let port = ports::any()?;
    // It keeps its files in the temporary directory; with one of its own they go when the run goes.
    let temporary = place.dir.join("emulator");
    place::remove(&temporary)?;
    place::create(&temporary)?;
    let mut command = Command::new(environment.join("bin/python"));
    command.args(["-m", "ministack"]).current_dir(&temporary);
    // Functions inherit its environment: they are to see what they would see on AWS, not the developer's shell.
    command
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap_or_default());
    command.env("HOME", &temporary).env("TMPDIR", &temporary);
    // It would listen on all interfaces, and name queues by `localhost`, which may mean another address family.
    command
        .env("BIND_HOST", "127.0.0.1")
        .env("MINISTACK_HOST", "127.0.0.1")
        .env("GATEWAY_PORT", port.to_string());
    command.env("LAMBDA_EXECUTOR", "local").env(
        "SERVICES",
        "sqs,lambda,iam,sts,logs,ssm,secretsmanager,s3,cloudwatch,cloudformation",
    );
    // The functions that it runs call it, and never AWS: a template names no endpoint.
    let endpoint = format!("http://127.0.0.1:{port}");
    command.env("AWS_ENDPOINT_URL", &endpoint);
    let mut running = process::start("aws-emulator", command, &place.log("aws-emulator"), Signal::TERM)?;
    let health = format!("{endpoint}/_ministack/health");
    process::wait_until(&mut running, LIMIT, || {
        http::get(&health, &[])?.expect("its health check", &[200]).map(drop)
    })?;
    Ok((running, endpoint))
}
