//! The one place where the janitor's parts are put together, for `main` and for tests.

use std::time::Duration;

use anyhow::Context;
use shared::cache::Cache;
use shared::config::{
    CacheConfig, ConfigError, DatabaseConfig, EmbeddingsConfig, Env, MetricsConfig, QueueConfig, XRayConfig,
};
use shared::db::Db;
use shared::queue::Queue;
use shared::sandbox;
use shared::telemetry::xray::Daemon;

/// An event does one thing after the other. On a managed instance a sweep and dead letters may come at once.
const MOST_CONNECTIONS: usize = 2;
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
    /// Where metrics are counted.
    pub metrics: MetricsConfig,
    /// Whether passages are to have vectors; the workers make them.
    pub embeddings: EmbeddingsConfig,
    /// Who is told of traces.
    pub xray: XRayConfig,
}

impl Config {
    /// Reads all sections.
    ///
    /// # Errors
    /// All problems of all sections at once.
    pub fn from_env(mut env: Env) -> Result<Self, ConfigError> {
        let connections = sandbox::invocations(&env).min(MOST_CONNECTIONS);
        let config = Self {
            database: DatabaseConfig::from_env(&mut env, connections, STATEMENT_TIMEOUT),
            cache: CacheConfig::from_env(&mut env),
            queue: QueueConfig::from_env(&mut env),
            metrics: MetricsConfig::from_env(&mut env),
            embeddings: EmbeddingsConfig::from_env(&mut env),
            xray: XRayConfig::from_env(&mut env),
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
    /// Who is told of traces.
    pub xray: Daemon,
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
            xray: Daemon::connect(&config.xray),
        })
    }
}
