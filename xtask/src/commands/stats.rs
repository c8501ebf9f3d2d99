//! `cargo xtask stats`: the metrics of the `up` that serves here, or of the last one.

use anyhow::{Result, bail};

use crate::place::{self, Place};
use crate::progress;
use crate::stats::Stats;

/// Runs `stats`.
///
/// # Errors
/// If there was no `up` yet, or its logs cannot be read.
pub(crate) fn run() -> Result<()> {
    let root = place::repository()?;
    let logs = Place::logs_of_up(&root);
    if !logs.exists() {
        bail!("no `cargo xtask up` has run here yet; for a deployment on AWS see its dashboard (docs/operations.md)");
    }
    let mut stats = Stats::of(&logs);
    stats.refresh()?;
    progress::line(match Place::url_of_up(&root) {
        Some(_) => "of the `cargo xtask up` that serves here, since it started",
        None => "of the last `cargo xtask up`, which has ended",
    });
    progress::line(&stats.table());
    Ok(())
}
