//! `cargo xtask redrive`: has the janitor of a running `up` put failed jobs back.

use anyhow::{Context, Result};
use serde_json::{Value, json};

use crate::args::RedriveOptions;
use crate::place::{self, Place};
use crate::progress;
use crate::stack::janitor;

/// Runs `redrive`.
///
/// # Errors
/// If no `up` is running, or the janitor refuses.
pub(crate) fn run(options: &RedriveOptions) -> Result<()> {
    let root = place::repository()?;
    let base = Place::url_of_up(&root)
        .context("no `cargo xtask up` is serving here; for a deployment on AWS see docs/operations.md")?;
    let report = janitor::invoke(&base, &event(options))?;
    progress::line(&summary(options, &report));
    Ok(())
}

fn event(options: &RedriveOptions) -> Value {
    json!({"redrive": {"code": options.code, "since": options.since, "dryRun": options.dry_run}})
}

fn summary(options: &RedriveOptions, report: &Value) -> String {
    let number = |name: &str| report[name].as_u64().unwrap_or_default();
    let matched = number("matched");
    if options.dry_run {
        return format!("{matched} failed jobs would be tried again");
    }
    let mut text = format!("{} of {matched} failed jobs are tried again", number("redriven"));
    if number("unsent") > 0 {
        text += &format!("; {} wait until the queue takes messages again", number("unsent"));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_order_says_which_jobs_and_the_report_how_many() {
        let mut options = RedriveOptions {
            code: Some("llm_configuration".to_owned()),
            since: None,
            dry_run: true,
        };
        let order = json!({"code": "llm_configuration", "since": null, "dryRun": true});
        assert_eq!(event(&options), json!({ "redrive": order }));
        let report = json!({"matched": 3, "redriven": 2, "unsent": 1});
        assert_eq!(summary(&options, &report), "3 failed jobs would be tried again");
        options.dry_run = false;
        assert!(summary(&options, &report).starts_with("2 of 3 failed jobs are tried again; 1 wait"));
    }
}
