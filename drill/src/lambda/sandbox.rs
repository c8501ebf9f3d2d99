//! One sandbox after the other: a process that is started again when it ends.

use std::fs::File;
use std::process::Stdio;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use rustix::process::Pid;
use tokio::process::{Child, Command};

use super::{Number, Parts, Plan};

/// The pause before a process that ended right after its start is started again.
const PAUSE: Duration = Duration::from_secs(1);
/// A process that has lived this long has worked.
const LIVED: Duration = Duration::from_secs(1);

/// Keeps a sandbox running until the task is dropped.
pub(super) async fn keep_one(plan: Plan, address: String, parts: Arc<Parts>) {
    loop {
        let number = parts.next.fetch_add(1, Ordering::Relaxed);
        let started = Instant::now();
        match start(&plan, &address, number) {
            Ok((mut child, pid)) => {
                parts.sandbox_began(number, pid);
                // However it ended: it is gone.
                let _ = child.wait().await;
                parts.sandbox_ended(number);
            }
            Err(error) => eprintln!("{}: {error:#}", plan.name),
        }
        if started.elapsed() < LIVED {
            tokio::time::sleep(PAUSE).await;
        }
    }
}

fn start(plan: &Plan, address: &str, number: Number) -> Result<(Child, Pid)> {
    let log = File::options()
        .create(true)
        .append(true)
        .open(&plan.log)
        .with_context(|| format!("open {}", plan.log.display()))?;
    let mut command = Command::new(&plan.program);
    // Only what it would see on AWS.
    command
        .env_clear()
        .envs(&plan.variables)
        .env("AWS_LAMBDA_RUNTIME_API", format!("http://{address}/{number}"))
        .env("AWS_LAMBDA_FUNCTION_NAME", plan.name)
        .env("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST")
        .env("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "512")
        .env("AWS_LAMBDA_LOG_GROUP_NAME", format!("/aws/lambda/{}", plan.name))
        .env("AWS_LAMBDA_LOG_STREAM_NAME", number.to_string());
    command
        .stdin(Stdio::null())
        .stdout(log.try_clone().context("share the log")?)
        .stderr(log)
        .kill_on_drop(true);
    let child = command
        .spawn()
        .with_context(|| format!("start {}", plan.program.display()))?;
    let pid = child.id().and_then(|id| i32::try_from(id).ok()).and_then(Pid::from_raw);
    Ok((child, pid.context("read a process id")?))
}
