//! Starts logging.

use std::sync::OnceLock;

use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::Directive;
use tracing_subscriber::fmt::format;
use tracing_subscriber::fmt::format::JsonFields;

use super::line::{LINE, Lines};
use crate::config::MetricsConfig;

static NAMESPACE: OnceLock<String> = OnceLock::new();

/// Starts logging. `LOG_LEVEL` chooses what is written (`info` if it is not set; a list such as `warn,api=debug` works
/// too). The lines that are metrics are written whatever it says.
pub fn init() {
    let started = tracing_subscriber::fmt()
        .event_format(Lines::new(
            format()
                .json()
                .flatten_event(true)
                .with_current_span(true)
                .with_span_list(false)
                .with_target(false),
        ))
        .fmt_fields(JsonFields::new())
        .with_env_filter(filter(std::env::var("LOG_LEVEL").ok().as_deref()))
        .try_init();
    if started.is_err() {
        tracing::debug!("logging was already started");
    }
}

/// Says in which namespace of CloudWatch the metrics are counted; `Docent` if nobody does. The first one counts.
pub fn count_in(config: &MetricsConfig) {
    if NAMESPACE.set(config.namespace.clone()).is_err() {
        tracing::debug!("the namespace of the metrics was already set");
    }
}

pub(super) fn namespace() -> &'static str {
    NAMESPACE.get().map_or(MetricsConfig::DEFAULT, String::as_str)
}

/// A directive for a target takes the place of one for the same target: no level can keep the lines away.
fn filter(level: Option<&str>) -> EnvFilter {
    let chosen = level.and_then(|level| EnvFilter::try_new(level).ok());
    let chosen = chosen.unwrap_or_else(|| EnvFilter::new("info"));
    match format!("{LINE}=info").parse::<Directive>() {
        Ok(always) => chosen.add_directive(always),
        Err(_) => chosen,
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::sync::{Arc, Mutex};

    use super::super::{Metric, Service, measures};
    use super::*;

    #[derive(Clone, Default)]
    struct Written(Arc<Mutex<Vec<u8>>>);

    impl Write for Written {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    /// What is written of one event of each level and one line.
    async fn written(level: Option<&str>) -> String {
        let written = Written::default();
        let writer = written.clone();
        let subscriber = tracing_subscriber::fmt()
            .event_format(Lines::new(format().json().flatten_event(true)))
            .fmt_fields(JsonFields::new())
            .with_env_filter(filter(level))
            .with_writer(move || writer.clone())
            .finish();
        // While there is only one subscriber, what another test's thread passes first is not asked of it.
        let _other = tracing::Dispatch::new(tracing_subscriber::registry());
        let _guard = tracing::subscriber::set_default(subscriber);
        tracing::error!("an error");
        tracing::info!("an info");
        tracing::debug!("a debug");
        measures::of(Service::Api, "request", async { measures::count(Metric::CacheHits) }).await;
        String::from_utf8(written.0.lock().unwrap().clone()).unwrap()
    }

    #[tokio::test]
    async fn no_level_keeps_the_lines_away() {
        for (level, events) in [
            (None, 2),
            (Some("off"), 0),
            (Some("error"), 1),
            (Some("debug"), 3),
            (Some("docent::line=off,error"), 1),
            (Some("not=a=level"), 2),
        ] {
            let text = written(level).await;
            let lines: Vec<&str> = text.lines().collect();
            assert_eq!(lines.len(), events + 1, "{level:?}: {text}");
            let line: serde_json::Value = serde_json::from_str(lines[events]).unwrap();
            assert_eq!((&line["message"], &line["CacheHits"]), (&"request".into(), &1.into()));
            assert!(lines[events].starts_with(r#"{"_aws""#), "written as it is");
        }
    }
}
