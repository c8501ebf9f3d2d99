//! A database of its own for each world, with a trigger that writes down every change of a job's state: what the
//! audit says does not depend on what the product says.

use anyhow::{Context, Result};
use tokio_postgres::{Client, NoTls};
use uuid::Uuid;

/// The independent record of the jobs' states, and durable commits: the server of a throwaway run is started without
/// them, but a crash must not lose what was acknowledged.
const AUDIT: &str = "
    CREATE TABLE drill_steps (
        job uuid NOT NULL, old text NOT NULL, new text NOT NULL, at timestamptz NOT NULL DEFAULT clock_timestamp()
    );
    CREATE FUNCTION drill_step() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        INSERT INTO drill_steps (job, old, new) VALUES (NEW.id, OLD.status, NEW.status);
        RETURN NULL;
    END $$;
    GRANT INSERT ON drill_steps TO docent_functions;
    CREATE TRIGGER drill_step AFTER UPDATE OF status ON jobs
        FOR EACH ROW WHEN (OLD.status IS DISTINCT FROM NEW.status) EXECUTE FUNCTION drill_step();";

/// A database of a drill.
#[derive(Debug, Clone)]
pub(crate) struct Database {
    /// Its address, past all proxies, with the login that owns it.
    pub(crate) url: String,
    /// The same with the login of the functions, which owns nothing.
    pub(crate) functions_url: String,
}

/// The login of the functions.
const LOGIN: &str = "docent_drill";

impl Database {
    /// Creates it on the server of a URL.
    pub(crate) async fn create(server: &str) -> Result<Self> {
        let name = format!("drill_{}", Uuid::new_v4().simple());
        let admin = connect(server).await?;
        // A name cannot be a parameter; this one is made of letters and digits.
        let commands = [
            format!("CREATE DATABASE {name}"),
            format!("ALTER DATABASE {name} SET synchronous_commit = on"),
        ];
        for command in commands {
            admin.batch_execute(&command).await.context("create a database")?;
        }
        let url = with_database(server, &name)?;
        let functions_url = with_login(&url)?;
        let database = Self { url, functions_url };
        let mut client = database.client().await?;
        migrations::apply(&mut client).await.context("apply the migrations")?;
        client.batch_execute(AUDIT).await.context("set up the audit")?;
        admin
            .batch_execute(&make_login())
            .await
            .context("make the login of the functions")?;
        Ok(database)
    }

    /// A connection past all proxies and pools.
    pub(crate) async fn client(&self) -> Result<Client> {
        connect(&self.url).await
    }

    /// Runs statements.
    pub(crate) async fn execute(&self, statements: &str) -> Result<()> {
        let client = self.client().await?;
        client.batch_execute(statements).await.context("run a statement")
    }

    /// One number, such as a count.
    pub(crate) async fn number(&self, query: &str) -> Result<i64> {
        let row = self.client().await?.query_one(query, &[]).await;
        Ok(row.with_context(|| format!("ask {query}"))?.get(0))
    }

    /// Makes the server crash: one of its processes is killed, and it throws out everybody and recovers from its log.
    pub(crate) async fn crash_server(&self) -> Result<()> {
        let client = self.client().await?;
        let pid = client
            .query_one("SELECT pg_backend_pid()", &[])
            .await
            .context("ask for a process")?;
        let pid = rustix::process::Pid::from_raw(pid.get(0)).context("read a process id")?;
        rustix::process::kill_process(pid, rustix::process::Signal::KILL).context("kill a process of Postgres")
    }
}

/// A role belongs to the server: the first database makes it, while others that are made at the same time wait.
fn make_login() -> String {
    format!(
        "SELECT pg_advisory_xact_lock(1);
         DO $$ BEGIN
             IF to_regrole('{LOGIN}') IS NULL THEN
                 CREATE ROLE {LOGIN} LOGIN PASSWORD '{LOGIN}' IN ROLE docent_functions;
             END IF;
         END $$"
    )
}

async fn connect(url: &str) -> Result<Client> {
    let (client, connection) = tokio_postgres::connect(url, NoTls)
        .await
        .context("connect to Postgres")?;
    // Its error is also the error of the query that waits for it.
    tokio::spawn(connection);
    Ok(client)
}

fn with_database(url: &str, name: &str) -> Result<String> {
    let (server, _) = url
        .rsplit_once('/')
        .context("a database URL ends with the database's name")?;
    Ok(format!("{server}/{name}"))
}

fn with_login(url: &str) -> Result<String> {
    let (_, rest) = url.split_once('@').context("a database URL names a user")?;
    Ok(format!("postgres://{LOGIN}:{LOGIN}@{rest}"))
}
