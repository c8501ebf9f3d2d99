//! Debian's packages, for a run as root (a fresh container or machine).

use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::process;

/// Installs packages, if this is a Debian and the user is root.
///
/// # Errors
/// If it is not, or `apt-get` fails.
pub(crate) fn install(packages: &[&str], log: &Path) -> Result<()> {
    if !rustix::process::geteuid().is_root() || !Path::new("/usr/bin/apt-get").exists() {
        bail!("not installed by this command: that needs root and apt-get");
    }
    // The lists of a fresh image are empty or old; without a network the install says what is wrong.
    let _ = process::run("apt-get update", apt(&["update"]), log);
    let mut arguments = vec!["install", "--yes", "--no-install-recommends"];
    arguments.extend(packages);
    process::run("apt-get install", apt(&arguments), log).with_context(|| format!("install {}", packages.join(" ")))
}

fn apt(arguments: &[&str]) -> Command {
    let mut command = Command::new("/usr/bin/apt-get");
    command
        .arg("--quiet")
        .args(arguments)
        .env("DEBIAN_FRONTEND", "noninteractive");
    command
}
