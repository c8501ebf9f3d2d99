//! The numbers of one drill, and what was wrong.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::{Value, json};

/// One row of the table.
#[derive(Debug, Clone, Default)]
pub(crate) struct Figures {
    /// Which drill.
    pub(crate) name: String,
    /// Questions that got a 202.
    pub(crate) accepted: usize,
    /// Questions that were answered otherwise, by status.
    pub(crate) refused: BTreeMap<u16, usize>,
    /// How the accepted ones ended.
    pub(crate) ended: BTreeMap<String, usize>,
    /// Accepted, and no end was seen in time.
    pub(crate) lost: usize,
    /// Answered or ended more than once, or changed after the end.
    pub(crate) twice: usize,
    /// Calls to the model.
    pub(crate) calls: usize,
    /// Calls beyond one for each answered question, by reason.
    pub(crate) extra: BTreeMap<&'static str, usize>,
    /// Times of HTTP answers: to questions and polls.
    pub(crate) http: Vec<Duration>,
    /// The longest time to the answer that a question was not accepted.
    pub(crate) slowest_refusal: Duration,
    /// From the acceptance of a question to its end.
    pub(crate) times_to_end: Vec<Duration>,
    /// From each fault's end, or from the kill, to the end of what it had hit.
    pub(crate) recoveries: Vec<Duration>,
    /// What must not have been.
    pub(crate) violations: Vec<String>,
}

impl Figures {
    /// A row with nothing in it yet.
    pub(crate) fn named(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            ..Self::default()
        }
    }

    /// Notes a broken promise unless it was kept.
    pub(crate) fn require(&mut self, is_kept: bool, promise: impl FnOnce() -> String) {
        if !is_kept {
            self.violations.push(promise());
        }
    }

    /// The columns of a table.
    pub(crate) const COLUMNS: [&'static str; 11] = [
        "drill",
        "accepted",
        "ended",
        "refused",
        "lost",
        "twice",
        "LLM calls",
        "extra calls",
        "HTTP p99 / max",
        "longest to end",
        "recovery median / p99 / max",
    ];

    /// The cells of its row.
    pub(crate) fn cells(&self) -> [String; 11] {
        let http = |part| seconds(percentile(&self.http, part));
        let recovery = if self.recoveries.is_empty() {
            "-".to_owned()
        } else {
            let of = |part| seconds(percentile(&self.recoveries, part));
            format!("{} / {} / {}", of(50), of(99), of(100))
        };
        [
            self.name.clone(),
            self.accepted.to_string(),
            list(&self.ended),
            list(&self.refused),
            self.lost.to_string(),
            self.twice.to_string(),
            self.calls.to_string(),
            list(&self.extra),
            format!("{} / {}", http(99), http(100)),
            seconds(percentile(&self.times_to_end, 100)),
            recovery,
        ]
    }

    /// All of it for programs.
    pub(crate) fn json(&self) -> Value {
        let milliseconds = |part, times: &[Duration]| percentile(times, part).map(|time| time.as_millis());
        let spread = |times: &[Duration]| {
            json!({"count": times.len(), "median": milliseconds(50, times), "p99": milliseconds(99, times),
                "max": milliseconds(100, times)})
        };
        json!({
            "drill": self.name,
            "accepted": self.accepted,
            "ended": self.ended,
            "refused": self.refused.iter().map(|(status, count)| (status.to_string(), *count)).collect::<BTreeMap<_, _>>(),
            "lost": self.lost,
            "twice": self.twice,
            "llmCalls": self.calls,
            "extraCalls": self.extra,
            "httpMilliseconds": spread(&self.http),
            "toEndMilliseconds": spread(&self.times_to_end),
            "recoveryMilliseconds": spread(&self.recoveries),
            "violations": self.violations,
        })
    }
}

/// The smallest time that `part` percent of the times do not exceed; 100 is the longest.
pub(crate) fn percentile(times: &[Duration], part: usize) -> Option<Duration> {
    let mut sorted = times.to_vec();
    sorted.sort_unstable();
    let rank = (sorted.len() * part).div_ceil(100).max(1);
    sorted.get(rank - 1).copied()
}

fn seconds(time: Option<Duration>) -> String {
    time.map_or_else(|| "-".to_owned(), |time| format!("{:.2} s", time.as_secs_f64()))
}

fn list<K: std::fmt::Display>(counts: &BTreeMap<K, usize>) -> String {
    let parts: Vec<String> = counts.iter().map(|(name, count)| format!("{count} {name}")).collect();
    if parts.is_empty() {
        "-".to_owned()
    } else {
        parts.join(", ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_measured_times() {
        let times: Vec<Duration> = (1..=200).map(Duration::from_millis).collect();
        assert_eq!(percentile(&times, 50), Some(Duration::from_millis(100)));
        assert_eq!(percentile(&times, 99), Some(Duration::from_millis(198)));
        assert_eq!(percentile(&times, 100), Some(Duration::from_millis(200)));
        assert_eq!(percentile(&times[..1], 99), Some(Duration::from_millis(1)));
        assert_eq!(percentile(&[], 50), None);
    }

    #[test]
    fn a_broken_promise_is_noted() {
        let mut figures = Figures::named("x");
        figures.require(true, || "kept".to_owned());
        figures.require(false, || "broken".to_owned());
        assert_eq!(figures.violations, ["broken"]);
    }
}
