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
    CREATE TRIGGER drill_step AFTER UPDATE OF status ON jobs
        FOR EACH ROW WHEN (OLD.status IS DISTINCT FROM NEW.status) EXECUTE FUNCTION drill_step();";

/// A database of a drill.
#[derive(Debug, Clone)]
pub(crate) struct Database {
    /// Its address, past all proxies.
    pub(crate) url: String,
}

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
        let database = Self {
            url: with_database(server, &name)?,
        };
        let mut client = database.client().await?;
        migrations::apply(&mut client).await.context("apply the migrations")?;
        client.batch_execute(AUDIT).await.context("set up the audit")?;
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
