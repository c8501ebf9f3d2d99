//! Adds up metrics in CloudWatch's embedded metric format:
//! <https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html>.

use std::collections::BTreeMap;

use serde_json::Value;

/// Of a run of days the percentiles are those of the last ones; sums and counts are of all.
const REMEMBERED: usize = 10_000;

/// A metric with the values of its dimensions, such as `JobsFailed` of the `worker`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Key {
    /// The dimensions' values, in the order in which the line names them: the function first.
    pub(super) dimensions: Vec<String>,
    /// As in the dashboard.
    pub(super) name: String,
}

/// The values of one metric.
#[derive(Debug, Default, Clone)]
pub(super) struct Series {
    /// CloudWatch's name of it: `Count`, `Milliseconds`, `None`.
    pub(super) unit: String,
    /// How many there were.
    pub(super) count: u64,
    /// Of all.
    pub(super) sum: f64,
    last: Vec<f64>,
}

impl Series {
    fn add(&mut self, value: f64) {
        if self.last.len() < REMEMBERED {
            self.last.push(value);
        } else {
            let oldest = usize::try_from(self.count).unwrap_or_default() % REMEMBERED;
            self.last[oldest] = value;
        }
        self.count += 1;
        self.sum += value;
    }

    /// The smallest value that is not below `share` (0 to 1) of the remembered ones; `None` of none.
    pub(super) fn percentile(&self, share: f64) -> Option<f64> {
        let mut sorted = self.last.clone();
        sorted.sort_by(f64::total_cmp);
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            clippy::cast_precision_loss,
            reason = "a share of at most ten thousand values"
        )]
        let rank = (share * sorted.len() as f64).ceil() as usize;
        sorted.get(rank.max(1) - 1).copied()
    }
}

/// All metrics so far.
#[derive(Debug, Default)]
pub(super) struct Tally {
    /// In the order in which they are shown.
    pub(super) metrics: BTreeMap<Key, Series>,
}

impl Tally {
    /// Adds the metrics of a line of a log, if it has some.
    pub(super) fn add(&mut self, line: &str) {
        // Most lines of most logs: an emulator writes more than the functions do.
        if !line.contains("\"_aws\"") {
            return;
        }
        let Ok(line) = serde_json::from_str::<Value>(line) else {
            return;
        };
        for directive in members(&line["_aws"]["CloudWatchMetrics"]) {
            for dimensions in members(&directive["Dimensions"]) {
                for metric in members(&directive["Metrics"]) {
                    self.add_one(&line, dimensions, metric);
                }
            }
        }
    }

    fn add_one(&mut self, line: &Value, dimensions: &Value, metric: &Value) {
        let name = metric["Name"].as_str().unwrap_or_default();
        let Some(value) = line[name].as_f64() else {
            return;
        };
        let value_of = |dimension: &Value| line[dimension.as_str()?].as_str().map(ToOwned::to_owned);
        let key = Key {
            dimensions: members(dimensions).iter().filter_map(value_of).collect(),
            name: name.to_owned(),
        };
        let series = self.metrics.entry(key).or_default();
        metric["Unit"].as_str().unwrap_or("None").clone_into(&mut series.unit);
        series.add(value);
    }

    /// The sum of a metric over all its dimensions.
    pub(super) fn sum(&self, name: &str) -> f64 {
        self.named(name).map(|series| series.sum).sum()
    }

    /// The values of a metric; of the first function that has it.
    pub(super) fn series(&self, name: &str) -> Option<&Series> {
        self.named(name).next()
    }

    fn named(&self, name: &str) -> impl Iterator<Item = &Series> {
        self.metrics
            .iter()
            .filter(move |(key, _)| key.name == name)
            .map(|(_, series)| series)
    }
}

fn members(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

#[cfg(test)]
pub(super) mod tests {
    use serde_json::json;

    use super::*;

    /// A line as a function writes it.
    pub(in crate::stats) fn line(service: &str, metrics: &[(&str, &str, f64)]) -> String {
        let names: Vec<Value> = metrics
            .iter()
            .map(|(name, unit, _)| json!({"Name": name, "Unit": unit}))
            .collect();
        let directive = json!({"Namespace": "Docent", "Dimensions": [["Service"]], "Metrics": names});
        let mut line = json!({
            "_aws": {"Timestamp": 1, "CloudWatchMetrics": [directive]},
            "Service": service,
            "message": "request",
        });
        for (name, _, value) in metrics {
            line[*name] = json!(value);
        }
        line.to_string()
    }

    #[test]
    fn metrics_are_added_up_by_function() {
        let mut tally = Tally::default();
        tally.add(&line(
            "worker",
            &[("JobsFailed", "Count", 2.0), ("CostUsd", "None", 0.5)],
        ));
        tally.add(&line("janitor", &[("JobsFailed", "Count", 1.0)]));
        for rubbish in ["", "\"_aws\"", "{\"_aws\": 1}", "{\"message\":\"request\",\"ms\":1}"] {
            tally.add(rubbish);
        }
        let key = Key {
            dimensions: vec!["worker".to_owned()],
            name: "JobsFailed".to_owned(),
        };
        assert_eq!(tally.metrics[&key].sum, 2.0);
        assert_eq!(tally.sum("JobsFailed"), 3.0);
        assert_eq!(tally.metrics.len(), 3);
    }

    #[test]
    fn percentiles_are_of_the_nearest_rank() {
        let mut series = Series::default();
        assert_eq!(series.percentile(0.5), None);
        for value in [5.0, 1.0, 4.0, 2.0, 3.0] {
            series.add(value);
        }
        let percentiles = [0.0, 0.5, 0.99, 1.0].map(|share| series.percentile(share));
        assert_eq!(percentiles, [Some(1.0), Some(3.0), Some(5.0), Some(5.0)]);
    }

    #[test]
    fn a_long_run_remembers_the_last_values() {
        let mut series = Series::default();
        (0..REMEMBERED).for_each(|_| series.add(1.0));
        (0..REMEMBERED).for_each(|_| series.add(2.0));
        assert_eq!((series.percentile(0.0), series.last.len()), (Some(2.0), REMEMBERED));
        assert_eq!(series.count, 2 * REMEMBERED as u64);
    }
}
