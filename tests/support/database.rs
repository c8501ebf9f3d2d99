//! A database for one test.

use std::future::Future;

use tokio_postgres::{Client, NoTls};
use uuid::Uuid;

use super::{service, wait_for};

/// A fresh database with the schema applied.
#[derive(Clone)]
pub struct Database {
    /// For the test itself: the owner of everything.
    pub url: String,
    /// For the functions: a login that owns nothing, as a deployment should have it.
    pub functions_url: String,
}

/// The login of the functions, of all tests.
const LOGIN: &str = "docent_test";

impl Database {
    pub async fn create() -> Self {
        let empty = Self::create_empty().await;
        migrations::apply(&mut empty.client().await)
            .await
            .expect("migrations apply to an empty database");
        empty
    }

    pub async fn create_empty() -> Self {
        let server = service("TEST_DATABASE_URL");
        let name = format!("test_{}", Uuid::new_v4().simple());
        let admin = connect(&server).await;
        admin.batch_execute(&format!("CREATE DATABASE {name}")).await.unwrap();
        admin.batch_execute(&login()).await.unwrap();
        let url = with_database(&server, &name);
        let functions_url = with_login(&url);
        Self { url, functions_url }
    }

    /// A connection past all pools and proxies.
    pub async fn client(&self) -> Client {
        connect(&self.url).await
    }

    /// One number, such as a count.
    pub async fn number(&self, query: &str) -> i64 {
        self.client().await.query_one(query, &[]).await.unwrap().get(0)
    }

    /// One text.
    pub async fn text(&self, query: &str) -> String {
        self.client().await.query_one(query, &[]).await.unwrap().get(0)
    }

    pub async fn execute(&self, statement: &str) {
        self.client().await.batch_execute(statement).await.unwrap();
    }

    /// Holds the rows of a table until so many of a crowd wait for one of them, and lets them go on at once.
    pub async fn let_gather<T>(&self, table: &str, count: i64, crowd: impl Future<Output = T>) -> T {
        let gate = self.client().await;
        gate.batch_execute(&format!("BEGIN; SELECT FROM {table} FOR UPDATE"))
            .await
            .unwrap();
        let waiting =
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'";
        let open = async {
            wait_for("one in each sandbox", || async {
                (self.number(waiting).await == count).then_some(())
            })
            .await;
            gate.batch_execute("COMMIT").await.unwrap();
        };
        tokio::join!(crowd, open).0
    }
}

/// Roles belong to the server, not to a database: the first test makes them, while others wait.
fn login() -> String {
    format!(
        "SELECT pg_advisory_xact_lock(1);
         DO $$ BEGIN
             IF to_regrole('docent_functions') IS NULL THEN CREATE ROLE docent_functions NOLOGIN; END IF;
             IF to_regrole('{LOGIN}') IS NULL THEN
                 CREATE ROLE {LOGIN} LOGIN PASSWORD '{LOGIN}' IN ROLE docent_functions;
             END IF;
         END $$"
    )
}

pub async fn connect(url: &str) -> Client {
    let (client, connection) = tokio_postgres::connect(url, NoTls).await.expect("connect to Postgres");
    tokio::spawn(connection);
    client
}

fn with_database(url: &str, name: &str) -> String {
    let (base, parameters) = url
        .split_once('?')
        .map_or((url, None), |(base, rest)| (base, Some(rest)));
    let (server, _) = base
        .rsplit_once('/')
        .expect("a database URL ends with the database's name");
    parameters.map_or(format!("{server}/{name}"), |parameters| {
        format!("{server}/{name}?{parameters}")
    })
}

fn with_login(url: &str) -> String {
    let (_, rest) = url.split_once('@').expect("a database URL names a user");
    format!("postgres://{LOGIN}:{LOGIN}@{rest}")
}
