//! `cargo xtask drill`: kills, cuts, floods and poisons the compiled functions on real Postgres, Redis and SQS, and
//! checks at the end that every accepted question ended, once. Start reading at `scenarios/`; `world/` is what a
//! scenario works on, `audit.rs` what it is checked by.
#![expect(
    clippy::print_stdout,
    reason = "talking on standard output is what a command line tool is for"
)]

mod args;
mod audit;
mod environment;
mod figures;
mod history;
mod lambda;
mod mapping;
mod model;
mod proxy;
mod queue;
mod report;
mod scenarios;
mod world;

use std::process::ExitCode;
use std::time::Instant;

use anyhow::{Context, Result};

use args::Options;
use environment::Environment;
use figures::Figures;

fn main() -> ExitCode {
    let options = match args::parse(lexopt::Parser::from_env()) {
        Ok(options) => options,
        Err(error) => {
            eprintln!("error: {error}\n\n{}", args::HELP);
            return ExitCode::from(2);
        }
    };
    match run(&options) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("FAILED: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(options: &Options) -> Result<bool> {
    let environment = Environment::read()?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .context("start the runtime")?;
    let started = Instant::now();
    let all = runtime.block_on(scenarios::run(&environment, options))?;
    say(&all, options)?;
    println!("{:.0} s in all", started.elapsed().as_secs_f64());
    Ok(report::violations(&all).is_empty())
}

fn say(all: &[Figures], options: &Options) -> Result<()> {
    let table = report::markdown(all);
    println!("\n{table}");
    let violations = report::violations(all);
    for violation in &violations {
        println!("BROKEN: {violation}");
    }
    if violations.is_empty() {
        println!("Every promise was kept.");
    }
    if let Some(file) = &options.markdown {
        std::fs::write(file, &table).with_context(|| format!("write {}", file.display()))?;
    }
    if let Some(file) = &options.json {
        let text = format!("{:#}\n", report::json(all));
        std::fs::write(file, text).with_context(|| format!("write {}", file.display()))?;
    }
    Ok(())
}
