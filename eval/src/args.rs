//! The command line.

use std::path::PathBuf;

use anyhow::{Context, Result, bail};
use lexopt::Arg::{Long, Short};
use lexopt::ValueExt;

use crate::system::System;

/// What `--help` says.
pub const HELP: &str = "\
eval --collection DIR [--mode lexical] [--spans] [--baseline] [--json FILE] [--chart FILE]
eval --all DIR        the same for every folder in DIR that holds a collection

  --collection DIR  corpus.jsonl {id, title, text}, queries.jsonl {id, text}, qrels.tsv (query, item, grade);
                    or docs.jsonl {id, title, text | file}, queries.jsonl, spans.jsonl {query, doc, start, end | quote}
  --mode MODE       the retrieval to measure (default: lexical)
  --spans           judge by spans.jsonl, although there is a corpus
  --baseline        measure any-term ts_rank beside it
  --json FILE       write everything that was measured
  --chart FILE      draw the first measure as SVG

TEST_DATABASE_URL names the server on which databases are made and dropped; `cargo xtask eval` starts one.";

/// What to do.
#[derive(Debug, PartialEq, Eq)]
pub enum Command {
    /// Measure.
    Measure(Plan),
    /// Print [`HELP`].
    Help,
}

/// What to measure.
#[derive(Debug, PartialEq, Eq)]
pub struct Plan {
    /// Where the collections are.
    pub source: Source,
    /// The mode first, then what it is compared with.
    pub systems: Vec<System>,
    /// Judge by spans.
    pub spans: bool,
    /// Where the numbers go.
    pub json: Option<PathBuf>,
    /// Where the chart goes.
    pub chart: Option<PathBuf>,
}

/// Where collections are.
#[derive(Debug, PartialEq, Eq)]
pub enum Source {
    /// One folder.
    One(PathBuf),
    /// A folder of folders.
    All(PathBuf),
}

/// Reads the words.
///
/// # Errors
/// Says which word is wrong or missing.
pub fn parse(mut parser: lexopt::Parser) -> Result<Command> {
    let (mut source, mut mode, mut baseline) = (None, System::Lexical, false);
    let (mut spans, mut json, mut chart) = (false, None, None);
    while let Some(argument) = parser.next()? {
        match argument {
            Long("collection") if source.is_none() => source = Some(Source::One(parser.value()?.into())),
            Long("all") if source.is_none() => source = Some(Source::All(parser.value()?.into())),
            Long("mode") => mode = parser.value()?.string()?.parse()?,
            Long("spans") => spans = true,
            Long("baseline") => baseline = true,
            Long("json") => json = Some(parser.value()?.into()),
            Long("chart") => chart = Some(parser.value()?.into()),
            Short('h') | Long("help") => return Ok(Command::Help),
            other => return Err(other.unexpected().into()),
        }
    }
    let source = source.context("which collection? --collection DIR or --all DIR")?;
    if spans && matches!(source, Source::All(_)) {
        bail!("--spans is for one collection");
    }
    let mut systems = vec![mode];
    systems.extend(baseline.then_some(System::AnyTermTsRank));
    Ok(Command::Measure(Plan {
        source,
        systems,
        spans,
        json,
        chart,
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(words: &[&str]) -> Result<Command> {
        parse(lexopt::Parser::from_args(words))
    }

    #[test]
    fn the_words_become_a_plan() {
        let plan = Plan {
            source: Source::One("x".into()),
            systems: vec![System::Lexical, System::AnyTermTsRank],
            spans: true,
            json: Some("y.json".into()),
            chart: None,
        };
        let words = ["--baseline", "--collection", "x", "--json", "y.json", "--spans"];
        assert_eq!(parsed(&words).unwrap(), Command::Measure(plan));
        assert_eq!(parsed(&["--help"]).unwrap(), Command::Help);
    }

    #[test]
    fn what_is_wrong_is_named() {
        let error = |words: &[&str]| parsed(words).unwrap_err().to_string();
        assert!(error(&[]).contains("which collection"));
        assert!(error(&["--collection", "x", "--all", "y"]).contains("--all"));
        assert!(error(&["--all", "y", "--mode", "magic"]).contains("magic"));
        assert!(error(&["--all", "y", "--spans"]).contains("--spans"));
        assert!(error(&["--colection", "x"]).contains("--colection"));
    }
}
