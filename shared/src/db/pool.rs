//! The pool of connections of one sandbox.

use std::sync::Arc;
use std::time::{Duration, Instant};

use deadpool::Runtime;
use deadpool::managed::{Pool, PoolError};
use deadpool_postgres::{Manager, ManagerConfig, RecyclingMethod};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use tokio_postgres_rustls::MakeRustlsConnect;

use super::door::Door;
use super::keeper::Keeper;
use super::{DbError, Session};
use crate::config::DatabaseConfig;
use crate::telemetry::{Step, measures};

/// How long a request waits for a connection of the pool, or for a new one to be made.
const PATIENCE: Duration = Duration::from_secs(2);
/// A connection that does not answer within this time is thrown away: its peer is gone, as after a thaw.
const RECYCLE_TIMEOUT: Duration = Duration::from_millis(500);

/// The database. Cheap to clone; all clones share one pool.
#[derive(Clone)]
pub struct Db {
    pool: Pool<Keeper>,
    statement_timeout: Duration,
}

impl Db {
    /// Makes the pool. Connections are opened when they are first needed.
    ///
    /// # Errors
    /// The file with the certificate authorities cannot be read.
    pub fn connect(config: &DatabaseConfig) -> Result<Self, TlsError> {
        let recycling = ManagerConfig {
            recycling_method: RecyclingMethod::Verified,
        };
        let manager = Manager::from_connect(config.connection.clone(), Door::new(config)?, recycling);
        let pool = Pool::builder(Keeper::new(manager))
            .max_size(config.max_connections)
            .runtime(Runtime::Tokio1)
            .wait_timeout(Some(PATIENCE))
            .create_timeout(Some(PATIENCE))
            .recycle_timeout(Some(RECYCLE_TIMEOUT))
            .build()
            .unwrap_or_else(|_| unreachable!("timeouts need a runtime, and one is given"));
        Ok(Self {
            pool,
            statement_timeout: config.statement_timeout,
        })
    }

    /// Takes a connection for a few statements. It goes back to the pool when the session is dropped.
    ///
    /// # Errors
    /// [`DbError::Unavailable`] if no connection could be had in time.
    pub async fn session(&self) -> Result<Session, DbError> {
        let _timed = measures::timed(Step::Postgres);
        let started = Instant::now();
        let Ok(connection) = tokio::time::timeout(self.statement_timeout, self.pool.get()).await else {
            return Err(DbError::TooSlow);
        };
        match connection {
            // The time that was spent on the connection is not left for its statements: who waits for them waits for both.
            Ok(connection) => Ok(Session::new(
                connection,
                self.statement_timeout.saturating_sub(started.elapsed()),
            )),
            Err(PoolError::Backend(error)) => Err(DbError::unavailable(error)),
            Err(error) => Err(DbError::unavailable(error)),
        }
    }
}

/// TLS could not be set up.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// `DATABASE_CA_FILE` cannot be read as PEM.
    #[error("read the certificate authorities of DATABASE_CA_FILE")]
    CaFile(#[source] rustls::pki_types::pem::Error),
    /// A certificate of `DATABASE_CA_FILE` cannot be used, or the file holds none.
    #[error("use the certificate authorities of DATABASE_CA_FILE")]
    Certificate(#[source] rustls::Error),
}

/// How to connect if connections are encrypted; then nothing else will do.
pub(super) fn tls(config: &DatabaseConfig) -> Result<Option<(tokio_postgres::Config, MakeRustlsConnect)>, TlsError> {
    if !config.uses_tls() {
        return Ok(None);
    }
    let tls = MakeRustlsConnect::new(tls_config(config.ca_file.as_deref())?);
    let mut connection = config.connection.clone();
    connection.ssl_mode(tokio_postgres::config::SslMode::Require);
    Ok(Some((connection, tls)))
}

fn tls_config(ca_file: Option<&str>) -> Result<rustls::ClientConfig, TlsError> {
    let mut roots = rustls::RootCertStore::empty();
    match ca_file {
        None => roots.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned()),
        Some(path) => {
            for certificate in CertificateDer::pem_file_iter(path).map_err(TlsError::CaFile)? {
                roots
                    .add(certificate.map_err(TlsError::CaFile)?)
                    .map_err(TlsError::Certificate)?;
            }
        }
    }
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let builder = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(TlsError::Certificate)?;
    Ok(builder.with_root_certificates(roots).with_no_client_auth())
}
