//! Makes the pool's connections, with the password of today.

use std::sync::Arc;

use deadpool_postgres::{ConfigConnectImpl, Connect};
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use tokio::task::JoinHandle;
use tokio_postgres::error::SqlState;
use tokio_postgres::{Client, Error, NoTls};
use tokio_postgres_rustls::MakeRustlsConnect;

use super::TlsError;
use super::pool::tls;
use crate::config::{DatabaseConfig, Env};
use crate::secrets::{self, Rotating};

/// Where the server is, and as whom to log in there.
pub(super) struct Login {
    connection: tokio_postgres::Config,
    tls: Option<MakeRustlsConnect>,
}

/// The way to the server. A login that is refused is read again, and if there is a new one it is used at once; connections
/// that were made with the old one stay as they are.
pub(super) struct Door(Arc<Rotating<Login>>);

impl Login {
    fn new(config: &DatabaseConfig) -> Result<Self, TlsError> {
        let (connection, tls) = match tls(config)? {
            Some((connection, tls)) => (connection, Some(tls)),
            None => (config.connection.clone(), None),
        };
        Ok(Self { connection, tls })
    }

    async fn connect(&self) -> Result<(Client, JoinHandle<()>), Error> {
        match self.tls.clone() {
            Some(tls) => ConfigConnectImpl { tls }.connect(&self.connection).await,
            None => ConfigConnectImpl { tls: NoTls }.connect(&self.connection).await,
        }
    }
}

impl Door {
    pub(super) fn new(config: &DatabaseConfig) -> Result<Self, TlsError> {
        let login = Login::new(config)?;
        let (most, timeout) = (config.max_connections, config.statement_timeout);
        let again = move |env: &mut Env| Login::new(&DatabaseConfig::from_env(env, most, timeout));
        let logins = Rotating::new(&config.source, "DATABASE_URL", secrets::REST, login, again);
        Ok(Self(logins))
    }

    async fn open(&self) -> Result<(Client, JoinHandle<()>), Error> {
        let login = self.0.current();
        match login.connect().await {
            Err(error) if is_refused(&error) => match self.0.instead_of(&login).await {
                Some(login) => login.connect().await,
                None => Err(error),
            },
            outcome => outcome,
        }
    }
}

impl Connect for Door {
    /// The settings that the pool knows are those of the start.
    fn connect(&self, _: &tokio_postgres::Config) -> BoxFuture<'_, Result<(Client, JoinHandle<()>), Error>> {
        self.open().boxed()
    }
}

/// Wrong password, or a login that is not there or may not log in.
/// <https://www.postgresql.org/docs/current/errcodes-appendix.html>
fn is_refused(error: &Error) -> bool {
    let refusals = [
        SqlState::INVALID_PASSWORD,
        SqlState::INVALID_AUTHORIZATION_SPECIFICATION,
    ];
    error.code().is_some_and(|code| refusals.contains(code))
}
