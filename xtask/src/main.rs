//! The developer's commands: `cargo xtask up | check | test | bench | eval | drill | fuzz-api | stats`. Start reading at
//! [`args::Command`] and
//! follow one of `commands/`; `stack/` holds the parts of the local stack, `process.rs` how anything is started and
//! ended.
#![expect(
    clippy::print_stdout,
    reason = "talking on standard output is what a command line tool is for"
)]

mod args;
mod bench;
mod cargo;
mod commands;
mod deployment;
mod http;
mod interrupt;
mod journey;
mod place;
mod process;
mod progress;
mod secrets;
mod settings;
mod stack;
mod stats;
mod watchdog;

use std::process::ExitCode;

use args::Command;

fn main() -> ExitCode {
    let command = match args::parse(lexopt::Parser::from_env()) {
        Ok(command) => command,
        Err(error) => {
            eprintln!("error: {error}\n\n{}", args::HELP);
            return ExitCode::from(2);
        }
    };
    match command {
        Command::Help => println!("{}", args::HELP),
        Command::Watchdog => watchdog::serve(),
        command => return run(&command),
    }
    ExitCode::SUCCESS
}

fn run(command: &Command) -> ExitCode {
    process::adopt_orphans();
    let result = interrupt::install()
        .and_then(|()| watchdog::start())
        .and_then(|()| commands::run(command));
    watchdog::end();
    match result {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) if error.is::<interrupt::Interrupted>() => {
            progress::line("interrupted: everything that was started has ended");
            ExitCode::from(130)
        }
        Err(error) => {
            progress::end_live();
            eprintln!("\nFAILED: {error:#}");
            ExitCode::FAILURE
        }
    }
}
