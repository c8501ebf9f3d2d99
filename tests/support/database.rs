//! A database for one test.

use tokio_postgres::{Client, NoTls};
use uuid::Uuid;

use super::service;

/// A fresh database with the schema applied.
pub struct Database {
    pub url: String,
}

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
        Self {
            url: with_database(&server, &name),
        }
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
}

async fn connect(url: &str) -> Client {
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
