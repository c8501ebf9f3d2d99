//! Secrets that are given by a name: `NAME_PARAMETER`, a parameter of SSM, or `NAME_SECRET`, a secret of Secrets Manager.
//!
//! Here is what needs no network: which variables name something, and what the value that was read means. Fetching is
//! [`secrets`](crate::secrets)' business.

use std::collections::BTreeMap;

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Deserialize;

use super::Env;

/// The variables whose value may be given by a name.
const NAMES: [&str; 6] = [
    "ANTHROPIC_API_KEY",
    "DATABASE_URL",
    "EMBEDDINGS_API_KEY",
    "FUNCTIONS_DATABASE_URL",
    "JWT_SECRET",
    "REDIS_URL",
];
/// <https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_GetParameters.html>
const _: () = assert!(NAMES.len() <= 10, "one call of SSM reads ten parameters at most");

const PARAMETER: &str = "_PARAMETER";
const SECRET: &str = "_SECRET";

/// What has to be read, and where.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct SecretsConfig {
    /// An endpoint other than AWS's own, such as an emulator's.
    pub endpoint: Option<String>,
    /// Names of SSM's parameters, by the variable that their value is for.
    pub parameters: BTreeMap<&'static str, String>,
    /// Names or ARNs of secrets of Secrets Manager, by the variable that their value is for.
    pub secrets: BTreeMap<&'static str, String>,
}

impl SecretsConfig {
    /// Reads the names. A variable that is given in two ways is a problem: nobody could say which of them holds.
    pub fn from_env(env: &mut Env) -> Self {
        let mut config = Self {
            endpoint: env.optional("AWS_ENDPOINT_URL"),
            ..Self::default()
        };
        for name in NAMES {
            let parameter = env.optional(&format!("{name}{PARAMETER}"));
            let secret = env.optional(&format!("{name}{SECRET}"));
            match (env.optional(name), parameter, secret) {
                (_, None, None) => {}
                (None, Some(parameter), None) => drop(config.parameters.insert(name, parameter)),
                (None, None, Some(secret)) => drop(config.secrets.insert(name, secret)),
                _ => env.give_up(
                    name,
                    &format!("must be set in one way only: itself, {name}{PARAMETER} or {name}{SECRET}"),
                ),
            }
        }
        config
    }

    /// What of it is for one variable.
    pub(crate) fn only(&self, variable: &'static str) -> Self {
        let only = |named: &BTreeMap<&'static str, String>| {
            let entry = named.get(variable).map(|name| (variable, name.clone()));
            entry.into_iter().collect()
        };
        Self {
            endpoint: self.endpoint.clone(),
            parameters: only(&self.parameters),
            secrets: only(&self.secrets),
        }
    }

    /// Whether nothing has to be read.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.parameters.is_empty() && self.secrets.is_empty()
    }
}

/// What came of reading a parameter or secret: its value, or why there is none, in words that show nothing of it.
pub type Reading = Result<String, String>;

/// Puts what was read for the variable `name` into the environment, or notes why that cannot be.
pub(crate) fn settle_parameter(env: &mut Env, name: &'static str, reading: Reading) {
    settle(env, name, PARAMETER, reading);
}

/// The same for a secret of Secrets Manager.
pub(crate) fn settle_secret(env: &mut Env, name: &'static str, reading: Reading) {
    settle(env, name, SECRET, reading);
}

fn settle(env: &mut Env, name: &'static str, suffix: &str, reading: Reading) {
    let value = reading.and_then(|text| {
        let is_database = name.ends_with("DATABASE_URL");
        match text.trim() {
            "" => Err("names something that holds nothing".to_owned()),
            json if is_database && json.starts_with('{') => url_of_json(json),
            value => Ok(value.to_owned()),
        }
    });
    match value {
        Ok(value) => env.set(name, value),
        Err(problem) => env.give_up(name, &format!("is not known: {name}{suffix} {problem}")),
    }
}

/// A database's secret as RDS writes it:
/// <https://docs.aws.amazon.com/secretsmanager/latest/userguide/reference_secret_json_structure.html>
#[derive(Deserialize)]
struct RdsSecret {
    username: String,
    password: String,
    host: String,
    port: Option<Port>,
    dbname: Option<String>,
}

/// RDS writes a number; who writes the secret by hand may put it between quotation marks.
#[derive(Deserialize)]
#[serde(untagged)]
enum Port {
    Number(u16),
    Text(String),
}

