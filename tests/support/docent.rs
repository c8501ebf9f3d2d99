//! A whole Docent for one test.

use std::path::PathBuf;

use api::app::App;
use axum::Router;
use axum::body::Body;
use axum::http::{Method, Request};
use janitor::app::Janitor;
use serde_json::{Value, json};
use shared::config::Env;
use uuid::Uuid;
use worker::app::Worker;

use super::{Database, HttpReply, ScriptedLlm, TestQueue, http, service, wait_for};

/// A secret that the settings accept; tests sign tokens of their own with it.
pub const SECRET: &str = "qN7vKx2LdW9sRf4TbY6hJm1PzC8gUe3A0iOo";
pub const PASSWORD: &str = "correct horse battery staple";

/// Router, worker and everything they talk to.
pub struct Docent {
    pub router: Router,
    pub worker: Worker,
    pub janitor: Janitor,
    pub llm: ScriptedLlm,
    pub queue: TestQueue,
    pub database: Database,
    pub key_prefix: String,
    api: api::app::Config,
    variables: Vec<(String, String)>,
}

/// Somebody with an account.
#[derive(Debug, Clone)]
pub struct User {
    pub id: String,
    pub email: String,
    pub token: String,
    pub refresh_token: String,
}

impl Docent {
    /// With the scripted language model.
    pub async fn start() -> Self {
        Self::with(&[]).await
    }

    /// With settings of the test's own; an empty value unsets a variable.
    pub async fn with(settings: &[(&str, &str)]) -> Self {
        let database = Database::create().await;
        let queue = TestQueue::create().await;
        let llm = ScriptedLlm::start().await;
        let key_prefix = format!("test-{}", Uuid::new_v4());
        let defaults = [
            ("DATABASE_URL", database.functions_url.clone()),
            ("REDIS_URL", service("TEST_REDIS_URL")),
            ("CACHE_KEY_PREFIX", key_prefix.clone()),
            ("QUEUE_URL", queue.url.clone()),
            ("JWT_SECRET", SECRET.to_owned()),
            ("ALLOWED_ORIGINS", "https://app.example.com".to_owned()),
            ("ANTHROPIC_API_KEY", "test-key".to_owned()),
            ("ANTHROPIC_BASE_URL", llm.url.clone()),
            ("ANTHROPIC_MODEL", "claude-sonnet-4-5".to_owned()),
            // A test does in a moment what a client does in an hour. What limits do is the subject of tests of their own.
            ("RATE_LIMIT_ASK", "10000/m".to_owned()),
            ("RATE_LIMIT_POLL", "10000/m".to_owned()),
            ("RATE_LIMIT_UPLOAD", "10000/m".to_owned()),
        ];
        let variables: Vec<(String, String)> = defaults
            .into_iter()
            .map(|(name, value)| (name.to_owned(), value))
            .chain(
                settings
                    .iter()
                    .map(|(name, value)| ((*name).to_owned(), (*value).to_owned())),
            )
            .collect();
        let api = api::app::Config::from_env(resolved(&variables).await).unwrap();
        let mut consumer = worker::app::Config::from_env(resolved(&variables).await).unwrap();
        consumer.reader = Some(worker_program());
        let cleaner = janitor::app::Config::from_env(resolved(&variables).await).unwrap();
        let router = api::router::router(App::connect(&api).await.unwrap());
        let worker = Worker::connect(&consumer).await.unwrap();
        let janitor = Janitor::connect(&cleaner).await.unwrap();
        Self {
            router,
            worker,
            janitor,
            llm,
            queue,
            database,
            key_prefix,
            api,
            variables,
        }
    }

    /// The HTTP function once more, with connections of its own, as Lambda starts it for a second request at once.
    pub async fn another_sandbox(&self) -> Router {
        api::router::router(App::connect(&self.api).await.unwrap())
    }

    /// Like [`Self::another_sandbox`], with some settings changed; an empty value unsets a variable.
    pub async fn sandbox_with(&self, settings: &[(&str, &str)]) -> Router {
        let changed = settings
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        let variables: Vec<_> = self.variables.iter().cloned().chain(changed).collect();
        let config = api::app::Config::from_env(resolved(&variables).await).unwrap();
        api::router::router(App::connect(&config).await.unwrap())
    }

