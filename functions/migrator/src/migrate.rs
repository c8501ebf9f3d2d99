//! The work: the schema, what the functions may do with it, and their login.

use std::time::{Duration, Instant};

use shared::config::{ConfigError, DatabaseConfig, Env};
use shared::db::{self, ConnectError};
use shared::secrets;
use shared::telemetry::OrLog;
use tokio_postgres::Client;
use tokio_postgres::error::{DbError, SqlState};

/// An Aurora that has paused needs some 15 seconds until it takes connections.
const WAKING: Duration = Duration::from_secs(30);
const BETWEEN_ATTEMPTS: Duration = Duration::from_millis(500);

/// What a run has done.
#[derive(Debug)]
pub struct Done {
    /// The names of the migrations that were missing.
    pub applied: Vec<&'static str>,
}

/// Why a database is not up to date.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Settings, or secrets that they name.
    #[error(transparent)]
    Settings(#[from] ConfigError),
    /// The owner of the schema cannot log in.
    #[error("log in as the owner of the schema")]
    NoConnection(#[source] ConnectError),
    /// A step failed; those before it are kept.
    #[error(transparent)]
    Migrations(#[from] migrations::Error),
}

/// Applies what is missing, and sees to it that the functions can log in.
///
/// # Errors
/// [`Error`].
pub async fn run(env: Env) -> Result<Done, Error> {
    let mut env = secrets::resolve(env).await;
    let owner = DatabaseConfig::of_owner(&mut env);
    let functions = DatabaseConfig::of_functions(&mut env);
    env.finish()?;
    let mut client = connect(&owner).await.map_err(Error::NoConnection)?;
    let applied = migrations::apply(&mut client).await?;
    if let Some(functions) = functions {
        admit(&mut client, &functions).await?;
    }
    Ok(Done { applied })
}

/// Somebody who can log in keeps the password: some providers let nobody set one by SQL, and there the login is made by
/// hand.
async fn admit(client: &mut Client, functions: &DatabaseConfig) -> Result<(), migrations::Error> {
    let can_log_in = db::connect_once(functions)
        .await
        .or_log("log in as the functions yet")
        .is_some();
    let login = functions.connection.get_user().unwrap_or_default();
    let password = functions.connection.get_password().filter(|_| !can_log_in);
    migrations::admit(client, login, password).await
}

/// Waits for a database that is waking up. One that answers and refuses will not change its mind.
async fn connect(config: &DatabaseConfig) -> Result<Client, ConnectError> {
    let started = Instant::now();
    loop {
        match db::connect_once(config).await {
            Err(error) if may_pass(&error) && started.elapsed() < WAKING => {
                tokio::time::sleep(BETWEEN_ATTEMPTS).await;
            }
            outcome => return outcome,
        }
    }
}

fn may_pass(error: &ConnectError) -> bool {
    match error {
        ConnectError::Tls(_) => false,
        ConnectError::Postgres(error) => error
            .code()
            .is_none_or(|code| [SqlState::CANNOT_CONNECT_NOW, SqlState::TOO_MANY_CONNECTIONS].contains(code)),
    }
}

/// The error and its causes in one line, for eyes that may see neither rows nor secrets: of what Postgres says, its
/// message and its code, but not its details, which quote values.
#[must_use]
pub fn in_short(error: &(dyn std::error::Error + 'static)) -> String {
    let causes = std::iter::successors(Some(error), |error| error.source());
    let said = causes.map(|error| match error.downcast_ref::<DbError>() {
        Some(refusal) => format!("{} ({})", refusal.message(), refusal.code().code()),
        None => error.to_string(),
    });
    said.collect::<Vec<_>>().join(": ")
}
