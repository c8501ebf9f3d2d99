//! `cargo xtask drill`: breaks things around the compiled functions, on services of its own.

use std::ffi::OsString;
use std::process::Command;

use anyhow::{Context, Result};

use crate::place::{self, Place};
use crate::settings::Settings;
use crate::stack::{Services, Tools};
use crate::{cargo, interrupt, process};

/// Compiles the functions and the package `drill`, starts the services, and hands the words on.
///
/// # Errors
/// If a step fails, or the drill finds a promise broken.
pub(crate) fn run(words: &[OsString]) -> Result<()> {
    let root = place::repository()?;
    let mut place = Place::throwaway(&root)?;
    // None of the developer's: services are made to crash, and settings are the drill's own.
    let settings = Settings::default();
    let compile = || cargo::build(&root, "compile the functions and the drill", PACKAGES);
    let ((), (tools, services)) = interrupt::both(compile, || {
        let tools = Tools::ensure(&root, &settings)?;
        let services = Services::start(&place, &settings, &tools)?;
        Ok((tools, services))
    })?;
    let binaries = cargo::target_dir(&root).join("debug");
    // In the caller's directory: the words hold paths.
    let mut command = Command::new(binaries.join("drill"));
    command
        .args(words)
        .env("DRILL_FUNCTIONS", &binaries)
        .env("DRILL_LOGS", &place.logs)
        .env("DRILL_REDIS_SERVER", tools.redis.as_ref().context("find Redis")?)
        .env("TEST_DATABASE_URL", &services.database_url)
        .env("TEST_REDIS_URL", &services.redis_url)
        .env("AWS_ENDPOINT_URL", services.aws.url());
    let result = process::run_visibly("drill", command);
    result.map_err(|error| {
        place.keep_logs();
        error.context(format!(
            "the logs of functions and services are in {}",
            place.logs.display()
        ))
    })
}

/// What is built. The drill switches on no feature that the functions do not have, so theirs are built once.
const PACKAGES: &[&str] = &[
    "--package",
    "api",
    "--package",
    "worker",
    "--package",
    "janitor",
    "--package",
    "drill",
];
