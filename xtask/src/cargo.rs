//! Running cargo.
//!
//! Cargo unifies the features of exactly the packages it is asked to build, so two selections can mean two builds of
//! a dependency. Only two selections are used: the two functions (`up`), and the whole workspace with its tests
//! (`check`, `test`), which switch on a few features more. Each is built once and then kept beside the other. `test`
//! then adds the worker's feature `local-embeddings` to the second one, which compiles little more than what that needs.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use anyhow::{Result, bail};

use crate::{process, progress};

/// `cargo` in the repository.
pub(crate) fn command(root: &Path) -> Command {
    let mut command = outside(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.current_dir(root);
    command
}

/// A program without the variables with which cargo describes this very one: build scripts that watch them would run again.
pub(crate) fn outside(program: impl AsRef<OsStr>) -> Command {
    let mut command = Command::new(program);
    for (name, _) in std::env::vars_os() {
        let name = name.to_string_lossy();
        if ["CARGO_PKG_", "CARGO_MANIFEST_", "CARGO_BIN_", "CARGO_CRATE_"]
            .iter()
            .any(|p| name.starts_with(p))
        {
            command.env_remove(&*name);
        }
    }
    command.env_remove("CARGO_PRIMARY_PACKAGE");
    command
}

/// Where cargo puts what it builds.
pub(crate) fn target_dir(root: &Path) -> PathBuf {
    std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root.join("target"), |dir| root.join(dir))
}

/// Compiles, showing how far it is and every diagnostic.
///
/// # Errors
/// If cargo fails; its messages have been shown.
pub(crate) fn build(root: &Path, what: &str, arguments: &[&str]) -> Result<()> {
    let start = Instant::now();
    let mut command = command(root);
    command.arg("build").args(arguments);
    // The progress bar is read from the pipe; asked for explicitly, because a pipe is not a terminal.
    command
        .env("CARGO_TERM_PROGRESS_WHEN", "always")
        .env("CARGO_TERM_PROGRESS_WIDTH", "120");
    let mut compiled = 0_usize;
    let status = process::run_watched("cargo build", command, |piece| match classify(piece) {
        Piece::Bar(text) => progress::live(&format!("[{}] {what}: {text}", progress::duration(start.elapsed()))),
        Piece::Compiled => compiled += 1,
        Piece::Chatter => {}
        Piece::Message(text) => progress::line(text),
    })?;
    if !status.success() {
        bail!("{what} failed: the compiler's messages are above");
    }
    let result = if compiled == 0 {
        "nothing had changed".to_owned()
    } else {
        format!("{compiled} packages compiled")
    };
    progress::done(start, &format!("{what}: {result}"));
    Ok(())
}

/// What a piece of cargo's output is.
#[derive(Debug, PartialEq, Eq)]
enum Piece<'a> {
    /// The progress bar's text: `12/338: serde, tokio`.
    Bar(&'a str),
    /// One package starts to compile.
    Compiled,
    /// Nothing worth a line.
    Chatter,
    /// A diagnostic or anything else that a person should see.
    Message(&'a str),
}

fn classify(piece: &str) -> Piece<'_> {
    let text = piece.trim_start_matches("\u{1b}[K").trim();
    let first = text.split(' ').next().unwrap_or_default();
    match first {
        "Building" => Piece::Bar(text.split_once("] ").map_or(text, |(_, rest)| rest)),
        "Compiling" => Piece::Compiled,
        "" | "Finished" | "Downloading" | "Downloaded" | "Updating" | "Locking" | "Adding" | "Fresh" => Piece::Chatter,
        _ => Piece::Message(piece),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cargo_output_is_told_apart() {
        let bar = "    Building [====>      ] 12/338: serde, tokio";
        assert_eq!(classify(bar), Piece::Bar("12/338: serde, tokio"));
        assert_eq!(classify("   Compiling serde v1.0.229"), Piece::Compiled);
        assert_eq!(classify("    Finished `dev` profile in 0.1s"), Piece::Chatter);
        let error = "error[E0425]: cannot find value `x` in this scope";
        assert_eq!(classify(error), Piece::Message(error));
        let blocked = "    Blocking waiting for file lock on build directory";
        assert_eq!(classify(blocked), Piece::Message(blocked));
    }
}
