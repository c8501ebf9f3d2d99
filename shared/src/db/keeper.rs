//! Makes connections and decides whether a kept one can still be used.

use std::ops::Deref;
use std::time::{Duration, SystemTime};

use deadpool::managed::{self, Metrics, RecycleError, RecycleResult};
use deadpool_postgres::{ClientWrapper, Manager};

/// A connection that was used this recently is taken as it is. After a longer rest the server is asked first, at the
/// price of a round trip: it may have closed the connection, or be gone without a word.
const TRUSTED_FOR: Duration = Duration::from_secs(1);

/// The pool's manager: `deadpool-postgres`'s own, which asks the server each time, but for connections just used.
pub(super) struct Keeper(Manager);

impl Keeper {
    pub(super) fn new(manager: Manager) -> Self {
        Self(manager)
    }
}

/// A connection with the time of its last use, by the wall clock: that one goes on while a sandbox is frozen.
pub(super) struct Connection {
    client: ClientWrapper,
    used: SystemTime,
}

impl Connection {
    pub(super) fn mark_used(&mut self) {
        self.used = SystemTime::now();
    }

    /// A clock that was set back counts as a long rest.
    fn is_trusted(&self) -> bool {
        SystemTime::now()
            .duration_since(self.used)
            .is_ok_and(|rest| rest < TRUSTED_FOR)
    }
}

impl Deref for Connection {
    type Target = tokio_postgres::Client;

    fn deref(&self) -> &tokio_postgres::Client {
        &self.client
    }
}

impl managed::Manager for Keeper {
    type Type = Connection;
    type Error = tokio_postgres::Error;

    async fn create(&self) -> Result<Connection, tokio_postgres::Error> {
        Ok(Connection {
            client: self.0.create().await?,
            used: SystemTime::now(),
        })
    }

    async fn recycle(&self, connection: &mut Connection, metrics: &Metrics) -> RecycleResult<tokio_postgres::Error> {
        if connection.client.is_closed() {
            Err(RecycleError::message("the server closed the connection"))
        } else if connection.is_trusted() {
            Ok(())
        } else {
            self.0.recycle(&mut connection.client, metrics).await
        }
    }
}
