//! How Postgres is reached.

use std::time::Duration;

use tokio_postgres::config::SslMode;

use super::{Env, Source, transport};

/// `DATABASE_URL` or `FUNCTIONS_DATABASE_URL`, `DATABASE_CA_FILE` and `ALLOW_PLAINTEXT`.
#[derive(Clone)]
pub struct DatabaseConfig {
    /// The parsed connection string.
    pub connection: tokio_postgres::Config,
    /// PEM file with the certificate authorities to trust; the public ones if it is not given.
    pub ca_file: Option<String>,
    /// The most connections one sandbox opens.
    pub max_connections: usize,
    /// The longest a statement may take before the client gives up on it and on its connection.
    pub statement_timeout: Duration,
    /// Where a new password is to be had.
    pub source: Source,
}

impl DatabaseConfig {
    /// Reads the section. `max_connections` and `statement_timeout` belong to the function, not to the deployment.
    pub fn from_env(env: &mut Env, max_connections: usize, statement_timeout: Duration) -> Self {
        Self::read(env, "DATABASE_URL", max_connections, statement_timeout)
    }

    /// The owner of the schema, as the migrator is given it. A migration takes as long as it takes.
    pub fn of_owner(env: &mut Env) -> Self {
        Self::read(env, "DATABASE_URL", 1, Duration::MAX)
    }

    /// The login of the other functions, as the migrator is given it: `FUNCTIONS_DATABASE_URL`. None, if it is somebody
    /// else's business.
    pub fn of_functions(env: &mut Env) -> Option<Self> {
        let name = "FUNCTIONS_DATABASE_URL";
        env.optional(name)?;
        let config = Self::read(env, name, 1, Duration::MAX);
        if config.connection.get_user().is_none() {
            env.problem(name, "must name a user");
        }
        Some(config)
    }

    fn read(env: &mut Env, name: &'static str, max_connections: usize, statement_timeout: Duration) -> Self {
        let url = env.required(name);
        let connection = Self::parse(&url).unwrap_or_else(|problem| {
            if !url.is_empty() {
                env.problem(name, problem);
            }
            tokio_postgres::Config::new()
        });
        let config = Self {
            connection,
            ca_file: env.optional("DATABASE_CA_FILE"),
            max_connections,
            statement_timeout,
            source: env.source(),
        };
        let allows_plaintext = transport::allows_plaintext(env);
        if !allows_plaintext && !config.uses_tls() && !config.is_local() {
            env.problem(name, transport::PLAINTEXT);
        }
        config
    }

    /// `verify-full` and `verify-ca` are spellings of libpq that the client library does not know. With us TLS always
    /// verifies certificate and host name, so both mean `require`.
    fn parse(url: &str) -> Result<tokio_postgres::Config, &'static str> {
        let url = url
            .replace("sslmode=verify-full", "sslmode=require")
            .replace("sslmode=verify-ca", "sslmode=require");
        let mut config: tokio_postgres::Config = url
            .parse()
            .map_err(|_| "must be like postgres://user:password@host:5432/database")?;
        if config.get_hosts().is_empty() {
            return Err("must name a host");
        }
        config
            .application_name("docent")
            .connect_timeout(Duration::from_secs(2));
        Ok(config)
    }

    /// Whether connections are encrypted: always, unless the URL leaves it out for a server on this machine, or says
    /// `sslmode=disable`, which for another machine takes `ALLOW_PLAINTEXT`.
    #[must_use]
    pub fn uses_tls(&self) -> bool {
        self.connection.get_ssl_mode() != SslMode::Disable && !self.is_local()
            || self.connection.get_ssl_mode() == SslMode::Require
    }

    fn is_local(&self) -> bool {
        use tokio_postgres::config::Host;
        self.connection.get_hosts().iter().all(|host| match host {
            Host::Tcp(name) => transport::is_this_machine(name),
            #[cfg(unix)]
            Host::Unix(_) => true,
        })
    }
}

/// The connection string holds a password, so nothing of it is shown.
impl std::fmt::Debug for DatabaseConfig {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("DatabaseConfig")
            .field("max_connections", &self.max_connections)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(url: &str) -> Result<DatabaseConfig, String> {
        let mut env = Env::new([("DATABASE_URL".to_owned(), url.to_owned())]);
        let config = DatabaseConfig::from_env(&mut env, 1, Duration::from_secs(1));
        env.finish().map(|()| config).map_err(|e| e.to_string())
    }

    #[test]
    fn a_remote_server_is_always_reached_over_tls() {
        for url in [
            "postgres://u:p@db.example.com/d",
            "postgres://u:p@db.example.com/d?sslmode=verify-full",
            "postgres://u:p@127.0.0.1/d?sslmode=require",
        ] {
            assert!(read(url).unwrap().uses_tls(), "{url}");
        }
        assert!(!read("postgres://u:p@127.0.0.1:5433/d").unwrap().uses_tls());
    }

    #[test]
    fn a_remote_server_without_tls_takes_a_word_of_the_operator() {
        let plain = "postgres://u:p@db.example.com/d?sslmode=disable";
        let message = read(plain).unwrap_err();
        assert!(message.contains("ALLOW_PLAINTEXT"), "{message}");
        // One host that is this machine does not make the other one safe.
        assert!(read("postgres://u:p@127.0.0.1,db.example.com/d?sslmode=disable").is_err());
        let variables = [("DATABASE_URL", plain), ("ALLOW_PLAINTEXT", "true")];
        let mut env = Env::new(variables.map(|(name, value)| (name.to_owned(), value.to_owned())));
        assert!(!DatabaseConfig::from_env(&mut env, 1, Duration::from_secs(1)).uses_tls());
        assert!(env.finish().is_ok());
    }

    #[test]
    fn a_broken_url_is_named_but_not_shown() {
        let message = read("postgres://u:hunter2@").unwrap_err();
        assert!(
            message.contains("DATABASE_URL") && !message.contains("hunter2"),
            "{message}"
        );
    }

    #[test]
    fn the_password_is_not_in_debug_output() {
        assert!(!format!("{:?}", read("postgres://u:hunter2@localhost/d").unwrap()).contains("hunter2"));
    }
}
