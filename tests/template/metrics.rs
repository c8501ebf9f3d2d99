//! The dashboard, the alarms and the documentation name exactly the metrics that the code counts.

use std::collections::BTreeSet;

use shared::telemetry::Metric;
use worker::llm::Kind;

use super::document::{Template, read};

/// A metric as the template names it: name, and the value of `Service`, if it names one.
type Named = (String, Option<String>);

/// Every metric of ours with each of the functions that count it. One with a second dimension is searched for, whoever counts it.
fn of_the_code() -> BTreeSet<Named> {
    let pairs = Metric::ALL.iter().flat_map(|metric| {
        let is_plain = metric.dimensions() == ["Service"];
        let services = metric.services().iter();
        services.map(move |service| (metric.name().to_owned(), is_plain.then(|| service.as_str().to_owned())))
    });
    pairs.collect()
}

/// `["${MetricsNamespace}", "CacheHits", "Service", "api", ...` and `SEARCH('{${MetricsNamespace},Service,Kind} MetricName="LlmErrors"`.
fn of_the_dashboard(text: &str) -> BTreeSet<Named> {
    let plain = text.split(r#"["${MetricsNamespace}", "#).skip(1).map(|rest| {
        let words: Vec<&str> = rest.split('"').skip(1).step_by(2).take(3).collect();
        assert_eq!(words[1], "Service", "{words:?}");
        (words[0].to_owned(), Some(words[2].to_owned()))
    });
    let searched = text.split("{${MetricsNamespace},").skip(1).map(|rest| {
        let (dimensions, rest) = rest.split_once('}').unwrap();
        let name = rest
            .split(r#"MetricName=\""#)
            .nth(1)
            .unwrap()
            .split('\\')
            .next()
            .unwrap();
        let metric = Metric::ALL.iter().find(|metric| metric.name() == name);
        let metric = metric.unwrap_or_else(|| panic!("{name} is searched for and not counted"));
        assert_eq!(dimensions, metric.dimensions().join(","), "{name}");
        (name.to_owned(), None)
    });
    plain.chain(searched).collect()
}

/// The alarms' metrics of ours, by themselves or one of several.
fn of_the_alarms(template: &Template) -> BTreeSet<Named> {
    let mut named = BTreeSet::new();
    for (alarm, resource) in template.resources("AWS::CloudWatch::Alarm") {
        let properties = &resource["Properties"];
        let several = properties["Metrics"].as_vec().into_iter().flatten();
        let metrics = several
            .map(|metric| &metric["MetricStat"]["Metric"])
            .chain([properties]);
        for metric in metrics.filter(|metric| metric["Namespace"].as_str() == Some("MetricsNamespace")) {
            let dimensions = metric["Dimensions"].as_vec().unwrap();
            assert_eq!(dimensions.len(), 1, "{alarm}");
            assert_eq!(dimensions[0]["Name"].as_str(), Some("Service"), "{alarm}");
            let text = |value: &yaml_rust2::Yaml| value.as_str().unwrap().to_owned();
            named.insert((text(&metric["MetricName"]), Some(text(&dimensions[0]["Value"]))));
        }
    }
    named
}

#[test]
fn the_dashboard_shows_what_is_counted_and_nothing_else() {
    assert_eq!(of_the_dashboard(&read("template.yaml")), of_the_code());
}

#[test]
fn an_alarm_watches_what_is_counted() {
    let (alarms, code) = (of_the_alarms(&Template::load()), of_the_code());
    assert!(alarms.len() >= 4, "{alarms:?}");
    assert!(alarms.is_subset(&code), "{alarms:?}");
}

/// `| CacheHits | Count | api | ... |`
#[test]
fn the_documentation_lists_what_is_counted_and_nothing_else() {
    let text = read("docs/operations.md");
    let (_, section) = text.split_once("\n## Metrics\n").unwrap();
    let section = section.split("\n## ").next().unwrap();
    let rows: BTreeSet<[String; 4]> = section
        .lines()
        .filter(|line| line.starts_with("| `"))
        .map(|line| {
            let mut cells = line.split('|').map(|cell| cell.trim().replace('`', "")).skip(1);
            std::array::from_fn(|_| cells.next().unwrap())
        })
        .collect();
    let code = Metric::ALL.iter().map(|metric| {
        let services: Vec<&str> = metric.services().iter().map(|service| service.as_str()).collect();
        [
            metric.name().to_owned(),
            metric.unit().as_str().to_owned(),
            metric.dimensions().join(", "),
            services.join(", "),
        ]
    });
    assert_eq!(rows, code.collect());
    let errors = section.lines().find(|line| line.starts_with("| `LlmErrors`")).unwrap();
    let (_, kinds) = errors.split_once("`Kind`:").unwrap();
    let kinds: Vec<&str> = kinds.split('`').skip(1).step_by(2).collect();
    assert_eq!(kinds, Kind::COUNTED.map(Kind::as_str));
}
