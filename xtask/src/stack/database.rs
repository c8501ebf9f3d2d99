//! What the tools do with a database themselves: look whether it answers, create one, apply the migrations.

use std::future::Future;
use std::time::Duration;

use anyhow::{Context, Result};
use tokio_postgres::{Client, NoTls};

/// Longer than any migration of this project takes.
const LIMIT: Duration = Duration::from_secs(120);

/// Connects once.
///
/// # Errors
/// If the database does not take connections.
pub(crate) fn check(url: &str) -> Result<()> {
    block_on(async { connect(url).await.map(drop) })
}

/// Creates a database if it is not there.
///
/// # Errors
/// If the server refuses.
pub(crate) fn create(url: &str, name: &str) -> Result<()> {
    block_on(async {
        let client = connect(url).await?;
        let there = client
            .query_opt("SELECT 1 FROM pg_database WHERE datname = $1", &[&name])
            .await?;
        if there.is_none() {
            // A name cannot be a parameter; this one is a constant of this program.
            client
                .batch_execute(&format!("CREATE DATABASE {name}"))
                .await
                .context("create the database")?;
        }
        Ok(())
    })
}

/// Applies `migrations/`; the names of the ones that were new.
///
/// # Errors
/// If one fails, or an applied one was changed.
pub(crate) fn migrate(url: &str) -> Result<Vec<&'static str>> {
    block_on(async {
        let mut client = connect(url).await?;
        migrations::apply(&mut client).await.context("apply migrations/")
    })
}

async fn connect(url: &str) -> Result<Client> {
    let (client, connection) = tokio_postgres::connect(url, NoTls)
        .await
        .context("connect to Postgres")?;
    // Its error is also the error of the query that is waiting for it.
    tokio::spawn(connection);
    Ok(client)
}

fn block_on<T>(work: impl Future<Output = Result<T>>) -> Result<T> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .context("start a runtime")?;
    runtime.block_on(async {
        tokio::time::timeout(LIMIT, work)
            .await
            .context("the database does not answer")?
    })
}
