//! Keeps a job while it is worked on.

use std::future::Future;
use std::time::Duration;

use shared::db::DbError;
use shared::db::jobs::{self, Lease};
use shared::telemetry::OrLog;

use crate::app::Worker;

/// Runs `work` and renews lease and visibility timeout together, three times per lease. `None`: the lease was lost,
/// and the work was dropped where it stood (with it a call to the provider that may have been under way).
pub(super) async fn while_renewing<T>(
    worker: &Worker,
    lease: &Lease,
    receipt: Option<&str>,
    work: impl Future<Output = T>,
) -> Option<T> {
    tokio::select! {
        done = work => Some(done),
        () = renew_until_lost(worker, lease, receipt) => None,
    }
}

async fn renew_until_lost(worker: &Worker, lease: &Lease, receipt: Option<&str>) {
    let span = worker.config.lease;
    loop {
        tokio::time::sleep(span / 3).await;
        // A database that cannot be asked does not take the lease away: it may still be ours when the work is done,
        // and the commit will tell.
        if renew(worker, lease, span).await.or_log("renew a lease") == Some(false) {
            return;
        }
        if let Some(receipt) = receipt {
            worker
                .queue
                .defer(receipt, span)
                .await
                .or_log("extend a message's visibility timeout");
        }
    }
}

async fn renew(worker: &Worker, lease: &Lease, span: Duration) -> Result<bool, DbError> {
    jobs::renew(&mut worker.db.session().await?, lease, span).await
}
