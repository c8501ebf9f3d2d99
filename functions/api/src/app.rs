//! The one place where the function's parts are put together, for `main` and for tests.

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::Context;
use shared::cache::Cache;
use shared::config::{
    AnsweringConfig, ApiConfig, AuthConfig, CacheConfig, ConfigError, DatabaseConfig, Env, QueueConfig, RetrievalConfig,
};
use shared::db::Db;
use shared::domain::Recipe;
use shared::queue::Queue;
use shared::telemetry::OrLog;

use crate::auth::{Passwords, Tokens};

/// A sandbox answers one request at a time, so one connection is all it can use.
const DATABASE_CONNECTIONS: usize = 1;
/// A client waits for this function, so it gives up early, on a connection and its statement together: an answer comes
/// within three seconds.
const STATEMENT_TIMEOUT: Duration = Duration::from_millis(2500);

/// Every setting of the function.
#[derive(Debug, Clone)]
pub struct Config {
    /// Origins and deadlines.
    pub api: ApiConfig,
    /// Tokens.
    pub auth: AuthConfig,
    /// Postgres.
    pub database: DatabaseConfig,
    /// Redis.
    pub cache: CacheConfig,
    /// SQS.
    pub queue: QueueConfig,
    /// Who answers, which is part of an answer's key.
    pub answering: AnsweringConfig,
    /// How passages are found, which is part of it too.
    pub retrieval: RetrievalConfig,
}

impl Config {
    /// Reads all sections.
    ///
    /// # Errors
    /// All problems of all sections at once.
    pub fn from_env(mut env: Env) -> Result<Self, ConfigError> {
        let answering = AnsweringConfig::from_env(&mut env);
        let config = Self {
            api: ApiConfig::from_env(&mut env),
            auth: AuthConfig::from_env(&mut env),
            database: DatabaseConfig::from_env(&mut env, DATABASE_CONNECTIONS, STATEMENT_TIMEOUT),
            cache: CacheConfig::from_env(&mut env),
            queue: QueueConfig::from_env(&mut env),
            retrieval: RetrievalConfig::from_env(&mut env, &answering),
            answering,
        };
        env.finish().map(|()| config)
    }
}

/// What a handler works with. Cheap to clone.
#[derive(Clone)]
pub struct App(Arc<Parts>);

/// The parts of an [`App`].
pub struct Parts {
    /// Postgres.
    pub db: Db,
    /// Redis.
    pub cache: Cache,
    /// SQS.
    pub queue: Queue,
    /// Signs and verifies access tokens.
    pub tokens: Tokens,
    /// Hashes and verifies passwords.
    pub passwords: Passwords,
    /// What, besides question and documents, decides an answer.
    pub recipe: Recipe,
    /// Origins and deadlines.
    pub config: ApiConfig,
    /// Whether passages have vectors, if Postgres can hold them.
    pub has_embeddings: bool,
    /// When this sandbox started.
    pub started: Instant,
}

impl std::ops::Deref for App {
    type Target = Parts;

    fn deref(&self) -> &Parts {
        &self.0
    }
}

impl App {
    /// Builds all clients. Nothing is connected yet.
    ///
    /// # Errors
    /// A setting that only its client could check is wrong.
    pub async fn connect(config: &Config) -> anyhow::Result<Self> {
        Ok(Self(Arc::new(Parts {
            db: Db::connect(&config.database)?,
            cache: Cache::connect(&config.cache).context("REDIS_URL cannot be used")?,
            queue: Queue::connect(&config.queue).await,
            tokens: Tokens::new(&config.auth),
            passwords: Passwords::new(),
            recipe: config.answering.recipe(&config.retrieval),
            has_embeddings: config.retrieval.embeddings.identity().is_some(),
            config: config.api.clone(),
            started: Instant::now(),
        })))
    }

    /// Opens the connections while Lambda still counts the time as initialisation. A part that is down does not keep
    /// the function from starting: requests will say so.
    pub async fn warm_up(&self) {
        let (database, cache) = tokio::join!(self.db.session(), self.cache.ping());
        database.or_log("open the first connection to Postgres");
        cache.or_log("open the connection to Redis");
    }
}
