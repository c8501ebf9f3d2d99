//! A stack in the emulator, by `xtask/scripts/deploy_locally.py`.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};
use serde_json::Value;

use crate::process;
use crate::stack::aws::Endpoint;
use crate::stack::python;

/// A stack, there or not.
#[derive(Debug)]
pub(super) struct Stack {
    root: PathBuf,
    python: PathBuf,
    endpoint: String,
    name: &'static str,
}

/// What came of a deployment: the stack's status and outputs, and what the emulator could not make.
#[derive(Debug)]
pub(super) struct Deployed(Value);

impl Deployed {
    pub(super) fn output(&self, name: &str) -> Result<&str> {
        let outputs = &self.0["outputs"];
        let value = outputs[name].as_str();
        value.with_context(|| format!("the stack has no output {name}: {outputs}"))
    }

    pub(super) fn status(&self) -> &str {
        self.0["status"].as_str().unwrap_or_default()
    }

    pub(super) fn left_out(&self) -> String {
        let all = self.0["leftOut"].as_array().into_iter().flatten();
        all.filter_map(Value::as_str).collect::<Vec<_>>().join(", ")
    }
}

impl Stack {
    pub(super) fn new(root: &Path, aws: &Endpoint, name: &'static str) -> Result<Self> {
        Ok(Self {
            root: root.to_owned(),
            python: python::SAM.ensure(root)?.join("bin/python"),
            endpoint: aws.url().to_owned(),
            name,
        })
    }

    /// Makes the stack or changes it, and waits for the end.
    ///
    /// # Errors
    /// If it does not come about, with CloudFormation's reasons.
    pub(super) fn deploy(&self, parameters: &[&str]) -> Result<Deployed> {
        let mut command = self.command();
        command.args(parameters);
        let said = process::output("deploy_locally.py", command)?;
        serde_json::from_str(&said)
            .map(Deployed)
            .context("read what deploy_locally.py says")
    }

    /// Takes it down.
    ///
    /// # Errors
    /// If it is still there afterwards.
    pub(super) fn delete(&self) -> Result<()> {
        let mut command = self.command();
        command.arg("--delete");
        process::output("deploy_locally.py --delete", command).map(drop)
    }

    fn command(&self) -> Command {
        let mut command = Command::new(&self.python);
        command.current_dir(&self.root).arg("xtask/scripts/deploy_locally.py");
        command.args(["--endpoint", &self.endpoint, "--stack", self.name]);
        command
    }
}
