//! The one line that each request, job, sweep and batch of dead letters has in the log, which is its metrics as well.

mod calls;
mod jobs;
mod looked_after;
mod requests;

use serde_json::{Value, json};
use shared::telemetry::Metric;

use crate::support::Log;

/// The lines with this message. Each declares exactly the metrics it has, and none that are not of its function.
fn lines(log: &Log, message: &str) -> Vec<Value> {
    let lines = log.lines(message);
    lines.iter().for_each(is_well_formed);
    lines
}

/// The only line with this message.
fn line(log: &Log, message: &str) -> Value {
    let mut lines = lines(log, message);
    assert_eq!(lines.len(), 1, "{lines:?}");
    lines.remove(0)
}

fn is_well_formed(line: &Value) {
    let of_line = |metric: &&Metric| line[metric.name()].is_number();
    let metrics: Vec<&Metric> = Metric::ALL.iter().filter(of_line).collect();
    for metric in &metrics {
        let services = metric.services().iter();
        let mut names = services.map(|service| json!(service.as_str()));
        assert!(names.any(|name| line["Service"] == name), "{metric:?}: {line}");
        assert!(line[metric.name()].as_f64().unwrap() > 0.0, "{metric:?}: {line}");
    }
    let declared = &line["_aws"]["CloudWatchMetrics"][0];
    let names: Vec<&Value> = declared["Metrics"].as_array().into_iter().flatten().collect();
    let expected: Vec<Value> = metrics
        .iter()
        .map(|metric| json!({"Name": metric.name(), "Unit": metric.unit().as_str()}))
        .collect();
    assert_eq!(names, expected.iter().collect::<Vec<_>>(), "{line}");
    for metric in metrics {
        assert_eq!(declared["Dimensions"], json!([metric.dimensions()]), "{line}");
        for dimension in metric.dimensions() {
            assert!(line[dimension].is_string(), "{line}");
        }
    }
}

/// The metrics of a line that count, with their numbers.
fn counts(line: &Value) -> Vec<(&'static str, f64)> {
    let counted = Metric::ALL.iter().filter(|metric| metric.unit().as_str() == "Count");
    counted
        .filter_map(|metric| Some((metric.name(), line[metric.name()].as_f64()?)))
        .collect()
}

fn number(line: &Value, name: &str) -> f64 {
    line[name].as_f64().unwrap_or_else(|| panic!("{name}: {line}"))
}
