//! The functions' metrics on this machine: read from the lines that they write for CloudWatch, added up, and shown.

mod follow;
mod show;
mod tally;

use std::path::Path;

use anyhow::Result;

use follow::Follower;
use tally::Tally;

/// The metrics of one run, brought up to date from its logs.
#[derive(Debug)]
pub(crate) struct Stats {
    logs: Follower,
    tally: Tally,
}

impl Stats {
    /// Of the run whose logs are in this folder. Nothing is read yet.
    pub(crate) fn of(logs: &Path) -> Self {
        Self {
            logs: Follower::of(logs),
            tally: Tally::default(),
        }
    }

    /// Reads what was written since the last call.
    ///
    /// # Errors
    /// If a log cannot be read.
    pub(crate) fn refresh(&mut self) -> Result<()> {
        let tally = &mut self.tally;
        self.logs.new_lines(&mut |line| tally.add(line))
    }

    /// Everything in one line of a terminal.
    pub(crate) fn summary(&self) -> String {
        show::summary(&self.tally)
    }

    /// One row a metric.
    pub(crate) fn table(&self) -> String {
        show::table(&self.tally)
    }
}
