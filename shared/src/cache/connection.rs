//! The connection to Redis, with the patience a request can afford.

use std::future::Future;
use std::io;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use redis::aio::{ConnectionManager, ConnectionManagerConfig};
use redis::{Cmd, FromRedisValue, Pipeline, RedisError, TlsCertificates};
use secrecy::{ExposeSecret, SecretString};

/// Longer than Redis ever takes when it is well, short enough to go on without it.
const RESPONSE_TIMEOUT: Duration = Duration::from_millis(150);
const CONNECT_TIMEOUT: Duration = Duration::from_millis(200);
/// The longest a command may take in all, with connecting anew and sending again.
const PATIENCE: Duration = Duration::from_millis(250);
/// After a command failed, those that can be left out are, for this long: one request that waits in vain is enough.
const REST: Duration = Duration::from_secs(1);

/// A connection that is made at the first command and made anew when it breaks. The client's own defaults would wait
/// nine seconds for each command while Redis is down.
#[derive(Clone)]
pub(super) struct Connection {
    manager: ConnectionManager,
    /// When the last command failed, if it did.
    failed: Arc<Mutex<Option<Instant>>>,
}

impl Connection {
    /// `authorities`: the certificates to trust as PEM, in place of the system's.
    pub(super) fn new(url: &SecretString, authorities: Option<Vec<u8>>) -> Result<Self, RedisError> {
        let config = ConnectionManagerConfig::new()
            .set_number_of_retries(1)
            .set_min_delay(Duration::from_millis(1))
            .set_max_delay(Duration::from_millis(10))
            .set_connection_timeout(Some(CONNECT_TIMEOUT))
            .set_response_timeout(Some(RESPONSE_TIMEOUT));
        let url = url.expose_secret();
        let client = match authorities {
            None => redis::Client::open(url)?,
            Some(authorities) => redis::Client::build_with_tls(
                url,
                TlsCertificates {
                    client_tls: None,
                    root_cert: Some(authorities),
                },
            )?,
        };
        Ok(Self {
            manager: ConnectionManager::new_lazy_with_config(client, config)?,
            failed: Arc::default(),
        })
    }

    /// Whether Redis has just failed, so that a command that is not needed had better not be sent.
    pub(super) fn is_resting(&self) -> bool {
        let failed = self.failed.lock().unwrap_or_else(PoisonError::into_inner);
        failed.is_some_and(|at| at.elapsed() < REST)
    }

    /// Sends one command. All commands of the cache may be repeated, so one that met a broken connection (as the first
    /// after a thaw does) is sent once more.
    pub(super) async fn run<T: FromRedisValue>(&self, command: &Cmd) -> Result<T, RedisError> {
        let mut manager = self.manager.clone();
        let reply = async {
            match command.query_async(&mut manager).await {
                Err(error) if is_broken_connection(&error) => command.query_async(&mut manager).await,
                outcome => outcome,
            }
        };
        self.patiently(reply).await
    }

    /// Sends a pipeline in one round trip; like [`Self::run`] once more if the connection was broken.
    pub(super) async fn run_all<T: FromRedisValue>(&self, pipeline: &Pipeline) -> Result<T, RedisError> {
        let mut manager = self.manager.clone();
        let reply = async {
            match pipeline.query_async(&mut manager).await {
                Err(error) if is_broken_connection(&error) => pipeline.query_async(&mut manager).await,
                outcome => outcome,
            }
        };
        self.patiently(reply).await
    }

    async fn patiently<T>(&self, reply: impl Future<Output = Result<T, RedisError>>) -> Result<T, RedisError> {
        let reply = tokio::time::timeout(PATIENCE, reply)
            .await
            .unwrap_or_else(|_| Err(io::Error::from(io::ErrorKind::TimedOut).into()));
        *self.failed.lock().unwrap_or_else(PoisonError::into_inner) = reply.is_err().then(Instant::now);
        reply
    }
}

/// A refused connection or a timeout is not repeated: it would only take as long again.
fn is_broken_connection(error: &RedisError) -> bool {
    error.is_connection_dropped() && !error.is_timeout() && !error.is_connection_refusal()
}
