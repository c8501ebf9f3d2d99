//! The way of a finished line to standard output: as an event like any other, so that whoever sees what is logged sees
//! it, but written as it is.

use std::fmt;

use tracing::field::{Field, Visit};
use tracing::{Event, Subscriber};
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields};
use tracing_subscriber::registry::LookupSpan;

/// The target that is reserved for finished lines.
pub(super) const LINE: &str = "docent::line";

/// Formats events like `F`, and writes finished lines as they are.
#[derive(Debug, Clone)]
pub struct Lines<F>(F);

impl<F> Lines<F> {
    /// With the format of all other events.
    pub fn new(others: F) -> Self {
        Self(others)
    }
}

impl<S, N, F> FormatEvent<S, N> for Lines<F>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
    F: FormatEvent<S, N>,
{
    fn format_event(&self, context: &FmtContext<'_, S, N>, mut writer: Writer<'_>, event: &Event<'_>) -> fmt::Result {
        if event.metadata().target() != LINE {
            return self.0.format_event(context, writer, event);
        }
        let mut raw = Raw(writer.by_ref(), Ok(()));
        event.record(&mut raw);
        raw.1?;
        writeln!(writer)
    }
}

/// Hands a finished line to the log.
pub(super) fn write(line: &str) {
    tracing::info!(target: LINE, line);
}

/// Whether anybody would see it.
pub(super) fn is_wanted() -> bool {
    tracing::enabled!(target: LINE, tracing::Level::INFO)
}

struct Raw<'a>(Writer<'a>, fmt::Result);

impl Visit for Raw<'_> {
    fn record_str(&mut self, _: &Field, line: &str) {
        self.1 = self.0.write_str(line);
    }

    fn record_debug(&mut self, _: &Field, _: &dyn fmt::Debug) {}
}
