//! A database of its own for each collection, on the server that the caller names. The statements in here make,
//! tidy and drop it; what is measured is asked by the product's own code.

use std::time::Duration;

use anyhow::{Context, Result};
use shared::config::{DatabaseConfig, Source};
use shared::db::Db;
use tokio_postgres::{Client, Config, NoTls};
use uuid::Uuid;

/// How many questions are asked at once, and so the size of the pool.
pub const CONNECTIONS: usize = 2;

/// Far longer than any statement takes: a slow one shall be seen in the percentiles, and not end the run.
const LONGEST_STATEMENT: Duration = Duration::from_secs(60);

/// A fresh database with Docent's schema.
pub struct PrivateDatabase {
    name: String,
    server: Config,
    own: Config,
}

impl PrivateDatabase {
    /// Creates it on the server of a URL, whose own database is left alone.
    ///
    /// # Errors
    /// If the server does not let us.
    pub async fn create(server: &str) -> Result<Self> {
        let server: Config = server.parse().context("read the address of the database server")?;
        let name = format!("eval_{}", Uuid::new_v4().simple());
        let mut own = server.clone();
        own.dbname(&name);
        let database = Self { name, server, own };
        database.on_server("CREATE DATABASE").await?;
        let mut client = database.client().await?;
        migrations::apply(&mut client).await.context("apply the migrations")?;
        Ok(database)
    }

    /// The pool through which the product's code asks.
    ///
    /// # Errors
    /// If it cannot be made.
    pub fn pool(&self) -> Result<Db> {
        let config = DatabaseConfig {
            connection: self.own.clone(),
            ca_file: None,
            max_connections: CONNECTIONS,
            statement_timeout: LONGEST_STATEMENT,
            source: Source::default(),
        };
        Db::connect(&config).context("make the pool")
    }

    /// A connection past the pool, for what is not the product's.
    ///
    /// # Errors
    /// If the server takes none.
    pub async fn client(&self) -> Result<Client> {
        connect(&self.own).await
    }

    /// Does at once what the server would do in the minutes after so much was written: count rows for the planner and
    /// merge the indexes' pending entries.
    ///
    /// # Errors
    /// If the server refuses.
    pub async fn tidy(&self) -> Result<()> {
        let client = self.client().await?;
        client
            .batch_execute("VACUUM ANALYZE")
            .await
            .context("tidy the database")
    }

    /// Drops it, whoever is still connected.
    ///
    /// # Errors
    /// If the server refuses.
    pub async fn drop(self) -> Result<()> {
        self.on_server("DROP DATABASE").await
    }

    async fn on_server(&self, what: &str) -> Result<()> {
        let force = if what.starts_with("DROP") { " WITH (FORCE)" } else { "" };
        let client = connect(&self.server).await?;
        // A name cannot be a parameter; this one is made of letters and digits above.
        client
            .batch_execute(&format!("{what} {}{force}", self.name))
            .await
            .with_context(|| format!("{what} {}", self.name))
    }
}

async fn connect(config: &Config) -> Result<Client> {
    let (client, connection) = config.connect(NoTls).await.context("connect to Postgres")?;
    // Its error is also the error of the query that waits for it.
    tokio::spawn(connection);
    Ok(client)
}
