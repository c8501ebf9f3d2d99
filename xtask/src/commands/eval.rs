//! `cargo xtask eval`: measures retrieval on judged questions, on a Postgres of its own.

use std::ffi::OsString;
use std::process::Command;

use anyhow::Result;

use crate::place::{self, Place};
use crate::process::Running;
use crate::settings::Settings;
use crate::stack::{model, postgres, python};
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
    let settings = Settings::load(&root)?;
    let vectors = Vectors::wanted(words, &settings);
    let mut arguments = vec!["--package", "eval", "--profile", PROFILE];
    arguments.extend(vectors.features());
    let compile = || cargo::build(&root, "compile eval", &arguments);
    let ((), (_postgres, url, model)) = interrupt::both(compile, || {
        let (postgres, url) = start_postgres(&place)?;
        let model = (vectors == Vectors::OwnModel).then(|| model::ensure(&root));
        Ok((postgres, url, model.transpose()?))
    })?;
    // In the caller's directory: the words hold paths.
    let mut command = Command::new(cargo::target_dir(&root).join(PROFILE).join("eval"));
    let given = settings.handed_on().filter(|(name, _)| name.starts_with("EMBEDDINGS_"));
    command.args(words).envs(given).env("TEST_DATABASE_URL", url);
    // Kept from run to run: to embed a collection takes minutes, or money.
    command.env("EVAL_VECTORS_DIR", root.join(".local").join("vectors"));
    command.envs(model.map(|folder| ("EMBEDDINGS_MODEL_DIR", folder)));
    let result = process::run_visibly("eval", command);
    if result.is_err() {
        place.keep_logs();
    }
    result
}

/// Where the vectors come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Vectors {
    /// None are needed.
    None,
    /// A service that the settings name.
    Service,
    /// A model that the settings name, run by the program.
    GivenModel,
    /// A model from PyPI, run by the program.
    OwnModel,
}

impl Vectors {
    fn wanted(words: &[OsString], settings: &Settings) -> Self {
        let mode = words.iter().skip_while(|word| *word != "--mode").nth(1);
        let needed = mode.is_some_and(|mode| mode == "dense" || mode == "hybrid");
        let is_set = |name| settings.get(name).is_some();
        match (is_set("EMBEDDINGS_URL"), is_set("EMBEDDINGS_MODEL_DIR")) {
            (_, true) => Self::GivenModel,
            (true, false) => Self::Service,
            (false, false) if needed => Self::OwnModel,
            (false, false) => Self::None,
        }
    }

    /// The switches for cargo: running a model costs minutes of compilation.
    fn features(self) -> &'static [&'static str] {
        match self {
            Self::None | Self::Service => &[],
            Self::GivenModel | Self::OwnModel => &["--features", "local-embeddings"],
        }
    }
}

fn start_postgres(place: &Place) -> Result<(Running, String)> {
    let environment = python::STACK.ensure(&place.root)?;
    progress::step("start Postgres", || {
        let started = postgres::start(place, &environment)?;
        Ok((started, "Postgres for the collections".to_owned()))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wanted(words: &[&str], settings: &[(&str, &str)]) -> Vectors {
        let words: Vec<OsString> = words.iter().map(OsString::from).collect();
        Vectors::wanted(&words, &settings.iter().copied().collect())
    }

    #[test]
    fn a_model_is_compiled_in_only_where_it_is_run() {
        let hybrid = ["--all", "x", "--mode", "hybrid"];
        assert_eq!(wanted(&["--all", "x"], &[]), Vectors::None);
        assert_eq!(wanted(&["--all", "hybrid", "--mode", "lexical"], &[]), Vectors::None);
        assert_eq!(wanted(&["--mode", "dense", "--all", "x"], &[]), Vectors::OwnModel);
        assert_eq!(wanted(&hybrid, &[]), Vectors::OwnModel);
        assert_eq!(wanted(&hybrid, &[("EMBEDDINGS_URL", "https://x")]), Vectors::Service);
        assert_eq!(wanted(&hybrid, &[("EMBEDDINGS_MODEL_DIR", "x")]), Vectors::GivenModel);
        assert!(Vectors::Service.features().is_empty());
    }
}
