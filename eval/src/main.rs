//! `cargo xtask eval`: reads what to measure, measures it, and prints a table.
#![expect(
    clippy::print_stdout,
    reason = "talking on standard output is what a command line tool is for"
)]

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, Result, bail};
use eval::args::{self, Command, Plan, Source};
use eval::collection::Collection;
use eval::report::Report;
use eval::retrieve::Tools;
use eval::{bench, chart, report, run, table};
use shared::config::Env;

#[tokio::main]
async fn main() -> ExitCode {
    let command = match args::parse(lexopt::Parser::from_env()) {
        Ok(command) => command,
        Err(error) => {
            eprintln!("error: {error:#}\n\n{}", args::HELP);
            return ExitCode::from(2);
        }
    };
    match run(command).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("\nFAILED: {error:#}");
            ExitCode::FAILURE
        }
    }
}

async fn run(command: Command) -> Result<()> {
    let server = std::env::var("TEST_DATABASE_URL").context("TEST_DATABASE_URL is not set: use `cargo xtask eval`")?;
    match command {
        Command::Measure(plan) => measure(&server, &plan).await,
        Command::Bench(folder, sizes) => {
            let rows = bench::run(&server, &Collection::load(&folder, false)?, &sizes).await?;
            println!("{}", bench::markdown(&rows));
            Ok(())
        }
        Command::Help => {
            println!("{}", args::HELP);
            Ok(())
        }
    }
}

async fn measure(server: &str, plan: &Plan) -> Result<()> {
    let tools = Tools::from_env(Env::of_process())?;
    if let Some(system) = plan
        .systems
        .iter()
        .find(|system| system.needs_vectors() && !tools.has_vectors())
    {
        bail!("{} needs EMBEDDINGS_MODEL_DIR or EMBEDDINGS_URL", system.name());
    }
    let mut reports = Vec::new();
    for folder in folders(&plan.source)? {
        let collection = Collection::load(&folder, plan.spans)?;
        let report = run::evaluate(server, &collection, &plan.systems, &tools).await?;
        say(&report);
        reports.push(report);
    }
    println!("\n{}", table::markdown(&reports));
    if let Some(file) = &plan.json {
        write(file, &report::json(&reports)?)?;
    }
    if let Some(file) = &plan.chart {
        write(file, &chart::svg(&reports))?;
    }
    let losses = report::losses(&reports);
    if !losses.is_empty() {
        bail!("the fusion loses to one of its legs: {}", losses.join("; "));
    }
    Ok(())
}

/// The folders to measure, by name.
fn folders(source: &Source) -> Result<Vec<PathBuf>> {
    let all = match source {
        Source::One(folder) => return Ok(vec![folder.clone()]),
        Source::All(all) => all,
    };
    let mut folders = Vec::new();
    for entry in std::fs::read_dir(all).with_context(|| format!("list {}", all.display()))? {
        let path = entry.context("list the collections")?.path();
        if Collection::is_at(&path) {
            folders.push(path);
        }
    }
    folders.sort();
    if folders.is_empty() {
        bail!("no folder in {} holds a collection", all.display());
    }
    Ok(folders)
}

/// One line a finished collection: the table comes when all are done.
fn say(report: &Report) {
    let Report {
        collection,
        documents,
        passages,
        judged_questions,
        ingest_seconds,
        ..
    } = report;
    eprintln!(
        "{collection}: {documents} documents in {passages} passages, ingested in {ingest_seconds:.1} s; \
         {judged_questions} judged questions"
    );
}

fn write(file: &Path, text: &str) -> Result<()> {
    std::fs::write(file, text).with_context(|| format!("write {}", file.display()))
}
