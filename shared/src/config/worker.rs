//! How the worker treats jobs.

use std::time::Duration;

use super::Env;

/// `WORKER_CONCURRENCY`, `JOB_MAX_ATTEMPTS`, `JOB_LEASE_SECONDS` and `QUEUE_MAX_RECEIVES`.
#[derive(Debug, Clone)]
pub struct WorkerConfig {
    /// How many records of one batch run at once.
    pub concurrency: usize,
    /// After how many attempts a job is given up.
    pub max_attempts: i32,
    /// How long a worker owns a job without renewing its lease.
    pub lease: Duration,
    /// The queue's `maxReceiveCount`: a message received this often goes to the dead-letter queue next.
    pub max_receives: u32,
}

impl WorkerConfig {
    /// Reads the section.
    pub fn from_env(env: &mut Env) -> Self {
        Self {
            concurrency: usize::try_from(env.number("WORKER_CONCURRENCY", 1..=100, 10)).unwrap_or(10),
            max_attempts: i32::try_from(env.number("JOB_MAX_ATTEMPTS", 1..=5, 3)).unwrap_or(3),
            lease: Duration::from_secs(env.number("JOB_LEASE_SECONDS", 2..=900, 30)),
            max_receives: u32::try_from(env.number("QUEUE_MAX_RECEIVES", 2..=1000, 5)).unwrap_or(5),
        }
    }
}
