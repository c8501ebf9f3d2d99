//! What became of the checks.

use std::time::{Duration, Instant};

use anyhow::Result;

use crate::{interrupt, progress};

/// The results so far.
#[derive(Debug, Default)]
pub(crate) struct Report {
    rows: Vec<(String, Outcome, Duration)>,
    only: Option<String>,
}

#[derive(Debug)]
enum Outcome {
    Passed,
    Failed,
    Skipped(String),
}

impl Report {
    /// A report of the checks whose name contains this; of all, if there is nothing to contain.
    pub(crate) fn of(only: Option<&str>) -> Self {
        Self {
            rows: Vec::new(),
            only: only.map(str::to_owned),
        }
    }

    /// Runs one check; whether it passed, or is none of those that are wanted. A failure is noted and shown, and does not keep other checks from running.
    ///
    /// # Errors
    /// After Ctrl-C.
    pub(crate) fn check(&mut self, name: &str, check: impl FnOnce() -> Result<()>) -> Result<bool> {
        if self.only.as_ref().is_some_and(|only| !name.contains(only)) {
            return Ok(true);
        }
        progress::line(&format!("\n== {name}"));
        let start = Instant::now();
        let outcome = match check() {
            Ok(()) => Outcome::Passed,
            Err(_) if interrupt::requested() => return Err(interrupt::Interrupted.into()),
            Err(error) => {
                progress::line(&format!("FAILED: {error:#}"));
                Outcome::Failed
            }
        };
        let passed = matches!(outcome, Outcome::Passed);
        self.rows.push((name.to_owned(), outcome, start.elapsed()));
        Ok(passed)
    }

    /// Notes a check that was not run.
    pub(crate) fn skip(&mut self, name: &str, reason: &str) {
        progress::line(&format!("\n== {name}: skipped, {reason}"));
        self.rows
            .push((name.to_owned(), Outcome::Skipped(reason.to_owned()), Duration::ZERO));
    }

    /// Whether nothing was run.
    pub(crate) fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// Prints the table; whether nothing failed.
    pub(crate) fn finish(&self) -> bool {
        progress::line(&format!("\n{self}"));
        !self
            .rows
            .iter()
            .any(|(_, outcome, _)| matches!(outcome, Outcome::Failed))
    }
}

impl std::fmt::Display for Report {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for (name, outcome, duration) in &self.rows {
            let outcome = match outcome {
                Outcome::Passed => "passed".to_owned(),
                Outcome::Failed => "FAILED".to_owned(),
                Outcome::Skipped(reason) => format!("skipped: {reason}"),
            };
            writeln!(formatter, "  {} {name:<18} {outcome}", progress::duration(*duration))?;
        }
        let total = self.rows.iter().map(|(_, _, duration)| *duration).sum();
        write!(formatter, "  {} total", progress::duration(total))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_failure_fails_the_run_and_the_others_still_count() {
        let mut report = Report::default();
        assert!(!report.check("first", || anyhow::bail!("no")).unwrap());
        assert!(report.check("second", || Ok(())).unwrap());
        report.skip("third", "not here");
        assert!(!report.finish());
        let table = report.to_string();
        assert!(
            table.contains("first              FAILED") && table.contains("second             passed"),
            "{table}"
        );
        assert!(table.contains("third              skipped: not here"), "{table}");
    }

    #[test]
    fn only_the_wanted_checks_are_run() {
        let mut report = Report::of(Some("our"));
        assert!(report.check("first", || anyhow::bail!("no")).unwrap());
        assert!(report.check("journey", || Ok(())).unwrap());
        assert!(report.finish());
        assert_eq!(report.rows.len(), 1);
    }

    #[test]
    fn a_skipped_check_is_no_failure() {
        let mut report = Report::default();
        report.skip("only", "not here");
        assert!(report.finish());
    }
}
