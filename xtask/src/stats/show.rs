//! Metrics for a person's eyes.

use super::tally::{Series, Tally};

/// What `up` shows while it serves: short, because a terminal is not wide.
pub(super) fn summary(tally: &Tally) -> String {
    let count = |name| whole(tally.sum(name));
    let median = |name| tally.series(name).and_then(|series| series.percentile(0.5)).map(time);
    let mut parts = Vec::new();
    if let Some(requests) = tally.series("RequestMs") {
        let each = median("RequestMs").unwrap_or_default();
        parts.push(format!("{} requests, p50 {each}", requests.count));
    }
    let (hits, misses) = (tally.sum("CacheHits"), tally.sum("CacheMisses"));
    if hits + misses > 0.0 {
        parts.push(format!("cache {} of {}", whole(hits), whole(hits + misses)));
    }
    let ends = [
        ("JobsCompleted", "done"),
        ("JobsFailed", "failed"),
        ("JobsExpired", "expired"),
        ("JobsCancelled", "cancelled"),
    ];
    let ends: Vec<String> = ends
        .into_iter()
        .filter(|(name, _)| tally.sum(name) > 0.0)
        .map(|(name, word)| format!("{} {word}", count(name)))
        .collect();
    if !ends.is_empty() {
        parts.push(format!("jobs {}", ends.join(" ")));
    }
    parts.extend(median("LlmTotalMs").map(|each| format!("model p50 {each}")));
    for (name, word) in [("LlmErrors", "model errors"), ("DeadLetters", "dead letters")] {
        if tally.sum(name) > 0.0 {
            parts.push(format!("{} {word}", count(name)));
        }
    }
    let cost = tally.sum("CostUsd");
    if cost > 0.0 {
        parts.push(format!("{cost:.4} USD"));
    }
    parts.join(" | ")
}

/// Every metric with its dimensions, how many values it had, and their sum or their percentiles.
pub(super) fn table(tally: &Tally) -> String {
    let mut lines = vec![format!(
        "{:<24} {:<16} {:>8} {:>12} {:>10} {:>10} {:>10}",
        "metric", "of", "values", "sum", "p50", "p99", "most"
    )];
    for (key, series) in &tally.metrics {
        let (name, of) = (&key.name, key.dimensions.join(" "));
        let values = series.count;
        lines.push(if series.unit == "Milliseconds" {
            let at = |share| series.percentile(share).map(time).unwrap_or_default();
            let [p50, p99, most] = [0.5, 0.99, 1.0].map(at);
            format!(
                "{name:<24} {of:<16} {values:>8} {:>12} {p50:>10} {p99:>10} {most:>10}",
                ""
            )
        } else {
            format!("{name:<24} {of:<16} {values:>8} {:>12}", amount(series))
        });
    }
    lines.join("\n")
}

fn amount(series: &Series) -> String {
    if series.sum.fract() == 0.0 {
        whole(series.sum)
    } else {
        format!("{:.6}", series.sum)
    }
}

fn whole(number: f64) -> String {
    format!("{number:.0}")
}

/// Three digits are enough to compare.
fn time(milliseconds: f64) -> String {
    match milliseconds {
        short if short < 10.0 => format!("{short:.2} ms"),
        some if some < 1000.0 => format!("{some:.0} ms"),
        long => format!("{:.1} s", long / 1000.0),
    }
}

#[cfg(test)]
mod tests {
    use super::super::tally::tests::line;
    use super::*;

    fn tally() -> Tally {
        let mut tally = Tally::default();
        let (ms, count) = ("Milliseconds", "Count");
        tally.add(&line("api", &[("RequestMs", ms, 1.26), ("CacheHits", count, 1.0)]));
        tally.add(&line("api", &[("RequestMs", ms, 7.5), ("CacheMisses", count, 1.0)]));
        tally.add(&line(
            "worker",
            &[("JobsCompleted", count, 3.0), ("LlmTotalMs", ms, 1810.0)],
        ));
        tally.add(&line(
            "worker",
            &[("JobsFailed", count, 1.0), ("CostUsd", "None", 0.0125)],
        ));
        tally
    }

    #[test]
    fn the_summary_names_what_has_happened_and_nothing_else() {
        assert_eq!(
            summary(&tally()),
            "2 requests, p50 1.26 ms | cache 1 of 2 | jobs 3 done 1 failed | model p50 1.8 s | 0.0125 USD"
        );
        assert_eq!(summary(&Tally::default()), "");
    }

    #[test]
    fn the_table_has_a_row_for_each_metric() {
        let table = table(&tally());
        assert_eq!(table.lines().count(), 1 + tally().metrics.len());
        let row = |name: &str| table.lines().find(|line| line.starts_with(name)).unwrap().to_owned();
        assert!(row("RequestMs").ends_with("1.26 ms    7.50 ms    7.50 ms"), "{table}");
        assert!(row("CostUsd").ends_with("0.012500"), "{table}");
        assert!(row("JobsCompleted").ends_with(" 3"), "{table}");
    }
}
