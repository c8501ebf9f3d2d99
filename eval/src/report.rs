//! What was measured, for programs: `--json`.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::abstention::Abstention;
use crate::measures::MEASURES;
use crate::statistics::{Estimate, Latency};
use crate::system::System;

/// One collection.
#[derive(Debug, Serialize)]
pub struct Report {
    /// The folder's name.
    pub collection: String,
    /// `items` or `spans`.
    pub judged_by: &'static str,
    /// How many documents were ingested.
    pub documents: usize,
    /// Into how many passages they were cut.
    pub passages: usize,
    /// Over how many questions the means are.
    pub judged_questions: usize,
    /// How long ingestion took.
    pub ingest_seconds: f64,
    /// What was compared, in the order asked for.
    pub systems: Vec<SystemReport>,
    /// Where the collection has questions without an answer.
    pub abstention: Option<Abstention>,
}

/// One way of ranking.
#[derive(Debug, Serialize)]
pub struct SystemReport {
    /// Which.
    pub system: System,
    /// The measures by their names.
    pub measures: BTreeMap<String, Estimate>,
    /// How much better the first measure is than that of the last system, question by question.
    pub gain: Option<Estimate>,
    /// How long a search took.
    pub latency_ms: Option<Latency>,
    /// The questions to which nothing was found.
    pub zero_hits: Vec<String>,
    /// The first measure of every question, so that two runs can be compared in pairs.
    pub first_measure_by_question: BTreeMap<String, f64>,
}

/// How much worse than the better of its two legs a fusion may be.
const TOLERANCE: f64 = 0.01;

/// The collections on which hybrid is worse than its better leg by more than the tolerance, where both legs were
/// measured beside it: a fusion that loses to one of its parts is wrong, whatever it wins elsewhere.
#[must_use]
pub fn losses(reports: &[Report]) -> Vec<String> {
    let loss = |report: &Report| {
        let first = |wanted| {
            let system = report.systems.iter().find(|system| system.system == wanted)?;
            system.measures.get(&MEASURES[0].name()).map(|estimate| estimate.mean)
        };
        let (hybrid, words, vectors) = (first(System::Hybrid)?, first(System::Lexical)?, first(System::Dense)?);
        let better = words.max(vectors);
        (hybrid < better - TOLERANCE).then(|| {
            let name = &report.collection;
            format!("{name}: hybrid reaches {hybrid:.3}, its better leg {better:.3}")
        })
    };
    reports.iter().filter_map(loss).collect()
}

/// The reports as indented JSON.
///
/// # Errors
/// If a value cannot be written as JSON; none of ours is of that kind.
pub fn json(reports: &[Report]) -> Result<String, serde_json::Error> {
    serde_json::to_string_pretty(reports).map(|text| text + "\n")
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// A report of one or two systems whose measures all have the given values.
    pub(crate) fn report(collection: &str, values: &[f64]) -> Report {
        let around = |mean: f64| Estimate {
            mean,
            low: mean - 0.05,
            high: mean + 0.05,
        };
        let last = values.len() - 1;
        let systems = [System::Lexical, System::AnyTermTsRank];
        let system = |(index, (&value, system)): (usize, (&f64, System))| SystemReport {
            system,
            measures: MEASURES.iter().map(|m| (m.name(), around(value))).collect(),
            gain: (index < last).then(|| around(value - values[last])),
            latency_ms: Some(Latency {
                p50: 1.0,
                p95: 2.0,
                p99: 3.0,
            }),
            zero_hits: Vec::new(),
            first_measure_by_question: BTreeMap::from([("a".to_owned(), value), ("b".to_owned(), value)]),
        };
        Report {
            collection: collection.to_owned(),
            judged_by: "items",
            documents: 1,
            passages: 2,
            judged_questions: 2,
            ingest_seconds: 0.1,
            systems: values.iter().zip(systems).enumerate().map(system).collect(),
            abstention: None,
        }
    }

    #[test]
    fn a_fusion_that_loses_to_one_of_its_legs_is_named() {
        let with = |hybrid, words, vectors| {
            let mut made = report("c", &[hybrid, words]);
            made.systems.extend(report("c", &[vectors]).systems);
            let systems = [System::Hybrid, System::Lexical, System::Dense];
            made.systems
                .iter_mut()
                .zip(systems)
                .for_each(|(row, system)| row.system = system);
            made
        };
        assert!(losses(&[with(0.50, 0.505, 0.3), with(0.6, 0.5, 0.5), report("d", &[0.1, 0.9])]).is_empty());
        assert_eq!(losses(&[with(0.48, 0.3, 0.5)]).len(), 1);
    }

    #[test]
    fn the_json_names_what_scripts_look_for() {
        let text = json(&[report("c", &[0.5, 0.4])]).unwrap();
        let value: serde_json::Value = serde_json::from_str(&text).unwrap();
        let system = &value[0]["systems"][0];
        assert_eq!(system["system"], "lexical");
        assert_eq!(system["measures"]["nDCG@10"]["mean"], 0.5);
        assert_eq!(system["latency_ms"]["p95"], 2.0);
        assert_eq!(value[0]["systems"][1]["system"], "any-term-ts-rank");
        assert_eq!(system["first_measure_by_question"]["a"], 0.5);
    }
}
