//! `cargo xtask eval`: measures retrieval on judged questions, on a Postgres of its own.

use std::ffi::OsString;
use std::process::Command;

use anyhow::Result;

use crate::place::{self, Place};
use crate::process::Running;
use crate::stack::{postgres, python};
use crate::{cargo, interrupt, process, progress};

/// The cargo profile: a quick program without the minutes that the functions' own link takes.
const PROFILE: &str = "eval";

/// Compiles the package `eval`, starts Postgres beside it, and hands the words on.
///
/// # Errors
/// If a step fails.
pub(crate) fn run(words: &[OsString]) -> Result<()> {
    let root = place::repository()?;
    let mut place = Place::throwaway(&root)?;
    let compile = || cargo::build(&root, "compile eval", &["--package", "eval", "--profile", PROFILE]);
    let ((), (_postgres, url)) = interrupt::both(compile, || start_postgres(&place))?;
    // In the caller's directory: the words hold paths.
    let mut command = Command::new(cargo::target_dir(&root).join(PROFILE).join("eval"));
    command.args(words).env("TEST_DATABASE_URL", url);
    let result = process::run_visibly("eval", command);
    if result.is_err() {
        place.keep_logs();
    }
    result
}

fn start_postgres(place: &Place) -> Result<(Running, String)> {
    let environment = python::STACK.ensure(&place.root)?;
    progress::step("start Postgres", || {
        let started = postgres::start(place, &environment)?;
        Ok((started, "Postgres for the collections".to_owned()))
    })
}
