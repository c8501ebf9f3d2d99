//! `cargo xtask check`: what can be checked without any service.

use std::path::Path;

use anyhow::Result;

use super::report::Report;
use crate::{cargo, place, process};

/// Runs the checks; whether all passed.
///
/// # Errors
/// If a check could not be run at all.
pub(crate) fn run() -> Result<bool> {
    let root = place::repository()?;
    let mut report = Report::default();
    formatting_and_lints(&root, &mut report)?;
    unit_tests(&root, &mut report)?;
    Ok(report.finish())
}

/// Formatting and clippy.
///
/// # Errors
/// After Ctrl-C.
pub(crate) fn formatting_and_lints(root: &Path, report: &mut Report) -> Result<()> {
    report.check("formatting", || {
        cargo_visibly(root, "cargo fmt", &["fmt", "--all", "--check"], &[])
    })?;
    let clippy = ["clippy", "--workspace", "--all-targets", "--", "--deny", "warnings"];
    report.check("clippy", || cargo_visibly(root, "cargo clippy", &clippy, &[]))?;
    Ok(())
}

/// The unit tests: those inside the packages.
///
/// # Errors
/// After Ctrl-C.
pub(crate) fn unit_tests(root: &Path, report: &mut Report) -> Result<()> {
    // The whole workspace, narrowed by target: without the package `tests`, cargo would choose other features and
    // compile the big dependencies again.
    let arguments = ["test", "--workspace", "--lib", "--bins", "--no-fail-fast"];
    report.check("unit tests", || cargo_visibly(root, "cargo test", &arguments, &[]))?;
    Ok(())
}

/// Runs cargo with this program's outputs.
///
/// # Errors
/// If it fails.
pub(crate) fn cargo_visibly(root: &Path, name: &str, arguments: &[&str], variables: &[(&str, &str)]) -> Result<()> {
    let mut command = cargo::command(root);
    command.args(arguments).envs(variables.iter().copied());
    process::run_visibly(name, command)
}
