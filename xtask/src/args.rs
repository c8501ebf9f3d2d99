//! The command line: words in, a [`Command`] out.

use std::ffi::OsString;

use lexopt::Arg::{Long, Short, Value};
use lexopt::ValueExt;

/// What is printed without a command, with an unknown one and with `--help`.
pub(crate) const HELP: &str = "\
cargo xtask COMMAND

  up [--once] [--port N] [--watch] [--release]
                  set everything up, start Docent with its own Postgres, Redis and AWS emulator, load the
                  sample documents, ask a question, show the answer, and serve until Ctrl-C
                    --once      end after the answer; exit code 0 only if all of it worked
                    --port N    serve HTTP on this port (default: 9000, or the next free one)
                    --watch     rebuild and restart the functions when their code changes (cargo lambda watch)
                    --release   run the release build of the functions
                  DATABASE_URL, REDIS_URL, AWS_ENDPOINT_URL in the environment or in .env name services to use
                  instead of starting them; ANTHROPIC_API_KEY there lets the real model answer
  check           the quick checks: formatting, clippy with warnings denied, unit tests
  test [FILTER | --only CHECK]
                  every check, with set-up: the quick ones, integration tests on a stack of their own, docs,
                  licences, SAM template, a quick drill, and what is deployed: `sam build`, the journey of `up --once`
                  through what it made, and a deployment into the emulator
                    FILTER        only the integration tests whose name contains it
                    --only CHECK  only the checks whose name contains it, such as clippy or deployment
  bench           build what is deployed (sam build), and measure it on this machine: sizes, the time from the start of a
                  function to its first answer, memory
  eval --collection DIR | --all DIR [--mode lexical] [--spans] [--baseline] [--json FILE] [--chart FILE]
                  measure retrieval on judged questions (docs/retrieval.md says what the folders hold)
                    --collection DIR  measure one collection
                    --all DIR         measure every folder in DIR that holds a collection
                    --mode MODE       the retrieval to measure (default: lexical)
                    --spans           judge by the places that answer, in whole documents (spans.jsonl)
                    --baseline        measure the usual full-text search beside it
                    --json FILE       write everything that was measured
                    --chart FILE      draw it as SVG
  drill [--quick | --full] [--only NAME] [--markdown FILE] [--json FILE]
                  kill, cut, poison and flood the compiled functions, and check that every accepted question ends,
                  once (docs/reliability.md)
                    --quick          about two minutes (the default); a part of `test`
                    --full           everything, at full size
                    --only NAME      only the scenarios whose name contains this
                    --markdown FILE  write the table
                    --json FILE      write everything that was measured
  fuzz-api [--quick | --full] [--seed N]
                  make requests from the API's own description (GET /openapi.json) and check every answer against it
                    --quick   about a minute (a part of `test`)
                    --full    everything, with three seeds (the default)
                    --seed N  one seed instead, to repeat what another run found
  redrive [--code C] [--since T] [--dry-run]
                  have the running `up` try failed jobs again, from their rows
                    --code C          only those that failed with this code
                    --since T         only those that failed since: 2026-11-22T16:00:00Z, or 90m, 2h, 1d ago
                    --dry-run         only count them
  admin grant EMAIL | admin revoke EMAIL
                  let a user write the shared collection, or not any more; in the database of DATABASE_URL, with a login
                  that owns it, or else in that of the running `up`
  stats           the metrics of the running `up`, or of the last one: what the dashboard shows of a deployment
  help            this text";

/// A parsed command line.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Command {
    /// Start everything and show the main job.
    Up(UpOptions),
    /// Formatting, clippy, unit tests.
    Check,
    /// Every check, or some of it.
    Test(TestOptions),
    /// Measure what is deployed.
    Bench,
    /// Measure retrieval; the words go on to the program that does it.
    Eval(Vec<OsString>),
    /// Break things on purpose; the words go on to the program that does it.
    Drill(Vec<OsString>),
    /// Make requests from the description of the API.
    FuzzApi(FuzzOptions),
    /// Try failed jobs again.
    Redrive(RedriveOptions),
    /// Say who is an admin.
    Admin(AdminOptions),
    /// Show metrics.
    Stats,
    /// Print [`HELP`].
    Help,
    /// Internal: ends a run's processes when the run itself is gone (see `watchdog.rs`).
    Watchdog,
}

