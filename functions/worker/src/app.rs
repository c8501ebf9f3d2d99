//! The one place where the worker's parts are put together, for `main` and for tests.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use shared::cache::Cache;
use shared::config::{
    AnsweringConfig, CacheConfig, ConfigError, DatabaseConfig, Env, LlmConfig, MetricsConfig, QueueConfig,
    RetrievalConfig, WorkerConfig, XRayConfig,
};
use shared::db::Db;
use shared::domain::Recipe;
use shared::queue::Queue;
use shared::sandbox;
use shared::telemetry::OrLog;
use shared::telemetry::xray::Daemon;

use crate::jobs::embed;
use crate::llm::{Anthropic, Llm};
use crate::reader::{self, Reader};
use crate::retrieval::Retrieval;
use crate::watch::Watch;

/// A job uses a connection only for moments: on a managed instance with several batches at once so many serve all their
/// jobs.
const MOST_CONNECTIONS: usize = 20;
/// Nobody waits on an open line for the worker, so a statement may take its time.
const STATEMENT_TIMEOUT: Duration = Duration::from_secs(10);

/// Every setting of the function.
#[derive(Debug, Clone)]
pub struct Config {
    /// Attempts, leases, concurrency.
    pub worker: WorkerConfig,
    /// Postgres.
    pub database: DatabaseConfig,
    /// Redis.
    pub cache: CacheConfig,
    /// SQS.
    pub queue: QueueConfig,
    /// Where metrics are counted.
    pub metrics: MetricsConfig,
    /// Who answers.
    pub answering: AnsweringConfig,
    /// How that one is reached.
    pub llm: LlmConfig,
    /// How passages are found.
    pub retrieval: RetrievalConfig,
    /// Who is told of traces.
    pub xray: XRayConfig,
    /// The program that reads documents, see [`crate::reader`]; the worker's own if there is none.
    pub reader: Option<PathBuf>,
}

impl Config {
    /// Reads all sections.
    ///
    /// # Errors
    /// All problems of all sections at once.
    pub fn from_env(mut env: Env) -> Result<Self, ConfigError> {
        let worker = WorkerConfig::from_env(&mut env);
        let answering = AnsweringConfig::from_env(&mut env);
        let connections = connections(worker.concurrency, sandbox::invocations(&env));
        let config = Self {
            database: DatabaseConfig::from_env(&mut env, connections, STATEMENT_TIMEOUT),
            cache: CacheConfig::from_env(&mut env),
            queue: QueueConfig::from_env(&mut env),
            metrics: MetricsConfig::from_env(&mut env),
            llm: LlmConfig::from_env(&mut env, &answering),
            retrieval: RetrievalConfig::from_env(&mut env, &answering),
            xray: XRayConfig::from_env(&mut env),
            reader: None,
            worker,
            answering,
        };
        env.finish().map(|()| config)
    }
}

/// A job holds a connection only while it talks to the database, so it never needs a second one.
fn connections(jobs_of_a_batch: usize, batches: usize) -> usize {
    jobs_of_a_batch
        .saturating_mul(batches)
        .min(jobs_of_a_batch.max(MOST_CONNECTIONS))
}

/// What a job works with. Cheap to clone.
#[derive(Clone)]
pub struct Worker(Arc<Parts>);

/// The parts of a [`Worker`].
pub struct Parts {
    /// Postgres.
    pub db: Db,
    /// Redis.
    pub cache: Cache,
    /// SQS.
    pub queue: Queue,
    /// Who is told of traces.
    pub xray: Daemon,
    /// What gets the text out of documents.
    pub reader: Reader,
    /// The answerer.
    pub llm: Llm,
    /// How passages are found.
    pub retrieval: Retrieval,
    /// Who writes what each passage of a new document is about, if anybody does.
    pub context_writer: Option<Anthropic>,
    /// What, besides question and documents, decides an answer.
    pub recipe: Recipe,
    /// Attempts, leases, concurrency.
    pub config: WorkerConfig,
    /// Notices jobs that are taken away during a call to the answerer.
    pub watch: Watch,
}

impl std::ops::Deref for Worker {
    type Target = Parts;

    fn deref(&self) -> &Parts {
        &self.0
    }
}

impl Worker {
    /// Builds all clients. Nothing is connected yet.
    ///
    /// # Errors
    /// A setting that only its client could check is wrong.
    pub async fn connect(config: &Config) -> anyhow::Result<Self> {
        let llm = Llm::connect(&config.llm).context("set up the language model's client")?;
        let reranker = llm.for_tasks(config.retrieval.rerank_model.as_deref());
        Ok(Self(Arc::new(Parts {
            db: Db::connect(&config.database)?,
            cache: Cache::connect(&config.cache).context("REDIS_URL cannot be used")?,
            queue: Queue::connect(&config.queue).await,
            xray: Daemon::connect(&config.xray),
            reader: Reader::new(match &config.reader {
                Some(program) => program.clone(),
                None => reader::this_program().context("find the program that reads documents")?,
            }),
            retrieval: Retrieval::connect(&config.retrieval, reranker).context("set up the retrieval of passages")?,
            context_writer: llm.for_tasks(config.retrieval.context_model.as_deref()),
            llm,
            recipe: config.answering.recipe(&config.retrieval),
            config: config.worker.clone(),
            watch: Watch::default(),
        })))
    }

    /// Opens the connections while Lambda still counts the time as initialisation.
    pub async fn warm_up(&self) {
        let (database, cache) = tokio::join!(self.db.session(), self.cache.ping());
        database.or_log("open the first connection to Postgres");
        cache.or_log("open the connection to Redis");
        embed::at_start(self)
            .await
            .or_log("look whether the embedding model is new");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_batch_has_a_connection_for_each_job_and_several_share_some() {
        assert_eq!(
            [connections(1, 1), connections(10, 1), connections(100, 1)],
            [1, 10, 100]
        );
        assert_eq!(
            [connections(1, 4), connections(10, 2), connections(10, 64)],
            [4, 20, 20]
        );
        assert_eq!(connections(100, 64), 100);
    }
}
