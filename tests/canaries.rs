//! Secrets and questions stay where they belong: each is made unmistakable, Docent is used in every way, and then its
//! logs, its responses, its messages, Redis and Postgres are searched for them.

use axum::http::Method;
use redis::AsyncTypedCommands;
use serde_json::{Value, json};

use crate::support::{Docent, HttpReply, Log, Reply, User, service, text};

const PASSWORD: &str = "canary-password zebra 41b7";
const NEW_PASSWORD: &str = "canary-password heron 9c02";
const QUESTION: &str = "What does the canary-question of 77ae mean?";
const DOCUMENT: &str = "The canary-document of 5d1f means that a lease lasts thirty seconds.";
const LLM_KEY: &str = "canary-llm-key-c3f9";
const SIGNING_KEY: &str = "Zk9canaryJwt7sQ2wE4rT6yU8iO0pA1sD3f";

/// What was done, with every response that came.
struct Run {
    docent: Docent,
    responses: Vec<String>,
    /// Access and refresh tokens and an API key, as they were handed out.
    credentials: Vec<String>,
    messages: Vec<String>,
}

impl Run {
    async fn call(&mut self, method: Method, path: &str, token: &str, body: Option<Value>) -> HttpReply {
        let reply = self.docent.call(method, path, token, body).await;
        let bytes = String::from_utf8_lossy(&reply.bytes);
        self.responses.push(format!("{:?} {bytes}", reply.headers));
        reply
    }

    /// A response that hands out credentials on purpose is only looked at for other things.
    async fn sign(&mut self, path: &str, body: Value) -> Value {
        let made = self.docent.call(Method::POST, path, "", Some(body)).await.json();
        for field in ["token", "refreshToken"] {
            self.credentials.push(text(&made[field]));
        }
        let mut rest = made.clone();
        (rest["token"], rest["refreshToken"]) = (Value::Null, Value::Null);
        self.responses.push(rest.to_string());
        made
    }
}

async fn use_everything(docent: Docent) -> Run {
    let mut run = Run {
        docent,
        responses: Vec::new(),
        credentials: Vec::new(),
        messages: Vec::new(),
    };
    let email = "canary@example.com";
    let account = json!({"email": email, "password": PASSWORD, "name": "Ada"});
    let made = run.sign("/api/auth/register", account.clone()).await;
    let mut ada = User {
        id: text(&made["user"]["id"]),
        email: email.to_owned(),
        token: text(&made["token"]),
        refresh_token: text(&made["refreshToken"]),
    };
    // What goes wrong is logged, too.
    run.call(Method::POST, "/api/auth/register", "", Some(account)).await;
    for wrong in [
        json!({"email": email, "password": NEW_PASSWORD}),
        json!({"password": PASSWORD}),
    ] {
        run.call(Method::POST, "/api/auth/login", "", Some(wrong)).await;
    }
    let renewed = run
        .sign("/api/auth/refresh", json!({"refreshToken": ada.refresh_token}))
        .await;
    ada.token = text(&renewed["token"]);
    let wish = json!({"name": "script", "scopes": ["ask"], "currentPassword": PASSWORD});
    let key = run.docent.post(&ada, "/api/users/me/api-keys", wish).await.expect(201);
    let key = text(&key["secret"]);
    run.credentials.push(key.clone());
    run.docent.upload(&ada, "Canaries", DOCUMENT).await;
    // A provider's error may repeat what it was sent.
    let echo = json!({"type": "error", "error": {"type": "overloaded_error", "message": QUESTION}});
    run.docent.llm.then(Reply::Status(529, Vec::new(), echo.to_string()));
    ask(&mut run, &ada).await;
    run.call(Method::POST, "/api/ask", &key, Some(json!({"query": QUESTION})))
        .await;
    for path in [
        "/api/users/me",
        "/api/users/me/sessions",
        "/api/users/me/api-keys",
        "/api/users/me/usage",
        "/api/admin/stats",
        "/ready",
    ] {
        run.call(Method::GET, path, &ada.token, None).await;
    }
    let change = json!({"password": NEW_PASSWORD, "currentPassword": PASSWORD});
    run.call(Method::PATCH, "/api/users/me", &ada.token, Some(change)).await;
    run.call(Method::GET, "/api/chats", &format!("{}x", ada.token), None)
        .await;
    run.call(Method::POST, "/api/auth/logout", &ada.token, None).await;
    run
}