/// The switches of `up`.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct UpOptions {
    /// End after the answer.
    pub(crate) once: bool,
    /// Serve HTTP on exactly this port.
    pub(crate) port: Option<u16>,
    /// Hot reload.
    pub(crate) watch: bool,
    /// Use the release profile.
    pub(crate) release: bool,
    /// Run what `sam build` made, on a schema that its migrator applies. No switch: `test` does so, having built it.
    pub(crate) packages: bool,
}

/// What `test` runs; everything by default.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct TestOptions {
    /// The integration tests whose name contains this, and nothing else.
    pub(crate) filter: Option<String>,
    /// The checks whose name contains this, and nothing else.
    pub(crate) only: Option<String>,
}

/// The switches of `fuzz-api`.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct FuzzOptions {
    /// Few requests, one seed.
    pub(crate) quick: bool,
    /// This seed alone.
    pub(crate) seed: Option<u32>,
}

/// The switches of `redrive`.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct RedriveOptions {
    /// Only jobs that failed with this code.
    pub(crate) code: Option<String>,
    /// Only jobs that failed since then; the janitor reads it.
    pub(crate) since: Option<String>,
    /// Only count.
    pub(crate) dry_run: bool,
}

/// The words after `admin`.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct AdminOptions {
    /// Whose role changes.
    pub(crate) email: String,
    /// Whether the user becomes an admin; otherwise a member.
    pub(crate) grants: bool,
}

/// Reads the command and its switches.
///
/// # Errors
/// Names the word that was not understood.
pub(crate) fn parse(mut parser: lexopt::Parser) -> Result<Command, lexopt::Error> {
    match parser.next()? {
        None => Err("which command?".into()),
        Some(Short('h') | Long("help")) => Ok(Command::Help),
        Some(Value(word)) => match word.string()?.as_str() {
            "up" => parse_up(parser),
            "check" => no_more(parser, Command::Check),
            "test" => parse_test(parser),
            "bench" => no_more(parser, Command::Bench),
            "eval" => parse_eval(parser),
            "drill" => parse_drill(parser),
            "fuzz-api" => parse_fuzz_api(parser),
            "redrive" => parse_redrive(parser),
            "admin" => parse_admin(parser),
            "stats" => no_more(parser, Command::Stats),
            "help" => Ok(Command::Help),
            "watchdog" => no_more(parser, Command::Watchdog),
            other => Err(format!("unknown command {other:?}").into()),
        },
        Some(other) => Err(other.unexpected()),
    }
}

fn parse_up(mut parser: lexopt::Parser) -> Result<Command, lexopt::Error> {
    let mut options = UpOptions::default();
    while let Some(argument) = parser.next()? {
        match argument {
            Long("once") => options.once = true,
            Long("port") => options.port = Some(parser.value()?.parse()?),
            Long("watch") => options.watch = true,
            Long("release") => options.release = true,
            Short('h') | Long("help") => return Ok(Command::Help),
            other => return Err(other.unexpected()),
        }
    }
    Ok(Command::Up(options))
}

fn parse_admin(mut parser: lexopt::Parser) -> Result<Command, lexopt::Error> {
    let expected = "admin takes grant or revoke, and an e-mail address";
    let grants = match parser.next()? {
        Some(Value(word)) if word == "grant" => true,
        Some(Value(word)) if word == "revoke" => false,
        Some(Short('h') | Long("help")) => return Ok(Command::Help),
        _ => return Err(expected.into()),
    };
    let Some(Value(email)) = parser.next()? else {
        return Err(expected.into());
    };
    let email = email.string()?;
    no_more(parser, Command::Admin(AdminOptions { email, grants }))
}

fn parse_fuzz_api(mut parser: lexopt::Parser) -> Result<Command, lexopt::Error> {
    let mut options = FuzzOptions::default();
    while let Some(argument) = parser.next()? {
        match argument {
            Long("quick") => options.quick = true,
            Long("full") => options.quick = false,
            Long("seed") => options.seed = Some(parser.value()?.parse()?),
            Short('h') | Long("help") => return Ok(Command::Help),
            other => return Err(other.unexpected()),
        }
    }
    Ok(Command::FuzzApi(options))
}

