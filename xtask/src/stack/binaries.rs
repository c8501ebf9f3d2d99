//! Which compiled functions are started.

use std::path::{Path, PathBuf};

use crate::args::UpOptions;
use crate::cargo;

/// Where the functions are, compiled.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Binaries {
    /// Cargo's folder: quickly made, for those who change them.
    Compiled(PathBuf),
    /// What `sam build` made: the files that are deployed.
    Packages(PathBuf),
}

impl Binaries {
    /// The ones that these switches mean.
    pub(crate) fn choose(root: &Path, options: &UpOptions) -> Self {
        let folder = |profile| Self::Compiled(cargo::target_dir(root).join(profile));
        match options {
            UpOptions { packages: true, .. } => Self::packages(root),
            UpOptions { release: true, .. } => folder("release"),
            UpOptions { .. } => folder("debug"),
        }
    }

    /// What `sam build` made.
    pub(crate) fn packages(root: &Path) -> Self {
        Self::Packages(root.join(".aws-sam").join("build"))
    }

    /// The program of a function: `api`, `worker`, `janitor` or `migrator`.
    pub(crate) fn of(&self, function: &str) -> PathBuf {
        match self {
            Self::Compiled(folder) => folder.join(function),
            Self::Packages(folder) => folder.join(resource(function)).join("bootstrap"),
        }
    }
}

/// SAM names a package by the function's name in the template.
fn resource(function: &str) -> String {
    let (first, rest) = function.split_at(1);
    format!("{}{rest}Function", first.to_uppercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEMPLATE: &str = include_str!("../../../template.yaml");

    #[test]
    fn packages_are_named_as_in_the_template() {
        for function in ["api", "worker", "janitor", "migrator"] {
            let line = format!("\n  {}:\n    Type: AWS::Serverless::Function\n", resource(function));
            assert!(TEMPLATE.contains(&line), "{function}");
        }
    }

    #[test]
    fn the_switches_choose() {
        let chosen = |options| Binaries::choose(Path::new("/docent"), &options).of("api");
        let built = UpOptions {
            packages: true,
            ..UpOptions::default()
        };
        assert_eq!(chosen(built), Path::new("/docent/.aws-sam/build/ApiFunction/bootstrap"));
        assert!(chosen(UpOptions::default()).ends_with("debug/api"));
        let release = UpOptions {
            release: true,
            ..UpOptions::default()
        };
        assert!(chosen(release).ends_with("release/api"));
    }
}
