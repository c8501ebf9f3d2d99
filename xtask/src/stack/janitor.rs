//! The janitor's two triggers: its schedule, and the dead-letter queue.

use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::thread::JoinHandle;
use std::time::Duration;

use anyhow::Result;
use serde_json::{Value, json};

use super::aws::{Endpoint, Queue};
use super::pump::Pump;
use crate::{http, progress};

/// How often it is invoked, as by the rule in `template.yaml`.
const INTERVAL: Duration = Duration::from_secs(60);
/// The longest an invocation may take: the function's timeout.
const LIMIT: Duration = Duration::from_secs(60);

/// Where the janitor of the functions at `base` is invoked.
pub(crate) fn invoke_url(base: &str) -> String {
    format!("{base}/2015-03-31/functions/janitor/invocations")
}

/// Invokes the janitor with an event; returns what it answers.
///
/// # Errors
/// If it cannot be reached or fails.
pub(crate) fn invoke(base: &str, event: &Value) -> Result<Value> {
    http::post_within(LIMIT, &invoke_url(base), &[], event)?.expect("the janitor", &[200])
}

/// The running triggers; dropping them ends them after the invocation at hand.
#[derive(Debug)]
pub(crate) struct Triggers {
    dead_letters: Pump,
    schedule: Option<Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Triggers {
    /// Starts both. The first sweep is at once.
    pub(crate) fn start(aws: &Endpoint, dead_letters: &Queue, base: &str) -> Self {
        let (schedule, ended) = mpsc::channel();
        let served_at = base.to_owned();
        let thread = std::thread::spawn(move || {
            loop {
                let swept = invoke(&served_at, &json!({"sweep": {}}));
                let wait = ended.recv_timeout(INTERVAL);
                // While everything ends, the janitor may be gone already.
                if matches!(wait, Ok(()) | Err(RecvTimeoutError::Disconnected)) {
                    return;
                }
                if let Err(error) = swept {
                    progress::line(&format!("          janitor: {error:#}"));
                }
            }
        });
        Self {
            dead_letters: Pump::start("janitor", aws, dead_letters, invoke_url(base)),
            schedule: Some(schedule),
            thread: Some(thread),
        }
    }

    /// Invokes no more.
    pub(crate) fn stop(&mut self) {
        self.dead_letters.stop();
        self.schedule = None;
    }
}

impl Drop for Triggers {
    fn drop(&mut self) {
        self.stop();
        if let Some(thread) = self.thread.take() {
            // A panic there has been printed.
            let _ = thread.join();
        }
    }
}
