//! The local stack: Postgres, Redis, the AWS emulator, and the functions between them.

pub(crate) mod aws;
pub(crate) mod binaries;
pub(crate) mod cargo_deny;
pub(crate) mod database;
mod debian;
mod emulator;
pub(crate) mod functions;
pub(crate) mod janitor;
pub(crate) mod lambda;
pub(crate) mod model;
mod ports;
pub(crate) mod postgres;
mod pump;
pub(crate) mod python;
mod redis;
pub(crate) mod sam;
pub(crate) mod schema;
mod supervisor;
mod worker;

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use crate::place::Place;
use crate::process::Running;
use crate::progress;
use crate::settings::Settings;
use aws::Endpoint;

/// The programs that the stack consists of, found or installed.
#[derive(Debug)]
pub(crate) struct Tools {
    /// The virtual environment with the emulator, Postgres and cargo-lambda.
    pub(crate) environment: PathBuf,
    /// The Redis server, unless the settings name a Redis.
    pub(crate) redis: Option<PathBuf>,
}

impl Tools {
    /// Finds or installs what these settings need.
    ///
    /// # Errors
    /// If something can neither be found nor installed: says what to do.
    pub(crate) fn ensure(root: &Path, settings: &Settings) -> Result<Self> {
        let environment = python::STACK.ensure(root)?;
        let redis = match settings.get("REDIS_URL") {
            Some(_) => None,
            None => Some(progress::step("find Redis", || {
                let program = redis::find(root)?;
                let text = format!("Redis server: {}", program.display());
                Ok((program, text))
            })?),
        };
        Ok(Self { environment, redis })
    }
}

/// Running services, or given ones; the ones that were started end when this is dropped.
#[derive(Debug)]
pub(crate) struct Services {
    /// The application's database, migrated or not, with the login that owns it.
    pub(crate) database_url: String,
    /// Whether Postgres was started here.
    pub(crate) own_database: bool,
    /// The cache.
    pub(crate) redis_url: String,
    /// SQS and Lambda.
    pub(crate) aws: Endpoint,
    /// Whether the emulator was started here, beside the compiled functions.
    pub(crate) own_emulator: bool,
    /// Whether the cache was started here, and so is empty.
    pub(crate) own_cache: bool,
    running: Vec<Running>,
}

impl Services {
    /// Starts what the settings do not name.
    ///
    /// # Errors
    /// If one does not start, with its log; or a given one does not answer.
    pub(crate) fn start(place: &Place, settings: &Settings, tools: &Tools) -> Result<Self> {
        let mut running = Vec::new();
        let database_url = match settings.get("DATABASE_URL") {
            Some(url) => given_database(url)?,
            None => started("Postgres", &mut running, || postgres::start(place, &tools.environment))?,
        };
        let redis_url = match (settings.get("REDIS_URL"), &tools.redis) {
            (None, Some(program)) => started("Redis", &mut running, || redis::start(place, program))?,
            (given, _) => given_service("Redis", given.unwrap_or_default()),
        };
        let (aws_url, own_emulator) = match settings.get("AWS_ENDPOINT_URL") {
            Some(url) => (given_service("AWS emulator", url), false),
            None => (
                started("AWS emulator", &mut running, || {
                    emulator::start(place, &tools.environment)
                })?,
                true,
            ),
        };
        let own_cache = settings.get("REDIS_URL").is_none();
        let own_database = settings.get("DATABASE_URL").is_none();
        Ok(Self {
            database_url,
            own_database,
            redis_url,
            aws: Endpoint::new(&aws_url)?,
            own_emulator,
            own_cache,
            running,
        })
    }

    /// Fails if one of the started programs has ended.
    pub(crate) fn check(&mut self) -> Result<()> {
        self.running.iter_mut().try_for_each(Running::check)
    }
}

impl Drop for Services {
    fn drop(&mut self) {
        // In the reverse order of starting: the emulator first, as its functions use the others.
        while self.running.pop().is_some() {}
    }
}

fn started(
    name: &str,
    running: &mut Vec<Running>,
    start: impl FnOnce() -> Result<(Running, String)>,
) -> Result<String> {
    let (program, url) = progress::step(&format!("start {name}"), || {
        let (program, url) = start()?;
        let text = format!("{name} on {}", host(&url));
        Ok(((program, url), text))
    })?;
    running.push(program);
    Ok(url)
}

fn given_database(url: &str) -> Result<String> {
    progress::step("connect to the Postgres of DATABASE_URL", || {
        database::check(url).context("DATABASE_URL names a Postgres that cannot be used")?;
        Ok((url.to_owned(), format!("Postgres of DATABASE_URL on {}", host(url))))
    })
}

fn given_service(name: &str, url: &str) -> String {
    progress::line(&format!("          {name} of the settings on {}", host(url)));
    url.to_owned()
}

/// The host and port of a URL, without user and password.
fn host(url: &str) -> &str {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let authority = rest.split(['/', '?']).next().unwrap_or(rest);
    authority.rsplit_once('@').map_or(authority, |(_, host)| host)
}

#[cfg(test)]
mod tests {
    use super::host;

    #[test]
    fn no_password_is_shown() {
        assert_eq!(
            host("postgres://user:p%40ss@127.0.0.1:5432/docent?x=y"),
            "127.0.0.1:5432"
        );
        assert_eq!(host("redis://127.0.0.1:6379"), "127.0.0.1:6379");
    }
}
