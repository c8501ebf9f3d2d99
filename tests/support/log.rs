//! What is logged.

use std::io::Write;
use std::sync::{Arc, Mutex};

use serde_json::Value;
use shared::telemetry::Lines;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::fmt::format::{JsonFields, format};

/// Everything that is logged on this thread, down to the finest level and by every library.
#[derive(Clone, Default)]
pub struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Log {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

impl Log {
    /// While there is only one subscriber, what another test's thread passes first is not asked of it and never logged:
    /// therefore the second, which is only there.
    pub fn begin(&self) -> (tracing::subscriber::DefaultGuard, tracing::Dispatch) {
        let other = tracing::Dispatch::new(tracing_subscriber::registry());
        let subscriber = tracing_subscriber::fmt()
            .event_format(Lines::new(format().json()))
            .fmt_fields(JsonFields::new())
            .with_max_level(tracing::Level::TRACE)
            .with_writer(self.clone())
            .finish();
        (tracing::subscriber::set_default(subscriber), other)
    }

    /// The lines of requests, jobs and the like with this message: those that are metrics as well.
    pub fn lines(&self, message: &str) -> Vec<Value> {
        let text = self.text();
        let all = text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
        all.filter(|line| line["Service"].is_string() && line["message"] == message)
            .collect()
    }

    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.0.lock().unwrap()).into_owned()
    }
}
