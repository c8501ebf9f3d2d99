//! What the packages weigh and how fast they start, on this machine: sizes, the time from the start of a program to its
//! first answer, and what it holds in memory then.

mod runtime;

use std::collections::BTreeMap;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result};
use serde_json::{Value, json};

use crate::place::Place;
use crate::settings::Settings;
use crate::stack::binaries::Binaries;
use crate::stack::{Services, Tools, functions, sam, schema};
use crate::{interrupt, process, progress};
use runtime::Start;

/// Starts of each function; the median counts.
const STARTS: usize = 30;

/// Measures every function and prints a table.
///
/// # Errors
/// If a function does not start, or answers with an error.
pub(crate) fn run(place: &Place) -> Result<()> {
    sam::build(&place.root)?;
    let settings = Settings::default();
    let tools = Tools::ensure(&place.root, &settings)?;
    let services = Services::start(place, &settings, &tools)?;
    let binaries = Binaries::packages(&place.root);
    let login = schema::apply(place, &services, &tools, &binaries)?.database_url;
    let (queue, _) = services.aws.queue_with_dead_letters("docent-jobs")?;
    let mut variables = functions::variables(place, &settings, &services, &queue, &login)?;
    let health = std::fs::read_to_string(place.root.join("events/health.json")).context("read events/health.json")?;
    progress::line("\nfunction    zip, KB  program, KB  start, ms (middle half)  resident, MiB");
    for (function, event) in [
        ("api", serde_json::from_str(&health).context("read events/health.json")?),
        ("worker", json!({"Records": []})),
        ("janitor", json!({"sweep": {}})),
        ("migrator", json!({"migrate": {}})),
    ] {
        if function == "migrator" {
            variables.insert("DATABASE_URL".to_owned(), services.database_url.clone());
        }
        let program = binaries.of(function);
        let starts = starts(&program, &variables, &event).with_context(|| format!("start {function}"))?;
        let zipped = zipped(&tools.environment, &program)?;
        let whole = std::fs::metadata(&program).context("read the size of a program")?.len();
        progress::line(&row(function, zipped, whole, &starts));
    }
    Ok(())
}

fn starts(program: &Path, variables: &BTreeMap<String, String>, event: &Value) -> Result<Vec<Start>> {
    let one = |_| {
        interrupt::check()?;
        let mut command = Command::new(program);
        command.env_clear().envs(variables).stdin(Stdio::null());
        command.stdout(Stdio::null()).stderr(Stdio::null());
        for (name, value) in [
            ("AWS_LAMBDA_FUNCTION_NAME", "bench"),
            ("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST"),
            ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "512"),
            ("AWS_LAMBDA_LOG_GROUP_NAME", "/aws/lambda/bench"),
            ("AWS_LAMBDA_LOG_STREAM_NAME", "local"),
        ] {
            command.env(name, value);
        }
        runtime::first_answer(command, event)
    };
    // One more, before the others: it reads the program from the disk.
    one(0)?;
    (0..STARTS).map(one).collect()
}

/// The size of the package that a deployment sends, packed as `sam deploy` does.
fn zipped(environment: &Path, program: &Path) -> Result<u64> {
    const PACK: &str = "\
import io, sys, zipfile
package = io.BytesIO()
with zipfile.ZipFile(package, 'w', zipfile.ZIP_DEFLATED) as archive:
    archive.write(sys.argv[1], 'bootstrap')
print(len(package.getvalue()))";
    let mut command = Command::new(environment.join("bin/python"));
    command.args(["-c", PACK]).arg(program);
    let size = process::output("python", command)?;
    size.trim().parse().context("read the size of a package")
}

fn row(function: &str, zipped: u64, whole: u64, starts: &[Start]) -> String {
    let mut times: Vec<Duration> = starts.iter().map(|start| start.took).collect();
    times.sort_unstable();
    let at = |numerator: usize| milliseconds(times[times.len() * numerator / 4]);
    let largest = starts.iter().map(|start| start.resident_kib).max().unwrap_or_default();
    format!(
        "{function:<9} {:>9} {:>12} {:>10} ({} to {}) {:>15.1}",
        zipped / 1000,
        whole / 1000,
        at(2),
        at(1),
        at(3),
        f64::from(u32::try_from(largest).unwrap_or(u32::MAX)) / 1024.0
    )
}

fn milliseconds(duration: Duration) -> String {
    format!("{:.1}", duration.as_secs_f64() * 1000.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_holds_the_median_and_the_most_memory() {
        let start = |milliseconds, resident_kib| Start {
            took: Duration::from_millis(milliseconds),
            resident_kib,
        };
        let starts = [start(9, 2048), start(1, 1024), start(5, 1024), start(3, 1024)];
        let row = row("api", 4_200_000, 10_000_000, &starts);
        let words: Vec<&str> = row.split_whitespace().collect();
        assert_eq!(words, ["api", "4200", "10000", "5.0", "(3.0", "to", "9.0)", "2.0"]);
    }
}
