//! Notices within about a second that a job whose call to the model is under way was taken away: cancelled, deleted, or
//! given to another worker. One statement a second asks for all calls of this sandbox together; the heartbeat, which
//! renews each lease, comes too rarely for that.

use std::collections::HashMap;
use std::future::Future;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use shared::db::jobs::{self, Lease};
use shared::db::{Db, DbError};
use shared::telemetry::OrLog;
use tokio::sync::Notify;

/// How often it is asked. With the statement itself a call is dropped well within two seconds.
const INTERVAL: Duration = Duration::from_secs(1);

/// The leases under which a call is being made.
#[derive(Debug, Default)]
pub struct Watch {
    leases: Mutex<HashMap<Lease, Arc<Notify>>>,
    /// Whose turn it is to ask, of several batches at once.
    turn: tokio::sync::Mutex<()>,
}

/// Takes a lease from the list when its call ends in whatever way.
struct Entry<'a> {
    watch: &'a Watch,
    lease: Lease,
}

impl Watch {
    /// Runs `call` as long as the lease counts. `None`: it does not any more, and the call was dropped. Somebody has to
    /// [`run`](Self::run) the watch meanwhile.
    pub(crate) async fn while_held<T>(&self, lease: Lease, call: impl Future<Output = T>) -> Option<T> {
        let lost = Arc::new(Notify::new());
        self.leases(|leases| leases.insert(lease, lost.clone()));
        let _entry = Entry { watch: self, lease };
        tokio::select! {
            done = call => Some(done),
            () = lost.notified() => None,
        }
    }

    /// Asks again and again; never ends. On a managed instance each batch runs it: one asks for all of them, and when its
    /// batch is done the next one takes over.
    pub(crate) async fn run(&self, db: &Db) {
        let _turn = self.turn.lock().await;
        loop {
            tokio::time::sleep(INTERVAL).await;
            // A database that cannot be asked takes no lease away.
            self.ask(db).await.or_log("ask which leases still count");
        }
    }

    async fn ask(&self, db: &Db) -> Result<(), DbError> {
        let watched: Vec<Lease> = self.leases(|leases| leases.keys().copied().collect());
        if watched.is_empty() {
            return Ok(());
        }
        let held = jobs::still_held(&mut db.session().await?, &watched).await?;
        self.leases(|leases| {
            for (lease, lost) in leases.iter() {
                if watched.contains(lease) && !held.contains(lease) {
                    lost.notify_one();
                }
            }
        });
        Ok(())
    }

    fn leases<T>(&self, with: impl FnOnce(&mut HashMap<Lease, Arc<Notify>>) -> T) -> T {
        with(&mut self.leases.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Drop for Entry<'_> {
    fn drop(&mut self) {
        self.watch.leases(|leases| leases.remove(&self.lease));
    }
}