fn parse_redrive(mut parser: lexopt::Parser) -> Result<Command, lexopt::Error> {
    let mut options = RedriveOptions::default();
    while let Some(argument) = parser.next()? {
        match argument {
            Long("code") => options.code = Some(parser.value()?.string()?),
            Long("since") => options.since = Some(parser.value()?.string()?),
            Long("dry-run") => options.dry_run = true,
            Short('h') | Long("help") => return Ok(Command::Help),
            other => return Err(other.unexpected()),
        }
    }
    Ok(Command::Redrive(options))
}

fn parse_test(mut parser: lexopt::Parser) -> Result<Command, lexopt::Error> {
    let mut options = TestOptions::default();
    while let Some(argument) = parser.next()? {
        match argument {
            Long("only") if options == TestOptions::default() => options.only = Some(parser.value()?.string()?),
            Value(filter) if options == TestOptions::default() => options.filter = Some(filter.string()?),
            Short('h') | Long("help") => return Ok(Command::Help),
            other => return Err(other.unexpected()),
        }
    }
    Ok(Command::Test(options))
}

/// Only looks at the words, so that a wrong one is told before minutes of compilation. Their meaning is `eval`'s own.
fn parse_eval(mut parser: lexopt::Parser) -> Result<Command, lexopt::Error> {
    let mut words = Vec::new();
    let mut has_source = false;
    while let Some(argument) = parser.next()? {
        match argument {
            Long(name @ ("collection" | "all" | "mode" | "json" | "chart")) => {
                has_source |= matches!(name, "collection" | "all");
                words.push(format!("--{name}").into());
                words.push(parser.value()?);
            }
            Long(name @ ("spans" | "baseline")) => words.push(format!("--{name}").into()),
            Short('h') | Long("help") => return Ok(Command::Help),
            other => return Err(other.unexpected()),
        }
    }
    if has_source {
        Ok(Command::Eval(words))
    } else {
        Err("which collection? --collection DIR or --all DIR".into())
    }
}

/// As with `eval`: a wrong word is told at once.
fn parse_drill(mut parser: lexopt::Parser) -> Result<Command, lexopt::Error> {
    let mut words = Vec::new();
    while let Some(argument) = parser.next()? {
        match argument {
            Long(name @ ("only" | "markdown" | "json")) => {
                words.push(format!("--{name}").into());
                words.push(parser.value()?);
            }
            Long(name @ ("quick" | "full")) => words.push(format!("--{name}").into()),
            Short('h') | Long("help") => return Ok(Command::Help),
            other => return Err(other.unexpected()),
        }
    }
    Ok(Command::Drill(words))
}

