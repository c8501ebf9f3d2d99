//! The one place where the janitor's parts are put together, for `main` and for tests.

use std::time::Duration;

use anyhow::Context;
use shared::cache::Cache;
use shared::config::{CacheConfig, ConfigError, DatabaseConfig, EmbeddingsConfig, Env, QueueConfig};
use shared::db::Db;
use shared::queue::Queue;

/// It does one thing after the other.
const DATABASE_CONNECTIONS: usize = 1;
/// Nobody waits for it.
const STATEMENT_TIMEOUT: Duration = Duration::from_secs(15);

/// Every setting of the function.
#[derive(Debug, Clone)]
pub struct Config {
    /// Postgres.
    pub database: DatabaseConfig,
    /// Redis.
    pub cache: CacheConfig,
    /// The job queue, which it sends to.
    pub queue: QueueConfig,
    /// Whether passages are to have vectors; the workers make them.
    pub embeddings: EmbeddingsConfig,
}

impl Config {
    /// Reads all sections.
    ///
    /// # Errors
    /// All problems of all sections at once.
    pub fn from_env(mut env: Env) -> Result<Self, ConfigError> {
        let config = Self {
            database: DatabaseConfig::from_env(&mut env, DATABASE_CONNECTIONS, STATEMENT_TIMEOUT),
            cache: CacheConfig::from_env(&mut env),
            queue: QueueConfig::from_env(&mut env),
            embeddings: EmbeddingsConfig::from_env(&mut env),
        };
        env.finish().map(|()| config)
    }
}

/// What the janitor works with. Cheap to clone.
#[derive(Clone)]
pub struct Janitor {
    /// Postgres.
    pub db: Db,
    /// Redis.
    pub cache: Cache,
    /// SQS.
    pub queue: Queue,
    /// Whether passages are to have vectors.
    pub has_embeddings: bool,
}

impl Janitor {
    /// Builds all clients. Nothing is connected yet.
    ///
    /// # Errors
    /// A setting that only its client could check is wrong.
    pub async fn connect(config: &Config) -> anyhow::Result<Self> {
        Ok(Self {
            db: Db::connect(&config.database)?,
            cache: Cache::connect(&config.cache).context("REDIS_URL cannot be used")?,
            queue: Queue::connect(&config.queue).await,
            has_embeddings: config.embeddings.identity().is_some(),
        })
    }
}
