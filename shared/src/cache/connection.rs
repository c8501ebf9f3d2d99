//! The connection to Redis, with the patience a request can afford.

use std::future::Future;
use std::io;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use redis::aio::{ConnectionManager, ConnectionManagerConfig};
use redis::{Cmd, ErrorKind, FromRedisValue, Pipeline, RedisError, TlsCertificates};
use secrecy::{ExposeSecret, SecretString};

use crate::config::{CacheConfig, Env, Source};
use crate::secrets::{self, Rotating};
use crate::telemetry::{Step, measures};

/// Longer than Redis ever takes when it is well, short enough to go on without it.
const RESPONSE_TIMEOUT: Duration = Duration::from_millis(150);
const CONNECT_TIMEOUT: Duration = Duration::from_millis(200);
/// The longest a command may take in all, with connecting anew and sending again.
const PATIENCE: Duration = Duration::from_millis(250);
/// After a command failed, those that can be left out are, for this long: one request that waits in vain is enough.
const REST: Duration = Duration::from_secs(1);

/// A connection that is made at the first command and made anew when it breaks. The client's own defaults would wait
/// nine seconds for each command while Redis is down.
///
/// A password that is refused is read again, and if there is a new one it is used at once.
#[derive(Clone)]
pub(super) struct Connection {
    ways: Arc<Rotating<Way>>,
    /// When the last command failed, if it did.
    failed: Arc<Mutex<Option<Instant>>>,
}

/// A server with a login, and the connection to it.
struct Way {
    client: redis::Client,
    manager: ConnectionManager,
}

/// What is sent in one round trip.
#[derive(Clone, Copy)]
enum Sent<'a> {
    One(&'a Cmd),
    All(&'a Pipeline),
}

impl Sent<'_> {
    async fn by<T: FromRedisValue>(self, way: &Way) -> Result<T, RedisError> {
        let mut manager = way.manager.clone();
        match self {
            Self::One(command) => command.query_async(&mut manager).await,
            Self::All(pipeline) => pipeline.query_async(&mut manager).await,
        }
    }
}

impl Way {
    fn new(url: &SecretString, authorities: Option<Vec<u8>>) -> Result<Self, RedisError> {
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
        Self::of(client)
    }

    fn of(client: redis::Client) -> Result<Self, RedisError> {
        let config = ConnectionManagerConfig::new()
            .set_number_of_retries(1)
            .set_min_delay(Duration::from_millis(1))
            .set_max_delay(Duration::from_millis(10))
            .set_connection_timeout(Some(CONNECT_TIMEOUT))
            .set_response_timeout(Some(RESPONSE_TIMEOUT));
        let manager = ConnectionManager::new_lazy_with_config(client.clone(), config)?;
        Ok(Self { client, manager })
    }

    /// The same, not connected yet.
    fn anew(&self) -> Result<Self, RedisError> {
        Self::of(self.client.clone())
    }
}

impl Connection {
    /// `authorities`: the certificates to trust as PEM, in place of the system's. `source`: where a new password is to be had.
    pub(super) fn new(url: &SecretString, authorities: Option<Vec<u8>>, source: &Source) -> Result<Self, RedisError> {
        let way = Way::new(url, authorities.clone())?;
        let again = move |env: &mut Env| {
            let url = CacheConfig::from_env(env).url.unwrap_or_default();
            Way::new(&url, authorities.clone())
        };
        Ok(Self {
            ways: Rotating::new(source, "REDIS_URL", secrets::REST, way, again),
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
        self.patiently(self.stubbornly(Sent::One(command))).await
    }

    /// Sends a pipeline in one round trip; like [`Self::run`] once more if the connection was broken.
    pub(super) async fn run_all<T: FromRedisValue>(&self, pipeline: &Pipeline) -> Result<T, RedisError> {
        self.patiently(self.stubbornly(Sent::All(pipeline))).await
    }

    async fn stubbornly<T: FromRedisValue>(&self, sent: Sent<'_>) -> Result<T, RedisError> {
        let way = self.ways.current();
        match sent.by(&way).await {
            Err(error) if is_broken_connection(&error) => sent.by(&way).await,
            Err(error) if is_refused(&error) => match self.ways.instead_of(&way).await {
                Some(way) => sent.by(&way).await,
                None => {
                    // A manager keeps to the refusal of its first connection for ever, also when the password counts again.
                    self.ways.replace(&way, way.anew()?);
                    Err(error)
                }
            },
            outcome => outcome,
        }
    }

    async fn patiently<T>(&self, reply: impl Future<Output = Result<T, RedisError>>) -> Result<T, RedisError> {
        let _timed = measures::timed(Step::Cache);
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

/// At connecting, or at the first command of a login without a password.
/// <https://redis.io/docs/latest/commands/auth/>
fn is_refused(error: &RedisError) -> bool {
    error.kind() == ErrorKind::AuthenticationFailed || matches!(error.code(), Some("NOAUTH" | "WRONGPASS"))
}
