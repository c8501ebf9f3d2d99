//! The quick gate: retrieval over our own samples is as good as it was. `cargo xtask test` starts the database.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Context, Result, ensure};
use eval::collection::Collection;
use eval::retrieve::Tools;
use eval::run;
use eval::system::System;
use serde::Deserialize;

/// `samples/eval/expected.json`.
#[derive(Deserialize)]
struct Expected {
    /// The least means of the measures.
    at_least: BTreeMap<String, f64>,
    /// The extractive answerer: from which share of the questions without an answer it has to abstain at least.
    abstains_rightly_at_least: f64,
    /// The same of the questions with an answer, at most.
    abstains_wrongly_at_most: f64,
}

#[tokio::test]
async fn retrieval_over_the_samples_is_as_good_as_it_was() -> Result<()> {
    let server = std::env::var("TEST_DATABASE_URL").context("run this by `cargo xtask test`")?;
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../samples/eval");
    let expected: Expected = serde_json::from_str(&std::fs::read_to_string(folder.join("expected.json"))?)?;
    let collection = Collection::load(&folder, true)?;
    let report = run::evaluate(&server, &collection, &[System::Lexical], &Tools::without_vectors()?).await?;

    ensure!(
        report.judged_questions >= 40,
        "only {} questions are judged",
        report.judged_questions
    );
    let lexical = &report.systems[0];
    let mut misses = Vec::new();
    for (measure, least) in &expected.at_least {
        let mean = lexical.measures.get(measure).map_or(0.0, |estimate| estimate.mean);
        if mean < *least {
            misses.push(format!("{measure} is {mean:.3}, expected at least {least:.3}"));
        }
    }
    let abstention = report
        .abstention
        .context("the samples have questions without an answer")?;
    let (rightly, wrongly) = (abstention.today.rightly, abstention.today.wrongly);
    if rightly < expected.abstains_rightly_at_least || wrongly > expected.abstains_wrongly_at_most {
        misses.push(format!(
            "it abstains rightly from {rightly:.2}, wrongly from {wrongly:.2}"
        ));
    }
    ensure!(misses.is_empty(), "{misses:#?}");
    Ok(())
}
