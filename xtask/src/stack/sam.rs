//! `sam build`: the packages of the functions as they are deployed.

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

use super::python;
use crate::{cargo, place, process, progress};

/// Builds every function, for this machine's processor: the packages are run here, too.
///
/// # Errors
/// If one does not compile, with the end of what SAM says.
pub(crate) fn build(root: &Path) -> Result<()> {
    let sam = python::SAM.ensure(root)?;
    let path = path(&[python::ZIG.ensure(root)?, python::STACK.ensure(root)?])?;
    let logs = root.join(".local").join("logs");
    place::create(&logs)?;
    let log = logs.join("sam-build.log");
    // What an earlier attempt wrote would be taken for this one's.
    let _ = std::fs::remove_file(&log);
    let name = architecture();
    progress::step("sam build (a release build: minutes, the first time)", || {
        process::run("cargo lambda build", in_environments(compile(root, name), &path), &log)?;
        process::run("sam build", in_environments(package(root, &sam, name), &path), &log)?;
        Ok(((), format!("sam build, for {name}")))
    })
}

/// All functions at once, so that they are linked side by side: SAM then asks for one after the other, which are there.
fn compile(root: &Path, architecture: &str) -> Command {
    let mut command = cargo::command(root);
    command.args(["lambda", "build", "--release"]);
    command.args((architecture == "arm64").then_some("--arm64"));
    command.args([
        "--bin", "api", "--bin", "worker", "--bin", "janitor", "--bin", "migrator",
    ]);
    command
}

fn package(root: &Path, sam: &Path, architecture: &str) -> Command {
    let mut command = cargo::outside(sam.join("bin/python"));
    command.current_dir(root).args(["-m", "samcli", "build"]);
    command.args(["--parameter-overrides", &format!("Architecture={architecture}")]);
    command
}

fn in_environments(mut command: Command, path: &OsStr) -> Command {
    // SAM wants a region for anything; and nobody was asked about telemetry.
    command
        .env("PATH", path)
        .env("AWS_DEFAULT_REGION", "us-east-1")
        .env("SAM_CLI_TELEMETRY", "0");
    command
}

/// With the environments' programs first: cargo-lambda, and the Python by which it finds zig.
fn path(environments: &[PathBuf]) -> Result<OsString> {
    let ours = environments.iter().map(|environment| environment.join("bin"));
    let given = std::env::var_os("PATH").unwrap_or_default();
    let all = ours.chain(std::env::split_paths(&given));
    std::env::join_paths(all).context("put the build's programs on the path")
}

/// This machine's processor by the template's name for it.
fn architecture() -> &'static str {
    match std::env::consts::ARCH {
        "aarch64" => "arm64",
        other => other,
    }
}
