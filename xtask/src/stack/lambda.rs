//! Functions in the emulator, which runs their programs on this machine.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result};
use serde_json::{Value, json};

use super::aws::Endpoint;
use crate::process;

/// Longer than the slowest of them, the migrator, takes here.
const LIMIT: Duration = Duration::from_secs(120);

/// A function as it is to be made.
#[derive(Debug)]
pub(crate) struct Function<'a> {
    pub(crate) name: &'a str,
    /// Its program.
    pub(crate) program: PathBuf,
    pub(crate) timeout_seconds: u32,
    pub(crate) memory_megabytes: u32,
    pub(crate) variables: BTreeMap<String, String>,
}

/// Makes the function; `environment` is the virtual environment whose Python packs it.
///
/// # Errors
/// If the emulator refuses.
pub(crate) fn create(aws: &Endpoint, environment: &Path, function: &Function<'_>) -> Result<()> {
    let Function { name, variables, .. } = function;
    let wanted = json!({
        "FunctionName": name,
        "Runtime": "provided.al2023",
        "Handler": "bootstrap",
        "Role": format!("arn:aws:iam::000000000000:role/{name}"),
        "Timeout": function.timeout_seconds,
        "MemorySize": function.memory_megabytes,
        "Environment": {"Variables": variables},
        "Code": {"ZipFile": package(environment, &function.program).with_context(|| format!("pack {name}"))?},
    });
    aws.lambda("functions", &wanted).map(drop)
}

/// Invokes a function and waits for what it answers.
///
/// # Errors
/// If it cannot be invoked. That it failed is in its answer (`errorMessage`).
pub(crate) fn invoke(aws: &Endpoint, name: &str, event: &Value) -> Result<Value> {
    aws.lambda_within(LIMIT, &format!("functions/{name}/invocations"), event)
}

/// A deployment package, in base64: a `bootstrap` that becomes the compiled one. The emulator runs on this machine,
/// and a debug build of a hundred megabytes need not be packed, sent and unpacked at every start.
fn package(environment: &Path, bootstrap: &Path) -> Result<String> {
    const PACK: &str = "\
import base64, io, shlex, sys, zipfile
package = io.BytesIO()
with zipfile.ZipFile(package, 'w') as archive:
    entry = zipfile.ZipInfo('bootstrap')
    entry.external_attr = 0o755 << 16
    archive.writestr(entry, '#!/bin/sh\\nexec ' + shlex.quote(sys.argv[1]) + '\\n')
print(base64.b64encode(package.getvalue()).decode())";
    let mut command = Command::new(environment.join("bin/python"));
    command.args(["-c", PACK]).arg(bootstrap);
    Ok(process::output("python", command)?.trim().to_owned())
}