/// Asks, with what stands in the queue noted.
async fn ask(run: &mut Run, ada: &User) {
    let reply = run.docent.ask(ada, QUESTION).await;
    let event = run.docent.queue.receive().await;
    run.messages.push(serde_json::to_string(&event).unwrap());
    run.docent.queue.hand_over(&run.docent.worker, event).await;
    let job = run.docent.finish(ada, reply).await;
    assert_eq!(job["status"], "completed", "{job}");
}

/// All that this deployment has in Redis, names and values.
async fn redis_of(docent: &Docent) -> String {
    let client = redis::Client::open(service("TEST_REDIS_URL")).unwrap();
    let mut connection = client.get_multiplexed_async_connection().await.unwrap();
    let names = connection.keys(format!("{}*", docent.key_prefix)).await.unwrap();
    assert!(names.len() > 3, "{names:?}");
    let mut all = String::new();
    for name in names {
        let value = connection.get(&name).await.unwrap_or_default().unwrap_or_default();
        all.push_str(&format!("{name} {value}\n"));
    }
    all
}

/// Every row of every table, as text; the tables' names with them.
async fn postgres_of(docent: &Docent) -> Vec<(String, String)> {
    let tables = docent
        .database
        .text("SELECT string_agg(tablename, ' ' ORDER BY tablename) FROM pg_tables WHERE schemaname = 'public'")
        .await;
    let mut dump = Vec::new();
    for table in tables.split(' ') {
        let rows = format!("SELECT coalesce(string_agg(t::text, E'\\n'), '') FROM {table} t");
        dump.push((table.to_owned(), docent.database.text(&rows).await));
    }
    dump
}

/// Where things could be that belong elsewhere.
struct Places {
    log: String,
    responses: String,
    messages: String,
    redis: String,
    postgres: Vec<(String, String)>,
}

impl Places {
    async fn of(run: &Run, log: &Log) -> Self {
        let places = Self {
            log: log.text(),
            responses: run.responses.join("\n"),
            messages: run.messages.join("\n"),
            redis: redis_of(&run.docent).await,
            postgres: postgres_of(&run.docent).await,
        };
        // A search that finds nothing means something only where there is something.
        assert!(places.log.contains(r#""outcome":"accepted""#), "nothing was logged");
        assert!(places.messages.contains("jobId"), "{}", places.messages);
        assert!(
            places.redis.contains("canary-document"),
            "the cached answer is not there"
        );
        places
    }

    fn outside_postgres(&self) -> [(&'static str, &str); 4] {
        [
            ("a log", &self.log),
            ("a response", &self.responses),
            ("a message", &self.messages),
            ("Redis", &self.redis),
        ]
    }

    fn tables_with(&self, text: &str) -> Vec<&str> {
        let with = self.postgres.iter().filter(|(_, rows)| rows.contains(text));
        with.map(|(table, _)| table.as_str()).collect()
    }
}

#[tokio::test]
async fn secrets_and_questions_are_nowhere_but_where_they_belong() {
    let log = Log::default();
    let guard = log.begin();
    let docent = Docent::with(&[("ANTHROPIC_API_KEY", LLM_KEY), ("JWT_SECRET", SIGNING_KEY)]).await;
    let run = use_everything(docent).await;
    drop(guard);
    let places = Places::of(&run, &log).await;

    let url = &run.docent.database.functions_url;
    let database_password = format!(":{}@", url.split(['@', ':']).nth(2).unwrap());
    let mut secrets = vec![PASSWORD, NEW_PASSWORD, LLM_KEY, SIGNING_KEY, &database_password];
    secrets.extend(run.credentials.iter().map(String::as_str));
    assert!(run.credentials.len() > 4 && secrets.iter().skip(5).all(|secret| secret.len() > 40));
    for secret in secrets {
        for (place, content) in places.outside_postgres() {
            assert!(!content.contains(secret), "{secret} is in {place}");
        }
        assert_eq!(places.tables_with(secret), [""; 0], "{secret}");
    }

    for (place, content) in [
        ("a log", &places.log),
        ("a message", &places.messages),
        ("Redis", &places.redis),
    ] {
        assert!(!content.contains("canary-question"), "the question is in {place}");
    }
    for (place, content) in [("a log", &places.log), ("a message", &places.messages)] {
        for canary in ["canary-document", "canary@example.com"] {
            assert!(!content.contains(canary), "{canary} is in {place}");
        }
    }
    assert_eq!(places.tables_with("canary-question"), ["chats", "jobs", "messages"]);
}
