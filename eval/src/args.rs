//! The command line.

use std::path::PathBuf;

use anyhow::{Context, Result, bail};
use lexopt::Arg::{Long, Short};
use lexopt::ValueExt;

use crate::system::System;

/// What `--help` says.
pub const HELP: &str = "\
eval --collection DIR [--mode MODE] [--spans] [--baseline] [--json FILE] [--chart FILE]
eval --all DIR        the same for every folder in DIR that holds a collection

  --collection DIR  corpus.jsonl {id, title, text}, queries.jsonl {id, text}, qrels.tsv (query, item, grade);
                    or docs.jsonl {id, title, text | file}, queries.jsonl, spans.jsonl {query, doc, start, end | quote}
  --mode MODE       the retrieval to measure: lexical (default), dense or hybrid
  --spans           judge by spans.jsonl, although there is a corpus
  --baseline        measure any-term ts_rank beside it; beside hybrid each leg and RRF too
  --json FILE       write everything that was measured
  --chart FILE      draw the first measure as SVG
  --bench N,N,..    instead: time searches by words among so many passages, made of the collection's sentences

TEST_DATABASE_URL names the server on which databases are made and dropped; `cargo xtask eval` starts one.";

/// What to do.
#[derive(Debug, PartialEq, Eq)]
pub enum Command {
    /// Measure.
    Measure(Plan),
    /// Time searches in collections of these many passages, made of the texts in a folder.
    Bench(PathBuf, Vec<i64>),
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
    let (mut spans, mut json, mut chart, mut bench) = (false, None, None, None);
    while let Some(argument) = parser.next()? {
        match argument {
            Long("collection") if source.is_none() => source = Some(Source::One(parser.value()?.into())),
            Long("all") if source.is_none() => source = Some(Source::All(parser.value()?.into())),
            Long("mode") => mode = parser.value()?.string()?.parse()?,
            Long("spans") => spans = true,
            Long("bench") => bench = Some(sizes(&parser.value()?.string()?)?),
            Long("baseline") => baseline = true,
            Long("json") => json = Some(parser.value()?.into()),
            Long("chart") => chart = Some(parser.value()?.into()),
            Short('h') | Long("help") => return Ok(Command::Help),
            other => return Err(other.unexpected().into()),
        }
    }
    let source = source.context("which collection? --collection DIR or --all DIR")?;
    if let Some(sizes) = bench {
        let Source::One(folder) = source else {
            bail!("--bench is for one collection");
        };
        return Ok(Command::Bench(folder, sizes));
    }
    if spans && matches!(source, Source::All(_)) {
        bail!("--spans is for one collection");
    }
    let mut systems = vec![mode];
    if baseline {
        systems.extend(mode.baselines());
    }
    Ok(Command::Measure(Plan {
        source,
        systems,
        spans,
        json,
        chart,
    }))
}

/// `5000,200000`.
fn sizes(list: &str) -> Result<Vec<i64>> {
    let sizes: Result<Vec<i64>, _> = list.split(',').map(str::parse).collect();
    match sizes {
        Ok(sizes) if sizes.is_sorted() && sizes.iter().all(|size| (1..=1_000_000).contains(size)) => Ok(sizes),
        _ => bail!("--bench takes ascending numbers up to 1000000, such as 5000,200000"),
    }
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
        assert!(error(&["--collection", "x", "--bench", "9,1"]).contains("ascending"));
        assert!(error(&["--colection", "x"]).contains("--colection"));
    }
}
