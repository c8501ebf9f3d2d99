//! A line as CloudWatch reads it: a JSON object whose member `_aws` says which of the other members are metrics.
//! <https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html>

use std::fmt::Write;

use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::measures::Measures;
use super::metric::{Metric, Step};
use super::note::Note;

/// The length of a usual line.
const USUAL: usize = 800;

/// One line, without its end. Metrics that are zero or no number are left out; without any, so is `_aws`.
pub(super) fn line(measures: &Measures, namespace: &str, at: OffsetDateTime) -> String {
    let mut line = String::with_capacity(USUAL);
    line.push('{');
    let metrics = || present(&measures.metrics, Metric::ALL.iter().copied());
    if let Some((first, _)) = metrics().next() {
        head(&mut line, first, metrics(), namespace, at);
    }
    text(&mut line, "Service", measures.service.as_str());
    if let Some(kind) = measures.kind {
        text(&mut line, "Kind", kind);
    }
    for (metric, value) in metrics() {
        number(&mut line, metric.name(), value);
    }
    let micros = at.replace_nanosecond(at.microsecond() * 1000).unwrap_or(at);
    text(&mut line, "timestamp", &micros.format(&Rfc3339).unwrap_or_default());
    text(&mut line, "level", measures.level.as_str());
    text(&mut line, "message", measures.message);
    for (field, value) in &measures.notes {
        note(&mut line, field, value);
    }
    for ((_, field), value) in present(&measures.steps, Step::FIELDS.into_iter()) {
        number(&mut line, field, value);
    }
    // Every member has written a comma behind itself.
    line.pop();
    line.push('}');
    line
}

