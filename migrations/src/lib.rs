//! Docent's database schema, and the code that brings a database up to it.
//!
//! A migration is a plain SQL file, applied once, in the order of the numbers, in one transaction with its entry in
//! `schema_migrations`. A file that was applied must not be edited any more: its digest is kept and compared.

mod grants;
mod login;

pub use login::admit;

use sha2::{Digest, Sha256};
use tokio_postgres::Client;

/// One step of the schema.
#[derive(Debug, Clone, Copy)]
pub struct Migration {
    /// The file's name without `.sql`; the order of the names is the order of the steps.
    pub name: &'static str,
    sql: &'static str,
}

macro_rules! migrations {
    ($($name:literal),* $(,)?) => {
        &[$(Migration { name: $name, sql: include_str!(concat!("../", $name, ".sql")) }),*]
    };
}

/// Every migration, in order.
pub const ALL: &[Migration] = migrations![
    "0001_users",
    "0002_documents",
    "0003_chats_and_jobs",
    "0004_lexical_search",
    "0005_uploads",
    "0006_vectors",
    "0007_pipeline",
    "0008_contextual_headers",
    "0009_sessions",
    "0010_token_usage",
];

/// Any number will do, as long as nothing else in the database locks on it.
const LOCK: i64 = 0x0064_6f63_656e_7401;

/// Why a database could not be brought up to date.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The database refused a step; nothing of that step was kept.
    #[error("apply {step}")]
    Refused {
        /// The migration, or the part of the book-keeping.
        step: &'static str,
        /// What the database said.
        #[source]
        source: tokio_postgres::Error,
    },
    /// A migration was edited after it had been applied here.
    #[error("{0} differs from what was applied to this database; add a new migration instead of editing an old one")]
    Edited(&'static str),
}

/// Applies what is missing and returns the names of it. Safe to run twice and at once: a second runner waits for the
/// first and then finds nothing to do.
///
/// # Errors
/// [`Error`]; the steps before the one that failed are kept.
pub async fn apply(client: &mut Client) -> Result<Vec<&'static str>, Error> {
    let applied = apply_all_of(client, ALL).await?;
    enable_vectors(client).await?;
    grants::apply(client).await?;
    Ok(applied)
}

/// A server that got pgvector since the last run gets the tables for vectors now.
async fn enable_vectors(client: &Client) -> Result<(), Error> {
    // Several statements at once are one transaction, and so hold the lock together.
    client
        .batch_execute(&format!(
            "SELECT pg_advisory_xact_lock({LOCK}); SELECT enable_vectors()"
        ))
        .await
        .map_err(|source| Error::Refused {
            step: "enable_vectors",
            source,
        })
}

/// Applies what is missing up to and including the migration of this name, and nothing if there is none of that name.
/// For tests: they make a database as an older version left it.
///
/// # Errors
/// Like [`apply`].
pub async fn apply_up_to(client: &mut Client, last: &str) -> Result<Vec<&'static str>, Error> {
    let count = ALL
        .iter()
        .position(|migration| migration.name == last)
        .map_or(0, |at| at + 1);
    apply_all_of(client, &ALL[..count]).await
}

async fn apply_all_of(client: &mut Client, migrations: &'static [Migration]) -> Result<Vec<&'static str>, Error> {
    let mut applied = Vec::new();
    prepare(client).await?;
    for migration in migrations {
        if apply_one(client, migration).await? {
            applied.push(migration.name);
        }
    }
    Ok(applied)
}

async fn prepare(client: &mut Client) -> Result<(), Error> {
    let step = "schema_migrations";
    let transaction = client
        .transaction()
        .await
        .map_err(|source| Error::Refused { step, source })?;
    // Even CREATE ... IF NOT EXISTS fails when two run it at once, so it is done under the lock too.
    let create = format!(
        "SELECT pg_advisory_xact_lock({LOCK});
         CREATE TABLE IF NOT EXISTS schema_migrations (
             name text PRIMARY KEY, digest bytea NOT NULL, applied_at timestamptz NOT NULL DEFAULT now())"
    );
    transaction
        .batch_execute(&create)
        .await
        .map_err(|source| Error::Refused { step, source })?;
    transaction
        .commit()
        .await
        .map_err(|source| Error::Refused { step, source })
}

/// The lock ends with the transaction, so it also works behind a pooler that hands connections on.
async fn apply_one(client: &mut Client, migration: &Migration) -> Result<bool, Error> {
    let refused = |source| Error::Refused {
        step: migration.name,
        source,
    };
    let digest = Sha256::digest(migration.sql.as_bytes()).to_vec();
    let transaction = client.transaction().await.map_err(refused)?;
    transaction
        .batch_execute(&format!("SELECT pg_advisory_xact_lock({LOCK})"))
        .await
        .map_err(refused)?;
    let known = transaction
        .query_opt(
            "SELECT digest FROM schema_migrations WHERE name = $1",
            &[&migration.name],
        )
        .await
        .map_err(refused)?;
    if let Some(row) = known {
        return if row.get::<_, Vec<u8>>("digest") == digest {
            Ok(false)
        } else {
            Err(Error::Edited(migration.name))
        };
    }
    transaction.batch_execute(migration.sql).await.map_err(refused)?;
    transaction
        .execute(
            "INSERT INTO schema_migrations (name, digest) VALUES ($1, $2)",
            &[&migration.name, &digest],
        )
        .await
        .map_err(refused)?;
    transaction.commit().await.map_err(refused)?;
    Ok(true)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_holds_every_file_in_order() {
        let mut files: Vec<String> = std::fs::read_dir(env!("CARGO_MANIFEST_DIR"))
            .unwrap()
            .filter_map(|entry| entry.unwrap().file_name().into_string().ok())
            .filter_map(|name| name.strip_suffix(".sql").map(str::to_owned))
            .filter(|name| name != "grants")
            .collect();
        files.sort();
        let listed: Vec<&str> = ALL.iter().map(|m| m.name).collect();
        assert_eq!(listed, files);
    }
}
