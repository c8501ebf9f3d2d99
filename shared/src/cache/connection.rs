//! The connection to Redis, with the patience a request can afford.

use std::time::Duration;

use redis::aio::{ConnectionManager, ConnectionManagerConfig};
use redis::{Cmd, FromRedisValue, Pipeline, RedisError};
use secrecy::{ExposeSecret, SecretString};

/// Longer than Redis ever takes when it is well, short enough to go on without it.
const RESPONSE_TIMEOUT: Duration = Duration::from_millis(150);
const CONNECT_TIMEOUT: Duration = Duration::from_millis(200);

/// A connection that is made at the first command and made anew when it breaks. The client's own defaults would wait
/// nine seconds for each command while Redis is down.
#[derive(Clone)]
pub(super) struct Connection(ConnectionManager);

impl Connection {
    pub(super) fn new(url: &SecretString) -> Result<Self, RedisError> {
        let config = ConnectionManagerConfig::new()
            .set_number_of_retries(1)
            .set_min_delay(Duration::from_millis(1))
            .set_max_delay(Duration::from_millis(10))
            .set_connection_timeout(Some(CONNECT_TIMEOUT))
            .set_response_timeout(Some(RESPONSE_TIMEOUT));
        let client = redis::Client::open(url.expose_secret())?;
        ConnectionManager::new_lazy_with_config(client, config).map(Self)
    }

    /// Sends one command. All commands of the cache may be repeated, so one that met a broken connection (as the first
    /// after a thaw does) is sent once more.
    pub(super) async fn run<T: FromRedisValue>(&self, command: &Cmd) -> Result<T, RedisError> {
        let mut manager = self.0.clone();
        match command.query_async(&mut manager).await {
            Err(error) if is_broken_connection(&error) => command.query_async(&mut manager).await,
            outcome => outcome,
        }
    }

    /// Sends a pipeline in one round trip; like [`Self::run`] once more if the connection was broken.
    pub(super) async fn run_all<T: FromRedisValue>(&self, pipeline: &Pipeline) -> Result<T, RedisError> {
        let mut manager = self.0.clone();
        match pipeline.query_async(&mut manager).await {
            Err(error) if is_broken_connection(&error) => pipeline.query_async(&mut manager).await,
            outcome => outcome,
        }
    }
}

/// A refused connection or a timeout is not repeated: it would only take as long again.
fn is_broken_connection(error: &RedisError) -> bool {
    error.is_connection_dropped() && !error.is_timeout() && !error.is_connection_refusal()
}
