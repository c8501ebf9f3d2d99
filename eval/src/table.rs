//! What was measured, for people: Markdown tables.

use std::fmt::Write;

use crate::abstention::Abstention;
use crate::measures::MEASURES;
use crate::report::{Report, SystemReport};
use crate::statistics::Estimate;

/// Everything about a few collections.
#[must_use]
pub fn markdown(reports: &[Report]) -> String {
    let mut text = measures(reports);
    for report in reports {
        if let Some(abstention) = &report.abstention {
            text += &abstained(&report.collection, abstention);
        }
    }
    text
}

/// One line a collection and system.
fn measures(reports: &[Report]) -> String {
    let names: Vec<String> = MEASURES.iter().map(|measure| measure.name()).collect();
    let mut header = vec!["collection".to_owned(), "questions".to_owned(), "system".to_owned()];
    header.extend(names.clone());
    let is_compared = reports
        .iter()
        .flat_map(|report| &report.systems)
        .any(|s| s.gain.is_some());
    header.extend(is_compared.then(|| format!("gain in {}", names[0])));
    header.extend(["zero hits", "p50 ms", "p95 ms", "p99 ms"].map(str::to_owned));
    let mut lines = vec![row(&header), separator(header.len())];
    for report in reports {
        for system in &report.systems {
            lines.push(row(&cells(report, system, &names, is_compared)));
        }
    }
    let mut text = lines.concat();
    let _ = writeln!(
        text,
        "\n{} with its 95 % bootstrap interval; the other measures are means. Times are of one search.",
        names[0]
    );
    text
}

fn cells(report: &Report, system: &SystemReport, names: &[String], is_compared: bool) -> Vec<String> {
    let mut cells = vec![
        match report.judged_by {
            "items" => report.collection.clone(),
            by => format!("{} ({by})", report.collection),
        },
        report.judged_questions.to_string(),
        system.system.name().to_owned(),
    ];
    for (index, name) in names.iter().enumerate() {
        cells.push(match system.measures.get(name) {
            Some(estimate) if index == 0 => with_interval(estimate),
            Some(estimate) => format!("{:.3}", estimate.mean),
            None => String::new(),
        });
    }
    if is_compared {
        let gain = system.gain.as_ref();
        cells.push(gain.map_or_else(String::new, |g| {
            format!("{:+.3} ({:+.3} to {:+.3})", g.mean, g.low, g.high)
        }));
    }
    cells.push(system.zero_hits.len().to_string());
    let latency = system.latency_ms.map(|latency| [latency.p50, latency.p95, latency.p99]);
    cells.extend(latency.into_iter().flatten().map(|ms| format!("{ms:.1}")));
    cells
}

fn with_interval(estimate: &Estimate) -> String {
    let Estimate { mean, low, high } = estimate;
    format!("{mean:.3} ({low:.3} to {high:.3})")
}

/// The answerer's record, and what other thresholds would do.
fn abstained(collection: &str, abstention: &Abstention) -> String {
    let Abstention {
        answerable,
        unanswerable,
        today,
        right,
        curve,
    } = abstention;
    let known = right.map_or_else(String::new, |right| {
        format!(
            " To {:.1} % of the questions with a known answer it says something that contains it.",
            100.0 * right
        )
    });
    let mut text = format!(
        "\n{collection}: the extractive answerer on {unanswerable} questions without and {answerable} with an \
         answer in the documents.\n\
         Today, with the threshold {:.2}, it abstains rightly from {:.1} % and wrongly from {:.1} %.{known}\n\n",
        today.threshold,
        100.0 * today.rightly,
        100.0 * today.wrongly,
    );
    text += "| threshold | abstains rightly | abstains wrongly | balanced accuracy |\n|---|---|---|---|\n";
    for point in curve {
        let balanced = f64::midpoint(point.rightly, 1.0 - point.wrongly);
        let _ = writeln!(
            text,
            "| {:.2} | {:.3} | {:.3} | {balanced:.3} |",
            point.threshold, point.rightly, point.wrongly
        );
    }
    text
}

fn row(cells: &[String]) -> String {
    format!("| {} |\n", cells.join(" | "))
}

fn separator(columns: usize) -> String {
    format!("|{}\n", "---|".repeat(columns))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::tests::report;

    #[test]
    fn every_row_has_as_many_cells_as_the_header() {
        let reports = [report("cranfield", &[0.3, 0.2]), report("xquad-de", &[0.9])];
        let text = markdown(&reports);
        let table: Vec<&str> = text.lines().take_while(|line| line.starts_with('|')).collect();
        assert_eq!(table.len(), 2 + 3);
        let bars = |line: &str| line.matches('|').count();
        assert!(table.iter().all(|line| bars(line) == bars(table[0])), "{text}");
        assert!(
            table[2].starts_with("| cranfield | 2 | lexical | 0.300 (0.250 to 0.350) |"),
            "{text}"
        );
        assert!(table[2].contains("| +0.100 ("), "{text}");
    }
}