/// The parts may hold any character; in a URL each is percent-encoded, or an `@` would begin the host.
fn url_of_json(json: &str) -> Reading {
    // The parser's message could quote the text.
    let secret: RdsSecret = serde_json::from_str(json)
        .map_err(|_| "holds JSON without username, password and host, which RDS would write".to_owned())?;
    let encode = |part: &str| utf8_percent_encode(part, NON_ALPHANUMERIC).to_string();
    let port = match secret.port {
        None => 5432,
        Some(Port::Number(port)) => port,
        Some(Port::Text(text)) => text
            .parse()
            .map_err(|_| "holds JSON whose port is no number".to_owned())?,
    };
    Ok(format!(
        "postgres://{}:{}@{}:{port}/{}",
        encode(&secret.username),
        encode(&secret.password),
        encode(&secret.host),
        encode(secret.dbname.as_deref().unwrap_or("postgres")),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn env(pairs: &[(&str, &str)]) -> Env {
        Env::new(pairs.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())))
    }

    #[test]
    fn names_are_told_from_values() {
        let mut env = env(&[
            ("DATABASE_URL_SECRET", "docent/database"),
            ("DATABASE_URL_PARAMETER", ""),
            ("REDIS_URL", "redis://127.0.0.1"),
            ("JWT_SECRET_PARAMETER", "/docent/jwt"),
        ]);
        let config = SecretsConfig::from_env(&mut env);
        assert_eq!(
            config.parameters,
            BTreeMap::from([("JWT_SECRET", "/docent/jwt".to_owned())])
        );
        assert_eq!(
            config.secrets,
            BTreeMap::from([("DATABASE_URL", "docent/database".to_owned())])
        );
        assert!(env.finish().is_ok());
    }

    #[test]
    fn two_ways_at_once_are_a_problem_that_shows_no_value() {
        for (first, second) in [
            ("JWT_SECRET", "JWT_SECRET_PARAMETER"),
            ("JWT_SECRET", "JWT_SECRET_SECRET"),
            ("JWT_SECRET_PARAMETER", "JWT_SECRET_SECRET"),
        ] {
            let mut env = env(&[(first, "swordfish"), (second, "swordfish")]);
            assert!(SecretsConfig::from_env(&mut env).is_empty());
            let message = env.finish().unwrap_err().to_string();
            assert!(message.contains("JWT_SECRET must be set in one way only"), "{message}");
            assert!(!message.contains("swordfish"), "{message}");
        }
    }

    #[test]
    fn a_secret_of_rds_becomes_a_url() {
        let password = "p@ss/w:rd?#% \"é";
        let json = serde_json::json!({"username": "u@x", "password": password, "host": "db.example.com",
            "port": 6432, "dbname": "a b", "engine": "postgres"});
        let mut env = env(&[]);
        settle_secret(&mut env, "DATABASE_URL", Ok(json.to_string()));
        let url = env.required("DATABASE_URL");
        let read: tokio_postgres::Config = url.parse().unwrap();
        assert_eq!(read.get_user(), Some("u@x"));
        assert_eq!(read.get_password(), Some(password.as_bytes()));
        assert_eq!(read.get_dbname(), Some("a b"));
        assert_eq!(read.get_ports(), [6432]);
        assert_eq!(
            read.get_hosts(),
            [tokio_postgres::config::Host::Tcp("db.example.com".to_owned())]
        );
    }

    #[test]
    fn only_a_database_may_be_json() {
        let mut env = env(&[]);
        settle_parameter(&mut env, "JWT_SECRET", Ok("{\"not\": \"json of ours\"}".to_owned()));
        assert!(env.required("JWT_SECRET").starts_with('{'));
    }

    /// What a section says of a variable that could not be read would only repeat it.
    #[test]
    fn a_problem_is_told_once_and_names_the_variable_to_mend() {
        let mut env = env(&[]);
        settle_parameter(&mut env, "JWT_SECRET", Err("names no parameter".to_owned()));
        settle_secret(&mut env, "DATABASE_URL", Ok("{\"password\": \"hunter2\"}".to_owned()));
        settle_secret(&mut env, "REDIS_URL", Ok(" ".to_owned()));
        for name in ["JWT_SECRET", "DATABASE_URL", "REDIS_URL"] {
            env.required(name);
        }
        let message = env.finish().unwrap_err().to_string();
        for part in [
            "JWT_SECRET is not known: JWT_SECRET_PARAMETER names no parameter",
            "DATABASE_URL_SECRET holds JSON without",
            "REDIS_URL_SECRET names something that holds nothing",
        ] {
            assert!(message.contains(part), "{message}");
        }
        assert!(
            !message.contains("hunter2") && !message.contains("is not set"),
            "{message}"
        );
    }
}
