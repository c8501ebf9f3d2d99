//! One connection outside the pool, for the function that changes the schema.

use tokio_postgres::{Client, NoTls};

use super::TlsError;
use super::pool::tls;
use crate::config::DatabaseConfig;

/// No connection could be made.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    /// TLS could not be set up.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// The server is not there, or refuses.
    #[error(transparent)]
    Postgres(#[from] tokio_postgres::Error),
}

/// Connects. The connection ends when the client is dropped.
///
/// # Errors
/// [`ConnectError`].
pub async fn connect_once(config: &DatabaseConfig) -> Result<Client, ConnectError> {
    match tls(config)? {
        Some((connection, tls)) => {
            let (client, driver) = connection.connect(tls).await?;
            tokio::spawn(driver);
            Ok(client)
        }
        None => {
            let (client, driver) = config.connection.connect(NoTls).await?;
            tokio::spawn(driver);
            Ok(client)
        }
    }
}
