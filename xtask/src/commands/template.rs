//! The checks of `template.yaml`, of what is computed for it, and of the `Dockerfile`, by tools that know such files. What those do not know,
//! whether its numbers fit the code's, is in `tests/template/`.

use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result};

use super::report::Report;
use crate::process;
use crate::stack::python;

/// Runs them.
///
/// # Errors
/// After Ctrl-C.
pub(super) fn checks(root: &Path, report: &mut Report) -> Result<()> {
    report.check("SAM template", || sam_validate(root))?;
    report.check("cfn-lint", || {
        let linter = python::LINT.ensure(root)?.join("bin/cfn-lint");
        run(root, "cfn-lint", linter, &["template.yaml"])
    })?;
    report.check("checkov", || {
        let checker = python::LINT.ensure(root)?.join("bin/checkov");
        // `--skip-download`: its checks are in the package, and nothing here is anybody else's to know.
        let arguments = [
            "--framework",
            "cloudformation",
            "--skip-download",
            "--compact",
            "--quiet",
        ];
        run(
            root,
            "checkov",
            checker,
            &[&arguments[..], &["--file", "template.yaml"]].concat(),
        )
    })?;
    report.check("hadolint", || {
        let linter = python::LINT.ensure(root)?.join("bin/hadolint");
        run(root, "hadolint", linter, &["Dockerfile"])
    })?;
    report.check("docs/costs.md", || {
        let interpreter = python::LINT.ensure(root)?.join("bin/python");
        run(root, "costs.py", interpreter, &["xtask/scripts/costs.py", "--check"])
    })?;
    Ok(())
}

fn sam_validate(root: &Path) -> Result<()> {
    let environment = python::SAM.ensure(root)?;
    let arguments = ["-m", "samcli", "validate", "--lint", "--template-file", "template.yaml"];
    run(root, "sam validate", environment.join("bin/python"), &arguments).context("validate template.yaml")
}

/// With a region, because SAM wants one; without telemetry, because nobody was asked.
fn run(root: &Path, name: &str, program: impl AsRef<std::ffi::OsStr>, arguments: &[&str]) -> Result<()> {
    let mut command = Command::new(program);
    command.args(arguments).current_dir(root);
    command
        .env("AWS_DEFAULT_REGION", "us-east-1")
        .env("SAM_CLI_TELEMETRY", "0");
    process::run_visibly(name, command)
}
