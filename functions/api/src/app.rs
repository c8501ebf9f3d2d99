//! The one place where the function's parts are put together, for `main` and for tests.

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::Context;
use shared::cache::Cache;
use shared::config::{
    AnsweringConfig, ApiConfig, AuthConfig, BudgetConfig, CacheConfig, ConfigError, DatabaseConfig, Env, LimitsConfig,
    MetricsConfig, QueueConfig, RetrievalConfig, XRayConfig,
};
use shared::db::Db;
use shared::db::budgets::Budget;
use shared::db::sessions::Lifetimes;
use shared::domain::Recipe;
use shared::queue::Queue;
use shared::sandbox;
use shared::telemetry::OrLog;
use shared::telemetry::xray::Daemon;

use crate::auth::{KnownKeys, Passwords, Tokens};
use crate::limits::Limiter;
use crate::routes::ready::LastReadiness;

/// A request uses one connection, and only for moments: on a managed instance with many at once so many connections
/// serve all of them. An ordinary sandbox answers one request at a time and has one.
const MOST_CONNECTIONS: usize = 10;
/// A client waits for this function, so it gives up early, on a connection and its statement together: an answer comes
/// within three seconds.
const STATEMENT_TIMEOUT: Duration = Duration::from_millis(2500);

/// Every setting of the function.
#[derive(Debug, Clone)]
pub struct Config {
    /// Origins and deadlines.
    pub api: ApiConfig,
    /// How often things may be done.
    pub limits: LimitsConfig,
    /// How many tokens a user may spend.
    pub budget: BudgetConfig,
    /// Tokens.
    pub auth: AuthConfig,
    /// Postgres.
    pub database: DatabaseConfig,
    /// Redis.
    pub cache: CacheConfig,
    /// SQS.
    pub queue: QueueConfig,
    /// Where metrics are counted.
    pub metrics: MetricsConfig,
    /// Who answers, which is part of an answer's key.
    pub answering: AnsweringConfig,
    /// How passages are found, which is part of it too.
    pub retrieval: RetrievalConfig,
    /// Who is told of traces.
    pub xray: XRayConfig,
    /// How many requests this sandbox may have at once.
    pub at_once: usize,
}

impl Config {
    /// Reads all sections.
    ///
    /// # Errors
    /// All problems of all sections at once.
    pub fn from_env(mut env: Env) -> Result<Self, ConfigError> {
        let answering = AnsweringConfig::from_env(&mut env);
        let retrieval = RetrievalConfig::from_env(&mut env, &answering);
        let worst_case = answering.worst_case(&retrieval);
        let at_once = sandbox::invocations(&env);
        let config = Self {
            api: ApiConfig::from_env(&mut env),
            limits: LimitsConfig::from_env(&mut env),
            budget: BudgetConfig::from_env(&mut env, worst_case),
            auth: AuthConfig::from_env(&mut env),
            database: DatabaseConfig::from_env(&mut env, at_once.min(MOST_CONNECTIONS), STATEMENT_TIMEOUT),
            cache: CacheConfig::from_env(&mut env),
            queue: QueueConfig::from_env(&mut env),
            xray: XRayConfig::from_env(&mut env),
            metrics: MetricsConfig::from_env(&mut env),
            retrieval,
            answering,
            at_once,
        };
        env.finish().map(|()| config)
    }

    /// `None` if tokens are not limited, or none are consumed.
    fn budget(&self) -> Option<Budget> {
        let BudgetConfig { daily, monthly } = self.budget;
        let per_question = self.answering.worst_case(&self.retrieval);
        (per_question > 0 && (daily, monthly) != (None, None)).then_some(Budget {
            per_question,
            daily,
            monthly,
        })
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
    /// Who is told of traces.
    pub xray: Daemon,
    /// Signs and verifies access tokens.
    pub tokens: Tokens,
    /// How long sessions live.
    pub session_lifetimes: Lifetimes,
    /// Hashes and verifies passwords.
    pub passwords: Passwords,
    /// What, besides question and documents, decides an answer.
    pub recipe: Recipe,
    /// Origins and deadlines.
    pub config: ApiConfig,
    /// Counts requests.
    pub limits: Limiter,
    /// API keys that this sandbox has seen.
    pub known_keys: KnownKeys,
    /// What a question reserves of its asker's tokens, if there is a budget.
    pub budget: Option<Budget>,
    /// Whether passages have vectors, if Postgres can hold them.
    pub has_embeddings: bool,
    /// What the dependencies said last.
    pub readiness: LastReadiness,
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
        let cache = Cache::connect(&config.cache).context("REDIS_URL cannot be used")?;
        Ok(Self(Arc::new(Parts {
            db: Db::connect(&config.database)?,
            limits: Limiter::new(config.limits.clone(), cache.clone()),
            known_keys: KnownKeys::default(),
            budget: config.budget(),
            cache,
            queue: Queue::connect(&config.queue).await,
            xray: Daemon::connect(&config.xray),
            tokens: Tokens::new(&config.auth)?,
            session_lifetimes: Lifetimes {
                idle: config.auth.refresh_lifetime,
                in_all: config.auth.session_lifetime,
            },
            passwords: Passwords::for_requests(config.at_once),
            recipe: config.answering.recipe(&config.retrieval),
            has_embeddings: config.retrieval.embeddings.identity().is_some(),
            config: config.api.clone(),
            readiness: LastReadiness::default(),
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
