//! A whole Docent of compiled functions, with a fault proxy before each service, for one scenario.

mod client;
mod database;
mod parts;
mod redis;

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use rustix::process::Signal;
use serde_json::{Value, json};
use tokio::task::JoinHandle;

use crate::environment::Environment;
use crate::history::History;
use crate::lambda::Function;
use crate::mapping::Mapping;
use crate::model::{self, Model};
use crate::proxy::{Fault, Proxy};
pub(crate) use client::User;
use database::Database;
pub(crate) use redis::Redis;

/// The collection that everybody reads; a migration makes it.
pub(crate) const SHARED_COLLECTION: &str = "00000000-0000-7000-8000-000000000001";
/// What the questions are about.
const DOCUMENT: &str =
    "# Leases\n\nA worker holds a lease of thirty seconds on its job.\n\n# Backups\n\nBackups run at night.\n";
/// How long a fresh world may take to be ready.
const READY: Duration = Duration::from_secs(60);
/// Copies of the HTTP function, and so requests at the same time.
pub(crate) const LANES: usize = 4;

/// What a scenario wants its world to be.
#[derive(Debug, Clone)]
pub(crate) struct Wish {
    /// For logs and names.
    pub(crate) name: String,
    /// Sandboxes of the worker.
    pub(crate) workers: usize,
    /// People with an account.
    pub(crate) users: usize,
    /// Variables of the functions besides the usual ones.
    pub(crate) settings: Vec<(&'static str, &'static str)>,
    /// Whether it has a Redis that can be killed.
    pub(crate) own_redis: bool,
    /// How often the janitor runs.
    pub(crate) janitor_period: Duration,
}

impl Wish {
    /// The usual: the template's schedule, the functions' own defaults.
    pub(crate) fn of(name: &str, workers: usize, users: usize) -> Self {
        Self {
            name: name.to_owned(),
            workers,
            users,
            settings: Vec::new(),
            own_redis: false,
            janitor_period: Duration::from_secs(60),
        }
    }
}

/// A service that a proxy stands before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Service {
    Postgres,
    Redis,
    Sqs,
    Llm,
}

impl Service {
    /// All of them.
    pub(crate) const ALL: [Self; 4] = [Self::Postgres, Self::Redis, Self::Sqs, Self::Llm];

    /// Its name in tables.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Postgres => "Postgres",
            Self::Redis => "Redis",
            Self::Sqs => "SQS",
            Self::Llm => "LLM",
        }
    }
}

/// The proxies, in the order of [`Service::ALL`].
#[derive(Debug)]
struct Proxies([Proxy; 4]);

/// A Docent at work. Dropping it ends its processes.
#[derive(Debug)]
pub(crate) struct World {
    pub(crate) database: Database,
    pub(crate) model: Model,
    pub(crate) api: Arc<Function>,
    pub(crate) worker: Arc<Function>,
    pub(crate) mapping: Mapping,
    pub(crate) users: Vec<User>,
    pub(crate) history: History,
    pub(crate) redis: Option<tokio::sync::Mutex<Redis>>,
    proxies: Proxies,
    lanes: tokio::sync::Semaphore,
    tokens: AtomicU32,
    _janitor: Option<parts::Janitor>,
}

impl World {
    /// Starts everything and waits until questions can be asked.
    pub(crate) async fn create(environment: &Environment, wish: &Wish) -> Result<Self> {
        // One after the other: many processes that start at once keep each other from being ready in time.
        let _turn = environment.turn.lock().await;
        let mut world = parts::assemble(environment, wish)
            .await
            .with_context(|| format!("set up the world of {}", wish.name))?;
        for number in 0..wish.users {
            let user = world.register(number).await?;
            world.users.push(user);
        }
        let admin = &world.users.first().context("a world has users")?.id;
        let promote = format!("UPDATE users SET role = 'admin' WHERE id = '{admin}'");
        world.database.execute(&promote).await?;
        world.store_document(0, SHARED_COLLECTION).await?;
        Ok(world)
    }

    /// From now on this is wrong with a service.
    pub(crate) fn set(&self, service: Service, fault: Fault) {
        let at = Service::ALL.iter().position(|other| *other == service);
        if let Some(proxy) = at.and_then(|at| self.proxies.0.get(at)) {
            proxy.set(fault);
        }
    }

    /// A name that no other question of this world has.
    pub(crate) fn new_token(&self) -> String {
        model::token(self.tokens.fetch_add(1, Ordering::Relaxed))
    }

    /// Freezes all sandboxes as Lambda does between invocations, and thaws them after a while.
    pub(crate) fn freeze(&self, is_frozen: bool) {
        let signal = if is_frozen { Signal::STOP } else { Signal::CONT };
        self.api.signal_all(signal);
        self.worker.signal_all(signal);
    }

    async fn register(&self, number: usize) -> Result<User> {
        let email = format!("user{number}@example.com");
        let body = json!({"email": email, "password": "correct horse battery staple"});
        let started = Instant::now();
        loop {
            let made = self.call("POST", "/api/auth/register", "", Some(&body)).await;
            match made.status {
                201 => {
                    return Ok(User {
                        id: text(&made.body["user"]["id"]),
                        token: text(&made.body["token"]),
                    });
                }
                // A cold start on a busy machine.
                503 if started.elapsed() < READY => tokio::time::sleep(Duration::from_millis(200)).await,
                _ => bail!("an account could not be made: {made:?}"),
            }
        }
    }

    /// Has a user store a document that answers the questions.
    pub(crate) async fn store_document(&self, user: usize, collection: &str) -> Result<()> {
        let token = &self.users.get(user).context("a world has users")?.token;
        let ready = tokio::time::timeout(READY, self.store(token, collection)).await;
        ready.with_context(|| format!("the document is not ready after {READY:?}"))?
    }

    async fn store(&self, token: &str, collection: &str) -> Result<()> {
        let body = json!({"title": "Operations", "text": DOCUMENT, "mediaType": "text/markdown",
            "collectionId": collection});
        let stored = loop {
            let stored = self.call("POST", "/api/documents", token, Some(&body)).await;
            match stored.status {
                200 | 202 => break stored,
                503 => tokio::time::sleep(Duration::from_millis(200)).await,
                _ => bail!("the document was not accepted: {stored:?}"),
            }
        };
        let path = format!("/api/documents/{}", text(&stored.body["document"]["id"]));
        loop {
            let document = self.call("GET", &path, token, None).await;
            match document.body["document"]["status"].as_str() {
                Some("ready") => return Ok(()),
                Some("failed") => bail!("the document was not ingested: {document:?}"),
                _ => tokio::time::sleep(Duration::from_millis(50)).await,
            }
        }
    }
}

/// A JSON string's text, or nothing.
pub(crate) fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

/// Work that goes on beside a scenario and ends with its owner.
#[derive(Debug)]
pub(crate) struct Beside(pub(crate) JoinHandle<()>);

impl Drop for Beside {
    fn drop(&mut self) {
        self.0.abort();
    }
}