fn no_more(mut parser: lexopt::Parser, command: Command) -> Result<Command, lexopt::Error> {
    match parser.next()? {
        None => Ok(command),
        Some(Short('h') | Long("help")) => Ok(Command::Help),
        Some(other) => Err(other.unexpected()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(words: &[&str]) -> Result<Command, String> {
        parse(lexopt::Parser::from_args(words)).map_err(|error| error.to_string())
    }

    #[test]
    fn up_takes_its_switches_in_any_order() {
        let expected = UpOptions {
            once: true,
            port: Some(9100),
            watch: false,
            release: true,
            packages: false,
        };
        assert_eq!(
            parsed(&["up", "--release", "--port", "9100", "--once"]),
            Ok(Command::Up(expected))
        );
        assert_eq!(parsed(&["up"]), Ok(Command::Up(UpOptions::default())));
    }

    #[test]
    fn test_takes_at_most_one_filter_or_one_check() {
        let test = |filter: Option<&str>, only: Option<&str>| {
            Ok(Command::Test(TestOptions {
                filter: filter.map(str::to_owned),
                only: only.map(str::to_owned),
            }))
        };
        assert_eq!(parsed(&["test"]), test(None, None));
        assert_eq!(parsed(&["test", "cache"]), test(Some("cache"), None));
        assert_eq!(parsed(&["test", "--only", "sam build"]), test(None, Some("sam build")));
        for words in [
            &["test", "cache", "chat"][..],
            &["test", "cache", "--only", "clippy"],
            &["test", "--only"],
        ] {
            assert!(parsed(words).is_err(), "{words:?}");
        }
    }

    #[test]
    fn the_words_of_eval_are_handed_on() {
        let words = ["--all", "folder", "--baseline", "--json", "x.json"];
        let line: Vec<&str> = ["eval"].into_iter().chain(words).collect();
        assert_eq!(
            parsed(&line),
            Ok(Command::Eval(words.iter().map(OsString::from).collect()))
        );
        assert!(parsed(&["eval"]).is_err_and(|error| error.contains("--collection")));
        assert!(parsed(&["eval", "--all"]).is_err());
        assert!(parsed(&["eval", "--al", "x"]).is_err_and(|error| error.contains("--al")));
    }

    #[test]
    fn the_words_of_drill_are_handed_on() {
        let words = ["--full", "--only", "kill"];
        let line: Vec<&str> = ["drill"].into_iter().chain(words).collect();
        assert_eq!(
            parsed(&line),
            Ok(Command::Drill(words.iter().map(OsString::from).collect()))
        );
        assert!(parsed(&["drill", "--ful"]).is_err_and(|error| error.contains("--ful")));
    }

    #[test]
    fn fuzz_api_takes_its_switches() {
        let expected = FuzzOptions {
            quick: true,
            seed: Some(7),
        };
        assert_eq!(
            parsed(&["fuzz-api", "--seed", "7", "--quick"]),
            Ok(Command::FuzzApi(expected))
        );
        assert_eq!(
            parsed(&["fuzz-api", "--full"]),
            Ok(Command::FuzzApi(FuzzOptions::default()))
        );
        assert!(parsed(&["fuzz-api", "--seed", "x"]).is_err_and(|error| error.contains('x')));
        assert!(parsed(&["fuzz-api", "--fast"]).is_err_and(|error| error.contains("--fast")));
    }

    #[test]
    fn redrive_takes_its_switches() {
        let expected = RedriveOptions {
            code: Some("internal".to_owned()),
            since: Some("2h".to_owned()),
            dry_run: true,
        };
        assert_eq!(
            parsed(&["redrive", "--since", "2h", "--code", "internal", "--dry-run"]),
            Ok(Command::Redrive(expected))
        );
        assert!(parsed(&["redrive", "--dryrun"]).is_err_and(|error| error.contains("--dryrun")));
    }

    #[test]
    fn admin_takes_what_to_do_and_for_whom() {
        let admin = |grants| {
            Ok(Command::Admin(AdminOptions {
                email: "ada@example.com".to_owned(),
                grants,
            }))
        };
        assert_eq!(parsed(&["admin", "grant", "ada@example.com"]), admin(true));
        assert_eq!(parsed(&["admin", "revoke", "ada@example.com"]), admin(false));
        for words in [&["admin"][..], &["admin", "ada@example.com"], &["admin", "grant"]] {
            assert!(
                parsed(words).is_err_and(|error| error.contains("grant or revoke")),
                "{words:?}"
            );
        }
        assert!(parsed(&["admin", "grant", "a@b.c", "d@e.f"]).is_err());
    }

    #[test]
    fn what_is_not_understood_is_named() {
        assert!(parsed(&["upp"]).is_err_and(|error| error.contains("upp")));
        assert!(parsed(&["up", "--prot", "1"]).is_err_and(|error| error.contains("--prot")));
        assert!(parsed(&["up", "--port", "99999"]).is_err_and(|error| error.contains("99999")));
        assert!(parsed(&["check", "now"]).is_err_and(|error| error.contains("now")));
        assert!(parsed(&[]).is_err());
    }

    #[test]
    fn the_help_names_every_command() {
        for command in [
            "up", "check", "test", "bench", "eval", "redrive", "drill", "admin", "fuzz-api", "stats", "help",
        ] {
            assert!(
                HELP.lines().any(|line| line.starts_with(&format!("  {command} "))),
                "{command}"
            );
        }
    }
}
