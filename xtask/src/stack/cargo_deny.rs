//! cargo-deny, which checks what the dependency tree contains: the one on the machine, or one compiled into `.local/tools`.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use crate::{cargo, place, process, progress};

/// The release that is compiled if there is none: `deny.toml` is written for it.
const VERSION: &str = "0.20.2";

/// The program, compiled first if need be: without optimisation, because it runs for a second.
///
/// # Errors
/// If it cannot be compiled.
pub(crate) fn ensure(root: &Path) -> Result<PathBuf> {
    let local = root.join(".local");
    place::create(&local)?;
    let directory = local.join("tools");
    let program = directory.join("bin/cargo-deny");
    let _lock = place::wait_for_lock(&local.join("tools.lock"), "another cargo xtask to finish .local/tools")?;
    for candidate in [PathBuf::from("cargo-deny"), program.clone()] {
        if version_of(&candidate).is_ok_and(|version| version.contains(VERSION)) {
            return Ok(candidate);
        }
    }
    progress::step("compile cargo-deny", || {
        let mut command = cargo::command(root);
        command.args(["install", "cargo-deny", "--version", VERSION, "--locked", "--quiet"]);
        command
            .args(["--no-default-features", "--debug", "--force", "--root"])
            .arg(&directory);
        process::run_visibly("cargo install", command).context("compile cargo-deny")?;
        Ok(((), format!("cargo-deny {VERSION} in .local/tools")))
    })?;
    Ok(program)
}

fn version_of(program: &Path) -> Result<String> {
    let mut command = std::process::Command::new(program);
    command.arg("--version");
    process::output("cargo-deny", command)
}
