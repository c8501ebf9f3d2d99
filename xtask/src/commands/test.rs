//! `cargo xtask test`: every check, with everything it needs.

use std::path::Path;
use std::process::Command;
use std::time::Instant;

use anyhow::{Result, ensure};

use super::check::{cargo_visibly, formatting_and_lints, unit_tests};
use super::report::Report;
use super::{drill, fuzz_api, template, up};
use crate::args::{FuzzOptions, TestOptions, UpOptions};
use crate::journey::logs;
use crate::place::{self, Place};
use crate::settings::Settings;
use crate::stack::{Services, Tools, cargo_deny, model, sam};
use crate::{cargo, deployment, process, progress};

/// Runs everything, or what the options say; whether all passed.
///
/// # Errors
/// If something other than a check fails, or no check has that name.
pub(crate) fn run(options: &TestOptions) -> Result<bool> {
    let root = place::repository()?;
    let mut report = Report::of(options.only.as_deref());
    match options.filter.as_deref() {
        None => all(&root, &mut report)?,
        filter => {
            // Some of them run the compiled functions, which are compiled with everything else where there is no filter.
            let compiles = report.check("compile", || {
                cargo::build(&root, "compile", &["--workspace", "--bins", "--test", "*"])
            })?;
            if compiles {
                integration_tests(&root, &mut report, filter)?;
            }
        }
    }
    ensure!(!report.is_empty(), "no check has such a name");
    Ok(report.finish())
}

fn all(root: &Path, report: &mut Report) -> Result<()> {
    formatting_and_lints(root, report)?;
    // One compilation for the unit tests, the integration tests and the journey.
    let compiles = report.check("compile", || {
        cargo::build(root, "compile", &["--workspace", "--all-targets"])
    })?;
    if compiles {
        unit_tests(root, report)?;
        integration_tests(root, report, None)?;
        report.check("fuzzing the API", || fuzz_api::run(&QUICK))?;
        report.check("drill", || drill::run(&[]))?;
        report.check("local model", || local_model(root))?;
    } else {
        for name in [
            "unit tests",
            "integration tests",
            "fuzzing the API",
            "drill",
            "local model",
        ] {
            report.skip(name, "the workspace does not compile");
        }
    }
    documentation(root, report)?;
    supply_chain(root, report)?;
    template::checks(root, report)?;
    packages(root, report)
}

/// What is deployed: the packages are built, and then run.
fn packages(root: &Path, report: &mut Report) -> Result<()> {
    if report.check("sam build", || sam::build(root))? {
        report.check("journey", || journey(root))?;
        report.check("deployment", || deployed(root))?;
    } else {
        for name in ["journey", "deployment"] {
            report.skip(name, "there are no packages");
        }
    }
    Ok(())
}

const QUICK: FuzzOptions = FuzzOptions {
    quick: true,
    seed: None,
};

/// The cargo feature that runs a model inside the worker, with a model to run. Only the worker and what is made from it
/// are compiled once more, and what computes: see the selections in `cargo.rs`.
fn local_model(root: &Path) -> Result<()> {
    let folder = model::ensure(root)?.display().to_string();
    let selection = ["--workspace", "--features", "worker/local-embeddings"];
    let clippy = ["--all-targets", "--", "--deny", "warnings"];
    cargo_visibly(
        root,
        "cargo clippy",
        &[&["clippy"][..], &selection, &clippy].concat(),
        &[],
    )?;
    let tests = ["--lib", "--", "embedding::local"];
    let variables = [("EMBEDDINGS_TEST_MODEL_DIR", folder.as_str())];
    cargo_visibly(
        root,
        "cargo test",
        &[&["test"][..], &selection, &tests].concat(),
        &variables,
    )
}

fn documentation(root: &Path, report: &mut Report) -> Result<()> {
    let arguments = ["doc", "--workspace", "--no-deps", "--document-private-items"];
    let variables = [("RUSTDOCFLAGS", "-D warnings")];
    report.check("documentation", || {
        cargo_visibly(root, "cargo doc", &arguments, &variables)
    })?;
    Ok(())
}

/// The integration tests, on services of their own.
fn integration_tests(root: &Path, report: &mut Report, filter: Option<&str>) -> Result<()> {
    report.check("integration tests", || {
        let mut place = Place::throwaway(root)?;
        let result = on_services(&place, |services| {
            let variables = [
                ("AWS_ENDPOINT_URL", services.aws.url()),
                ("AWS_REGION", "us-east-1"),
                ("AWS_ACCESS_KEY_ID", "test"),
                ("AWS_SECRET_ACCESS_KEY", "test"),
                ("TEST_DATABASE_URL", services.database_url.as_str()),
                ("TEST_REDIS_URL", &services.redis_url),
            ];
            let mut arguments = vec!["test", "--workspace", "--test", "*", "--no-fail-fast"];
            arguments.extend(filter.into_iter().flat_map(|filter| ["--", filter]));
            cargo_visibly(root, "cargo test", &arguments, &variables)
        });
        explain_failure(&mut place, result)
    })?;
    Ok(())
}

fn on_services(place: &Place, work: impl FnOnce(&Services) -> Result<()>) -> Result<()> {
    let settings = Settings::default();
    let tools = Tools::ensure(&place.root, &settings)?;
    work(&Services::start(place, &settings, &tools)?)
}

/// What users do, through the packages: `up --once` with data of its own.
fn journey(root: &Path) -> Result<()> {
    let mut place = Place::throwaway(root)?;
    let options = UpOptions {
        once: true,
        packages: true,
        ..UpOptions::default()
    };
    let result = up::run_in(&place, &Settings::default(), &options, Instant::now()).and_then(|()| logs::check(&place));
    explain_failure(&mut place, result)
}

/// The packages, deployed by the template into the emulator.
fn deployed(root: &Path) -> Result<()> {
    let mut place = Place::throwaway(root)?;
    let result = deployment::check(&place);
    explain_failure(&mut place, result)
}

fn explain_failure(place: &mut Place, result: Result<()>) -> Result<()> {
    result.map_err(|error| {
        place.keep_logs();
        error.context(format!("the services' logs are in {}", place.logs.display()))
    })
}

/// Licences, banned crates and where crates come from; and known vulnerabilities, if a copy of the advisory database is on
/// the machine (`cargo deny fetch` gets one).
fn supply_chain(root: &Path, report: &mut Report) -> Result<()> {
    report.check("supply chain", || {
        let program = cargo_deny::ensure(root)?;
        let mut command = Command::new(program);
        // A development tool further down pulls in two versions of a crate now and then: shown, in one line each.
        command
            .current_dir(root)
            .args(["--offline", "--log-level", "error", "check", "--hide-inclusion-graph"]);
        command.args(["licenses", "bans", "sources"]);
        if has_advisories() {
            command.arg("advisories");
        } else {
            progress::line("no copy of the advisory database is here, so advisories are not checked");
        }
        process::run_visibly("cargo deny", command)
    })?;
    Ok(())
}

/// Whether cargo-deny finds a copy of the database where it looks for one.
fn has_advisories() -> bool {
    let home = std::env::var_os("CARGO_HOME")
        .map(std::path::PathBuf::from)
        .or_else(|| std::env::home_dir().map(|home| home.join(".cargo")));
    home.and_then(|home| std::fs::read_dir(home.join("advisory-dbs")).ok())
        .is_some_and(|mut databases| databases.next().is_some())
}
