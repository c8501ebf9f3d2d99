//! Puts a world together.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicU32;
use std::time::Duration;

use anyhow::{Result, bail};
use serde_json::json;
use uuid::Uuid;

use super::{Beside, Database, LANES, Proxies, Redis, Wish, World};
use crate::environment::Environment;
use crate::history::History;
use crate::lambda::{Function, Plan};
use crate::mapping::Mapping;
use crate::model::Model;
use crate::proxy::Proxy;
use crate::queue::{MAX_RECEIVES, Queue, REGION};

/// The template's timeouts.
const API_TIMEOUT: Duration = Duration::from_secs(10);
const WORKER_TIMEOUT: Duration = Duration::from_secs(90);
const JANITOR_TIMEOUT: Duration = Duration::from_secs(60);

/// The janitor with what makes it run.
#[derive(Debug)]
pub(super) struct Janitor {
    _schedule: Beside,
    _dead_letters: Mapping,
}

pub(super) async fn assemble(environment: &Environment, wish: &Wish) -> Result<World> {
    let database = Database::create(&environment.database_url).await?;
    let own_redis = if wish.own_redis {
        Some(Redis::start(&environment.redis_server).await?)
    } else {
        None
    };
    let redis_url = own_redis
        .as_ref()
        .map_or_else(|| environment.redis_url.clone(), Redis::url);
    let name = format!("{}-{}", wish.name, Uuid::new_v4().simple());
    let (queue, dead_letters) = Queue::with_dead_letters(&environment.aws_url, &name).await?;
    let model = Model::start().await;
    let proxies = Proxies([
        Proxy::to(&database.functions_url).await?,
        Proxy::to(&redis_url).await?,
        Proxy::to(&environment.aws_url).await?,
        Proxy::to(model.url()).await?,
    ]);
    let addresses = Addresses {
        database: proxies.0[0].through(&database.functions_url),
        redis: proxies.0[1].through(&redis_url),
        aws: proxies.0[2].through(&environment.aws_url),
        llm: proxies.0[3].through(model.url()),
    };
    let variables = variables(&addresses, &queue, &dead_letters, wish);
    let start = |function, sandboxes, timeout| {
        let plan = plan(environment, wish, (function, sandboxes, timeout), &variables);
        async move { Function::start(&plan?).await.map(Arc::new) }
    };
    let api = start("api", LANES, API_TIMEOUT).await?;
    let worker = start("worker", wish.workers, WORKER_TIMEOUT).await?;
    let janitor = if environment.functions.join("janitor").exists() {
        let janitor = start("janitor", 2, JANITOR_TIMEOUT).await?;
        Some(look_after(&janitor, &dead_letters, wish.janitor_period))
    } else {
        None
    };
    Ok(World {
        mapping: Mapping::start(&queue, &worker, wish.workers),
        database,
        model,
        api,
        worker,
        users: Vec::new(),
        history: History::default(),
        redis: own_redis.map(tokio::sync::Mutex::new),
        proxies,
        lanes: tokio::sync::Semaphore::new(LANES),
        tokens: AtomicU32::new(1),
        _janitor: janitor,
    })
}

/// Where the functions find their services: behind the proxies.
struct Addresses {
    database: String,
    redis: String,
    aws: String,
    llm: String,
}

fn variables(to: &Addresses, queue: &Queue, dead_letters: &Queue, wish: &Wish) -> BTreeMap<String, String> {
    let mut variables = BTreeMap::new();
    let secret = format!("{}{}", Uuid::new_v4().simple(), Uuid::new_v4().simple());
    let max_receives = MAX_RECEIVES.to_string();
    let usual = [
        ("DATABASE_URL", to.database.as_str()),
        ("REDIS_URL", &to.redis),
        ("CACHE_KEY_PREFIX", &wish.name),
        ("QUEUE_URL", &queue.url),
        ("DEAD_LETTER_QUEUE_URL", &dead_letters.url),
        ("QUEUE_MAX_RECEIVES", &max_receives),
        ("JWT_SECRET", &secret),
        ("JWT_EXPIRY", "1d"),
        // What is measured is what becomes of the questions of a flood, not that a flood is turned away.
        ("RATE_LIMIT_ADDRESS", "off"),
        ("RATE_LIMIT_ASK", "off"),
        ("RATE_LIMIT_POLL", "off"),
        ("RATE_LIMIT_READ", "off"),
        ("RATE_LIMIT_SIGN_UP", "off"),
        ("RATE_LIMIT_UPLOAD", "off"),
        ("RATE_LIMIT_WRITE", "off"),
        ("ANTHROPIC_API_KEY", "drill"),
        ("ANTHROPIC_BASE_URL", &to.llm),
        ("AWS_ENDPOINT_URL", &to.aws),
        ("AWS_REGION", REGION),
        ("AWS_ACCESS_KEY_ID", "test"),
        ("AWS_SECRET_ACCESS_KEY", "test"),
    ];
    for (name, value) in usual.into_iter().chain(wish.settings.iter().copied()) {
        variables.insert(name.to_owned(), value.to_owned());
    }
    variables
}

fn plan(
    environment: &Environment,
    wish: &Wish,
    (name, sandboxes, timeout): (&'static str, usize, Duration),
    variables: &BTreeMap<String, String>,
) -> Result<Plan> {
    let program: PathBuf = environment.functions.join(name);
    if !program.exists() {
        bail!("{} was not built", program.display());
    }
    Ok(Plan {
        name,
        program,
        variables: variables.clone(),
        log: environment.logs.join(format!("{}-{name}.log", wish.name)),
        sandboxes,
        timeout,
    })
}

/// Runs the janitor on its schedule, and as the consumer of the dead-letter queue.
fn look_after(janitor: &Arc<Function>, dead_letters: &Queue, period: Duration) -> Janitor {
    let scheduled = janitor.clone();
    let schedule = tokio::spawn(async move {
        loop {
            tokio::time::sleep(period).await;
            let event = json!({"sweep": {}});
            // What it could not do this time it does the next.
            let _ = scheduled.invoke(&event).await;
        }
    });
    Janitor {
        _schedule: Beside(schedule),
        _dead_letters: Mapping::start(dead_letters, janitor, 1),
    }
}
