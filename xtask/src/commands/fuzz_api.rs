//! `cargo xtask fuzz-api`: schemathesis reads `GET /openapi.json` of the running API, makes requests that keep to it and
//! requests that do not, and checks every answer against it.

use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result};
use serde_json::json;

use super::up;
use crate::args::{FuzzOptions, UpOptions};
use crate::place::{self, Place};
use crate::settings::Settings;
use crate::stack::python;
use crate::{http, process, secrets};

/// Seeds of the full run: different requests each, the same ones each time.
const SEEDS: [u32; 3] = [1, 2, 3];
/// The operations that end their caller's account or session, each by itself with an account of its own, which it may end
/// after everything else was tried.
const ENDING: [&[&str]; 3] = [&["listSessions", "endSession"], &["signOut"], &["deleteAccount"]];
/// What is done with a question, once more and by itself: among all operations a question is hardly ever followed to its
/// job. Without `deleteChat`, which takes the jobs along: schemathesis expects a job to be there until it is deleted itself.
const QUESTIONS: &[&str] = &["ask", "pollQuestion", "cancelQuestion", "listMessages"];
/// More sessions than a user may have are not kept; so many can be ended before the one that this is done in.
const SESSIONS_TO_END: usize = 40;

/// No limits, where they would be all that is tested; and no model is asked.
const SETTINGS: [(&str, &str); 12] = [
    // A run takes longer than a token is valid.
    ("JWT_EXPIRY", "1d"),
    ("LLM_PROVIDER", "extractive"),
    ("MAX_OPEN_JOBS_PER_USER", "100000"),
    ("RATE_LIMIT_ADDRESS", "off"),
    ("RATE_LIMIT_ASK", "off"),
    ("RATE_LIMIT_POLL", "off"),
    ("RATE_LIMIT_READ", "off"),
    ("RATE_LIMIT_REFRESH", "off"),
    ("RATE_LIMIT_SIGN_IN", "off"),
    ("RATE_LIMIT_SIGN_UP", "off"),
    ("RATE_LIMIT_UPLOAD", "off"),
    ("RATE_LIMIT_WRITE", "off"),
];

/// Starts everything and runs schemathesis, once for each seed.
///
/// # Errors
/// If a step fails, or an answer is not as the description says.
pub(crate) fn run(options: &FuzzOptions) -> Result<()> {
    let root = place::repository()?;
    let environment = python::FUZZ.ensure(&root)?;
    let mut place = Place::throwaway(&root)?;
    let settings = Settings::from_iter(SETTINGS);
    let result = up::start_in(&place, &settings, &UpOptions::default()).and_then(|docent| {
        let fuzzer = Fuzzer {
            place: &place,
            program: environment.join("bin/schemathesis"),
            base: &docent.functions.base,
            quick: options.quick,
        };
        seeds(options).into_iter().try_for_each(|seed| fuzzer.run(seed))
    });
    result.map_err(|error| {
        place.keep_logs();
        error.context(format!("the functions' logs are in {}", place.logs.display()))
    })
}

fn seeds(options: &FuzzOptions) -> Vec<u32> {
    match options.seed {
        Some(seed) => vec![seed],
        None if options.quick => vec![SEEDS[0]],
        None => SEEDS.to_vec(),
    }
}

struct Fuzzer<'a> {
    place: &'a Place,
    program: PathBuf,
    base: &'a str,
    quick: bool,
}

impl Fuzzer<'_> {
    fn run(&self, seed: u32) -> Result<()> {
        let others = Selection::Without(ENDING.map(last).to_vec());
        let selections = [others, Selection::Linked(QUESTIONS)];
        let selections = selections.into_iter().chain(ENDING.map(Selection::Only));
        for (number, selection) in selections.enumerate() {
            let ends_sessions = selection == Selection::Only(ENDING[0]);
            let sessions = if ends_sessions { SESSIONS_TO_END } else { 0 };
            let account = self.register(&format!("seed-{seed}-{number}"), sessions)?;
            let command = self.command(seed, &account, &selection);
            process::run_visibly("schemathesis", command).with_context(|| format!("with seed {seed}"))?;
        }
        Ok(())
    }

    fn command(&self, seed: u32, account: &Account, selection: &Selection) -> Command {
        let mut command = Command::new(&self.program);
        command
            .current_dir(&self.place.root)
            .args(["--config-file", "xtask/fuzz-api/schemathesis.toml"])
            .args(["run", &format!("{}/openapi.json", self.base)])
            // By the environment: what stands in a command line can be read by everybody on the machine.
            .env("FUZZ_TOKEN", &account.token)
            .env("FUZZ_PASSWORD", &account.password)
            .args(["--seed", &seed.to_string()])
            .args(["--max-examples", if self.quick { "8" } else { "100" }])
            .args(selection.arguments());
        command
    }

    /// A new account. Further sessions are begun after that of its token, so it is listed last.
    fn register(&self, name: &str, sessions: usize) -> Result<Account> {
        let password = secrets::get_or_make(&self.place.dir, &format!("password_{name}"))?;
        let body = json!({"email": format!("{name}@docent.example"), "password": password});
        let post =
            |path: &str, status| http::post(&format!("{}{path}", self.base), &[], &body)?.expect(path, &[status]);
        let made = post("/api/auth/register", 201)?;
        for _ in 0..sessions {
            post("/api/auth/login", 200)?;
        }
        let token = made["token"].as_str().map(str::to_owned);
        let token = token.context("find the token of the registration")?;
        Ok(Account { token, password })
    }
}

/// Whose requests are sent.
struct Account {
    token: String,
    password: String,
}

/// Which operations are called.
#[derive(Debug, PartialEq, Eq)]
enum Selection {
    Only(&'static [&'static str]),
    /// These, in sequences.
    Linked(&'static [&'static str]),
    Without(Vec<&'static str>),
}

impl Selection {
    fn arguments(&self) -> Vec<&'static str> {
        let (option, names) = match self {
            Self::Only(names) | Self::Linked(names) => ("--include-operation-id", *names),
            Self::Without(names) => ("--exclude-operation-id", names.as_slice()),
        };
        let mut arguments: Vec<&str> = names.iter().flat_map(|name| [option, *name]).collect();
        match self {
            // A sequence of calls needs two that are linked.
            Self::Only([_]) => arguments.extend(["--phases", "examples,coverage,fuzzing"]),
            Self::Linked(_) => arguments.extend(["--phases", "stateful"]),
            _ => {}
        }
        arguments
    }
}

/// The operation that a group is about.
fn last(group: &'static [&'static str]) -> &'static str {
    group.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_ends_its_callers_session_is_called_by_itself() {
        assert_eq!(ENDING.map(last), ["endSession", "signOut", "deleteAccount"]);
        let arguments = Selection::Only(ENDING[0]).arguments();
        let expected = [
            "--include-operation-id",
            "listSessions",
            "--include-operation-id",
            "endSession",
        ];
        assert_eq!(arguments, expected);
        assert!(Selection::Only(ENDING[1]).arguments().contains(&"--phases"));
        let arguments = Selection::Without(vec!["signOut"]).arguments();
        assert_eq!(arguments, ["--exclude-operation-id", "signOut"]);
    }

    #[test]
    fn a_seed_can_be_repeated_alone() {
        let of = |quick, seed| seeds(&FuzzOptions { quick, seed });
        assert_eq!(of(false, None), SEEDS);
        assert_eq!(of(true, None), [1]);
        assert_eq!((of(true, Some(7)), of(false, Some(7))), (vec![7], vec![7]));
    }
}
