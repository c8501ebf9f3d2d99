//! `cargo xtask admin`: says who may write the shared collection. No route of the API can.

use anyhow::{Context, Result, bail};

use crate::args::AdminOptions;
use crate::place::{self, Place};
use crate::progress;
use crate::settings::Settings;
use crate::stack::database;

/// Runs `admin`, on the database of `DATABASE_URL`, else on that of the `up` that serves here.
///
/// # Errors
/// If there is no such database, or no such user in it.
pub(crate) fn run(options: &AdminOptions) -> Result<()> {
    let root = place::repository()?;
    let settings = Settings::load(&root)?;
    let url = settings
        .get("DATABASE_URL")
        .map(str::to_owned)
        .or_else(|| Place::database_of_up(&root))
        .context("DATABASE_URL is not set, and no `cargo xtask up` is serving here")?;
    let AdminOptions { email, grants } = options;
    let role = if *grants { "admin" } else { "member" };
    if !database::set_role(&url, email, role)? {
        bail!("there is no account with the address {email}; register it first");
    }
    progress::line(&format!("{email} is {role} now; it counts from the next request on"));
    Ok(())
}
