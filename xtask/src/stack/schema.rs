//! The schema of a stack's database, and the login of the functions: made by this program, which contains the migrations,
//! or, where what `sam build` made is run, by its migrator.

use std::path::Path;

use anyhow::{Context, Result};
use serde_json::json;

use super::binaries::Binaries;
use super::lambda::{self, Function};
use super::{Services, Tools, database};
use crate::place::Place;
use crate::secrets;

/// The template's numbers for the migrator.
const TIMEOUT_SECONDS: u32 = 600;
const MEMORY_MEGABYTES: u32 = 256;

/// What was applied, and how the functions log in.
#[derive(Debug)]
pub(crate) struct Schema {
    /// The names of the migrations that were missing.
    pub(crate) applied: Vec<String>,
    /// The URL of the functions.
    pub(crate) database_url: String,
}

/// Brings the database up to date. On a server of our own the functions get a login that owns nothing; a given one is used
/// as it was given.
///
/// # Errors
/// If a migration fails, or the server refuses the login.
pub(crate) fn apply(place: &Place, services: &Services, tools: &Tools, binaries: &Binaries) -> Result<Schema> {
    let owner = &services.database_url;
    let password = secrets::get_or_make(&place.dir, "functions_password")?;
    let database_url = if services.own_database {
        database::functions_url(owner, &password)?
    } else {
        owner.clone()
    };
    let applied = if let Binaries::Packages(_) = binaries {
        let migrator = migrator(binaries, owner, &database_url);
        invoke(&migrator, services, &tools.environment)?
    } else {
        let applied = database::migrate(owner)?;
        if services.own_database {
            database::make_login(owner, &password)?;
        }
        applied.into_iter().map(str::to_owned).collect()
    };
    Ok(Schema { applied, database_url })
}

fn migrator(binaries: &Binaries, owner: &str, functions: &str) -> Function<'static> {
    let variables = [("DATABASE_URL", owner), ("FUNCTIONS_DATABASE_URL", functions)];
    Function {
        name: "migrator",
        program: binaries.of("migrator"),
        timeout_seconds: TIMEOUT_SECONDS,
        memory_megabytes: MEMORY_MEGABYTES,
        variables: variables
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .into(),
    }
}

/// As an operator does.
fn invoke(migrator: &Function<'_>, services: &Services, environment: &Path) -> Result<Vec<String>> {
    lambda::create(&services.aws, environment, migrator)?;
    let answer = lambda::invoke(&services.aws, migrator.name, &json!({"migrate": {}}))?;
    let applied = answer["applied"].as_array();
    let names = applied.with_context(|| format!("the migrator answered {answer}"))?;
    Ok(names
        .iter()
        .filter_map(|name| name.as_str().map(str::to_owned))
        .collect())
}