/// What `_aws` says. The dimensions of a line are those of its metrics: one with two dimensions has a line of its own.
fn head(
    line: &mut String,
    first: Metric,
    metrics: impl Iterator<Item = (Metric, f64)>,
    namespace: &str,
    at: OffsetDateTime,
) {
    let milliseconds = at.unix_timestamp_nanos() / 1_000_000;
    let dimensions = first.dimensions();
    // Writing to a string cannot fail.
    let _ = write!(
        line,
        r#""_aws":{{"Timestamp":{milliseconds},"CloudWatchMetrics":[{{"Namespace":"{namespace}","Dimensions":[{dimensions:?}],"Metrics":["#
    );
    for (metric, _) in metrics {
        let (name, unit) = (metric.name(), metric.unit().as_str());
        let _ = write!(line, r#"{{"Name":"{name}","Unit":"{unit}"}},"#);
    }
    line.pop();
    line.push_str("]}]},");
}

/// Those that have a value, with what they are.
fn present<T>(values: &[f64], of: impl Iterator<Item = T>) -> impl Iterator<Item = (T, f64)> {
    of.zip(values.iter().map(|value| rounded(*value)))
        .filter(|(_, value)| value.is_finite() && *value > 0.0)
}

/// To millionths: a millionth of a dollar, a nanosecond.
fn rounded(value: f64) -> f64 {
    (value * 1e6).round() / 1e6
}

fn note(line: &mut String, field: &str, value: &Note) {
    match value {
        Note::Text(value) => text(line, field, value),
        Note::Whole(value) => {
            let _ = write!(line, r#""{field}":{value},"#);
        }
        Note::Number(value) if value.is_finite() => number(line, field, *value),
        Note::Number(_) => {}
        Note::Flag(value) => {
            let _ = write!(line, r#""{field}":{value},"#);
        }
    }
}

fn number(line: &mut String, field: &str, value: f64) {
    let _ = write!(line, r#""{field}":{value},"#);
}

fn text(line: &mut String, field: &str, value: &str) {
    let _ = write!(line, r#""{field}":"#);
    escaped(line, value);
    line.push(',');
}

/// Most texts are ids and names and need no escape.
fn escaped(line: &mut String, value: &str) {
    if value.bytes().all(|byte| byte >= b' ' && byte != b'"' && byte != b'\\') {
        line.push('"');
        line.push_str(value);
        line.push('"');
    } else {
        let _ = write!(line, "{}", serde_json::Value::from(value));
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;
    use serde_json::Value;

    use super::super::Service;
    use super::*;

    fn at() -> OffsetDateTime {
        OffsetDateTime::from_unix_timestamp_nanos(1_795_395_060_806_380_123).unwrap()
    }

    #[test]
    fn a_hit_is_one_short_line() {
        let mut hit = Measures::new(Service::Api, "request");
        hit.metrics[Metric::RequestMs as usize] = 1.234;
        hit.metrics[Metric::CacheHits as usize] = 1.0;
        hit.steps[Step::Cache as usize] = 0.41;
        hit.note("request_id", "5c1f3a52".to_owned().into());
        hit.note("status", 500_u16.into());
        hit.note("status", 200_u16.into());
        assert_eq!(
            line(&hit, "Docent", at()),
            concat!(
                r#"{"_aws":{"Timestamp":1795395060806,"CloudWatchMetrics":[{"Namespace":"Docent","Dimensions":[["Service"]],"#,
                r#""Metrics":[{"Name":"CacheHits","Unit":"Count"},{"Name":"RequestMs","Unit":"Milliseconds"}]}]},"#,
                r#""Service":"api","CacheHits":1,"RequestMs":1.234,"timestamp":"2026-11-23T00:51:00.80638Z","level":"INFO","#,
                r#""message":"request","request_id":"5c1f3a52","status":200,"cache_ms":0.41}"#
            )
        );
    }

    #[test]
    fn a_failed_call_has_a_second_dimension() {
        let mut call = Measures::new(Service::Worker, "call");
        call.metrics[Metric::LlmErrors as usize] = 1.0;
        call.kind = Some("timeout");
        let call: Value = serde_json::from_str(&line(&call, "Docent", at())).unwrap();
        let declared = &call["_aws"]["CloudWatchMetrics"][0];
        assert_eq!(declared["Dimensions"], serde_json::json!([["Service", "Kind"]]));
        assert_eq!((&call["Service"], &call["Kind"]), (&"worker".into(), &"timeout".into()));
    }

    #[test]
    fn without_metrics_there_is_only_a_log_line() {
        let nothing = line(&Measures::new(Service::Janitor, "sweep"), "Docent", at());
        assert!(!nothing.contains("_aws"), "{nothing}");
        let value: Value = serde_json::from_str(&nothing).unwrap();
        assert_eq!(value["message"], "sweep");
    }

    fn notes() -> impl Strategy<Value = Vec<Note>> {
        let note = prop_oneof![
            any::<String>().prop_map(Note::from),
            any::<i64>().prop_map(Note::from),
            any::<f64>().prop_map(Note::from),
            any::<bool>().prop_map(Note::from),
        ];
        proptest::collection::vec(note, 0..4)
    }

    proptest! {
        /// Every metric that is declared is a member and the other way round, whatever was gathered.
        #[test]
        fn what_is_declared_is_there(
            values in proptest::collection::vec(prop_oneof![any::<f64>(), Just(0.0), 0.0..1e9], Metric::ALL.len()),
            steps in any::<[f64; 3]>(),
            notes in notes(),
        ) {
            let mut measures = Measures::new(Service::Worker, "job");
            measures.metrics.copy_from_slice(&values);
            measures.steps = steps;
            for (field, value) in ["job_id", "outcome", "error", "ms"].into_iter().zip(notes.clone()) {
                measures.note(field, value);
            }
            let written = line(&measures, "Docent", at());
            prop_assert!(!written.contains('\n'));
            let value: Value = serde_json::from_str(&written).unwrap();
            let declared: Vec<&str> = value["_aws"]["CloudWatchMetrics"][0]["Metrics"]
                .as_array().into_iter().flatten().map(|metric| metric["Name"].as_str().unwrap()).collect();
            prop_assert!(declared.len() <= 100);
            let members: BTreeSet<&str> = value.as_object().unwrap().keys().map(String::as_str)
                .filter(|name| name.starts_with(char::is_uppercase) && *name != "Service").collect();
            prop_assert_eq!(&declared.iter().copied().collect::<BTreeSet<_>>(), &members);
            prop_assert_eq!(declared.len(), members.len());
            for name in declared {
                prop_assert!(value[name].as_f64().is_some_and(|number| number > 0.0 && number.is_finite()));
            }
            if let Some(Note::Text(text)) = notes.first() {
                prop_assert_eq!(value["job_id"].as_str(), Some(text.as_ref()));
            }
        }
    }
}
