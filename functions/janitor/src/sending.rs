//! Sends jobs to the queue, several at once.

use std::time::Duration;

use futures_util::{StreamExt, stream};
use shared::job_message::OwnedJob;
use shared::telemetry::OrLog;

use crate::app::Janitor;

/// How many messages are on their way at once.
const AT_ONCE: usize = 10;

/// Returns how many were sent. What was not is due again later: its row says when.
pub(crate) async fn send_all(janitor: &Janitor, jobs: Vec<OwnedJob>) -> usize {
    stream::iter(jobs)
        .map(|job| async move {
            let sent = janitor.queue.send(job, Duration::ZERO).await;
            sent.or_log("send a job to the queue").is_some()
        })
        .buffer_unordered(AT_ONCE)
        .filter(|sent| std::future::ready(*sent))
        .count()
        .await
}