    /// What a function is told by its environment.
    pub fn variables(&self) -> &[(String, String)] {
        &self.variables
    }

    pub async fn send(&self, request: Request<Body>) -> HttpReply {
        http::send(&self.router, request).await
    }

    pub async fn call(&self, method: Method, path: &str, token: &str, body: Option<Value>) -> HttpReply {
        let token = Some(token).filter(|token| !token.is_empty());
        self.send(http::request(method, path, token, body.as_ref())).await
    }

    pub async fn get(&self, user: &User, path: &str) -> HttpReply {
        self.call(Method::GET, path, &user.token, None).await
    }

    pub async fn post(&self, user: &User, path: &str, body: Value) -> HttpReply {
        self.call(Method::POST, path, &user.token, Some(body)).await
    }

    pub async fn delete(&self, user: &User, path: &str) -> HttpReply {
        self.call(Method::DELETE, path, &user.token, None).await
    }

    /// Makes an account.
    pub async fn user(&self, name: &str) -> User {
        let email = format!("{name}@example.com");
        let body = json!({"email": email, "password": PASSWORD, "name": name});
        let made = self
            .call(Method::POST, "/api/auth/register", "", Some(body))
            .await
            .expect(201);
        User {
            id: text(&made["user"]["id"]),
            email,
            token: text(&made["token"]),
            refresh_token: text(&made["refreshToken"]),
        }
    }

    /// Uploads a Markdown text and has it ingested; returns the document's id.
    pub async fn upload(&self, user: &User, title: &str, text_of_document: &str) -> String {
        let body = json!({"title": title, "text": text_of_document, "mediaType": "text/markdown"});
        let stored = self.post(user, "/api/documents", body).await.expect(202);
        let path = format!("/api/documents/{}", text(&stored["document"]["id"]));
        let ready = wait_for("the document to be ingested", || async {
            self.queue.work_once(&self.worker).await;
            let document = self.get(user, &path).await.expect(200)["document"].clone();
            (document["status"] != "queued").then_some(document)
        })
        .await;
        assert_eq!(ready["status"], "ready", "{ready}");
        text(&ready["id"])
    }

    pub async fn ask(&self, user: &User, question: &str) -> HttpReply {
        self.post(user, "/api/ask", json!({"query": question})).await
    }

    /// Works until the job that `reply` accepted has ended; returns it.
    pub async fn finish(&self, user: &User, reply: HttpReply) -> Value {
        let job = text(&reply.expect(202)["jobId"]);
        wait_for("the job to end", || async {
            self.queue.work_once(&self.worker).await;
            let job = self.job(user, &job).await;
            let is_open = ["queued", "active", "delayed"]
                .iter()
                .any(|status| job["status"] == *status);
            (!is_open).then_some(job)
        })
        .await
    }

    /// Asks, and works until there is an answer.
    pub async fn ask_and_finish(&self, user: &User, question: &str) -> Value {
        let reply = self.ask(user, question).await;
        self.finish(user, reply).await
    }

    pub async fn job(&self, user: &User, id: &str) -> Value {
        self.get(user, &format!("/api/ask/{id}")).await.expect(200)
    }
}

/// As each function's `main` does it.
async fn resolved(variables: &[(String, String)]) -> Env {
    shared::secrets::resolve(Env::new(variables.iter().cloned())).await
}

/// The compiled worker, which reads documents in a process of its own.
fn worker_program() -> PathBuf {
    compiled("worker")
}

/// A compiled function: it is two folders above this test's program.
pub fn compiled(function: &str) -> PathBuf {
    let this = std::env::current_exe().unwrap();
    let program = this.ancestors().nth(2).unwrap().join(function);
    assert!(
        program.exists(),
        "{} is missing: run the tests by `cargo xtask test`",
        program.display()
    );
    program
}

/// A JSON string's text.
pub fn text(value: &Value) -> String {
    value.as_str().unwrap_or_else(|| panic!("no text: {value}")).to_owned()
}
