//! One file a command.

mod admin;
mod bench;
mod check;
mod drill;
mod eval;
mod fuzz_api;
mod redrive;
mod report;
mod stats;
mod template;
mod test;
mod up;

use anyhow::Result;

use crate::args::Command;

/// Runs a command; whether all of it went well.
///
/// # Errors
/// What went wrong, if it is not a check's own result.
pub(crate) fn run(command: &Command) -> Result<bool> {
    match command {
        Command::Up(options) => up::run(options).map(|()| true),
        Command::Check => check::run(),
        Command::Test(options) => test::run(options),
        Command::Eval(words) => eval::run(words).map(|()| true),
        Command::Redrive(options) => redrive::run(options).map(|()| true),
        Command::Admin(options) => admin::run(options).map(|()| true),
        Command::FuzzApi(options) => fuzz_api::run(options).map(|()| true),
        Command::Stats => stats::run().map(|()| true),
        Command::Bench => bench::run().map(|()| true),
        Command::Drill(words) => drill::run(words).map(|()| true),
        Command::Help | Command::Watchdog => Ok(true),
    }
}
