//! What `cargo xtask drill` hands over: the services it has started, and where the compiled functions are.

use std::path::PathBuf;

use anyhow::{Context, Result};
use tokio::sync::Mutex;

/// The addresses and places of a run.
#[derive(Debug)]
pub(crate) struct Environment {
    /// A Postgres whose server is this run's own: databases are created on it, and it is made to crash.
    pub(crate) database_url: String,
    /// A Redis.
    pub(crate) redis_url: String,
    /// The program to start further Redis servers by, which can be killed.
    pub(crate) redis_server: PathBuf,
    /// The emulator.
    pub(crate) aws_url: String,
    /// Where the compiled functions are.
    pub(crate) functions: PathBuf,
    /// Where their logs go.
    pub(crate) logs: PathBuf,
    /// Held while a world is set up.
    pub(crate) turn: Mutex<()>,
}

impl Environment {
    /// Reads the variables.
    pub(crate) fn read() -> Result<Self> {
        Ok(Self {
            database_url: variable("TEST_DATABASE_URL")?,
            redis_url: variable("TEST_REDIS_URL")?,
            redis_server: variable("DRILL_REDIS_SERVER")?.into(),
            aws_url: variable("AWS_ENDPOINT_URL")?,
            functions: variable("DRILL_FUNCTIONS")?.into(),
            logs: variable("DRILL_LOGS")?.into(),
            turn: Mutex::new(()),
        })
    }
}

fn variable(name: &str) -> Result<String> {
    std::env::var(name).with_context(|| format!("{name} is not set: run the drill by `cargo xtask drill`"))
}
