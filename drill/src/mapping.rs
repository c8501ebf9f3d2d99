//! The event source mapping: receives batches, has a function work on them, deletes what was not reported as failed.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use serde_json::{Value, json};
use tokio::task::JoinHandle;

use crate::lambda::{Failure, Function};
use crate::queue::Queue;

/// The pause after the queue could not be asked.
const PAUSE: Duration = Duration::from_millis(200);

/// Running pollers; dropping them ends them.
#[derive(Debug)]
pub(crate) struct Mapping {
    paused: Arc<AtomicBool>,
    twice: Arc<AtomicBool>,
    pollers: Vec<JoinHandle<()>>,
}

impl Mapping {
    /// Starts as many pollers as batches may be worked on at once.
    pub(crate) fn start(queue: &Queue, function: &Arc<Function>, pollers: usize) -> Self {
        let (paused, twice) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicBool::new(false)));
        let poll = |_| {
            let (queue, function) = (queue.clone(), function.clone());
            let (paused, twice) = (paused.clone(), twice.clone());
            tokio::spawn(async move {
                loop {
                    if paused.load(Ordering::Relaxed) || deliver(&queue, &function, &twice).await.is_err() {
                        tokio::time::sleep(PAUSE).await;
                    }
                }
            })
        };
        let pollers = (0..pollers).map(poll).collect();
        Self { paused, twice, pollers }
    }

    /// Takes no further messages, or takes them again.
    pub(crate) fn pause(&self, is_paused: bool) {
        self.paused.store(is_paused, Ordering::Relaxed);
    }

    /// From now on every batch goes to two sandboxes at the same time.
    pub(crate) fn deliver_twice(&self, twice: bool) {
        self.twice.store(twice, Ordering::Relaxed);
    }
}

impl Drop for Mapping {
    fn drop(&mut self) {
        self.pollers.iter().for_each(JoinHandle::abort);
    }
}

async fn deliver(queue: &Queue, function: &Arc<Function>, twice: &AtomicBool) -> anyhow::Result<()> {
    let records = queue.receive().await?;
    if records.is_empty() {
        return Ok(());
    }
    let event = json!({ "Records": records });
    if twice.load(Ordering::Relaxed) {
        let second = async {
            let response = function.invoke(&event).await;
            acknowledge(queue, &records, &response).await
        };
        let first = async {
            let response = function.invoke(&event).await;
            acknowledge(queue, &records, &response).await
        };
        tokio::try_join!(first, second).map(drop)
    } else {
        acknowledge(queue, &records, &function.invoke(&event).await).await
    }
}

/// A failed invocation acknowledges nothing.
async fn acknowledge(queue: &Queue, records: &[Value], response: &Result<Value, Failure>) -> anyhow::Result<()> {
    let Ok(response) = response else { return Ok(()) };
    for record in done(records, response) {
        queue.delete(record).await?;
    }
    Ok(())
}

/// As AWS has it: an id that is empty or unknown fails the whole batch.
fn done<'a>(records: &'a [Value], response: &Value) -> Vec<&'a Value> {
    let failed = failed_ids(response);
    let is_known = |id: &&Value| records.iter().any(|record| record["messageId"] == **id);
    if !failed.iter().all(is_known) {
        return Vec::new();
    }
    let is_done = |record: &&Value| !failed.contains(&&record["messageId"]);
    records.iter().filter(is_done).collect()
}

/// The ids that a function has reported as failed.
pub(crate) fn failed_ids(response: &Value) -> Vec<&Value> {
    let failures = response.get("batchItemFailures").and_then(Value::as_array);
    let ids = failures.into_iter().flatten().map(|failure| &failure["itemIdentifier"]);
    ids.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_not_reported_is_done_and_an_unknown_id_fails_the_batch() {
        let records = [json!({"messageId": "1"}), json!({"messageId": "2"})];
        let failing = |id: &str| json!({"batchItemFailures": [{"itemIdentifier": id}]});
        assert_eq!(done(&records, &failing("2")), [&records[0]]);
        assert_eq!(done(&records, &Value::Null).len(), 2);
        assert!(done(&records, &failing("")).is_empty());
        assert!(done(&records, &failing("3")).is_empty());
    }
}
