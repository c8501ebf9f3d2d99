//! What the tools do with a database themselves: look whether it answers, create one, apply the migrations.

use std::future::Future;
use std::time::Duration;

use anyhow::{Context, Result};
use tokio_postgres::{Client, NoTls};

/// Longer than any migration of this project takes.
const LIMIT: Duration = Duration::from_secs(120);

/// The login of the functions: it owns nothing, so that not even a hole in them could change the schema or make an admin.
const FUNCTIONS: &str = "docent_app";

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

/// The names of the migrations that a database has; none if it has no schema.
///
/// # Errors
/// If the server refuses.
pub(crate) fn applied(url: &str) -> Result<Vec<String>> {
    block_on(async {
        let client = connect(url).await?;
        let table = client
            .query_one("SELECT to_regclass('schema_migrations') IS NOT NULL", &[])
            .await?;
        if !table.get::<_, bool>(0) {
            return Ok(Vec::new());
        }
        let rows = client
            .query("SELECT name FROM schema_migrations ORDER BY name", &[])
            .await?;
        Ok(rows.iter().map(|row| row.get("name")).collect())
    })
}

/// The URL by which the functions log in to the owner's database.
///
/// # Errors
/// If the owner's URL names no user.
pub(crate) fn functions_url(owner: &str, password: &str) -> Result<String> {
    let (_, rest) = owner.split_once('@').context("the URL names no user")?;
    Ok(format!("postgres://{FUNCTIONS}:{password}@{rest}"))
}

/// Makes the login of the functions, or gives it this password, which has to be of letters and digits. The migrations have
/// to be applied: the login is a member of the role that they make.
///
/// # Errors
/// If the server refuses.
pub(crate) fn make_login(owner: &str, password: &str) -> Result<()> {
    // Neither a name nor a password can be a parameter of these.
    let make = format!(
        "DO $$ BEGIN
             IF to_regrole('{FUNCTIONS}') IS NULL THEN
                 CREATE ROLE {FUNCTIONS} LOGIN IN ROLE docent_functions;
             END IF;
         END $$;
         ALTER ROLE {FUNCTIONS} PASSWORD '{password}'"
    );
    block_on(async {
        let client = connect(owner).await?;
        client
            .batch_execute(&make)
            .await
            .context("make the login of the functions")
    })
}

/// Makes the user of this address an admin, who may write the shared collection; or a member again. Whether there is one.
///
/// # Errors
/// If the server refuses.
pub(crate) fn set_role(url: &str, email: &str, role: &str) -> Result<bool> {
    block_on(async {
        let client = connect(url).await?;
        let changed = client
            .execute(
                "UPDATE users SET role = $2, updated_at = now() WHERE email = lower($1)",
                &[&email, &role],
            )
            .await
            .context("change the role")?;
        Ok(changed == 1)
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
