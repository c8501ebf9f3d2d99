//! Keys with which programs call the API.

use std::time::Duration;

use time::OffsetDateTime;
use tokio_postgres::Row;
use tokio_postgres::types::Type;
use uuid::Uuid;

use super::session::Param;
use super::{DbError, Session, seconds};
use crate::domain::{ApiKeyId, Scope, SecretDigest, UserId};

/// A user has at most so many.
pub const AT_MOST: i64 = 20;

/// A key that works, as a request is judged by it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApiKey {
    /// Its id.
    pub id: ApiKeyId,
    /// Whose it is.
    pub owner: UserId,
    /// What it may do.
    pub scopes: Vec<Scope>,
    /// When it ceases to work, if ever.
    pub expires_at: Option<OffsetDateTime>,
}

/// A key as its owner sees it.
#[derive(Debug, Clone)]
pub struct ApiKeyDescription {
    /// Its id.
    pub id: ApiKeyId,
    /// What it is for.
    pub name: String,
    /// What it may do.
    pub scopes: Vec<Scope>,
    /// When it was made.
    pub created_at: OffsetDateTime,
    /// When it was last used, to the minute.
    pub last_used_at: Option<OffsetDateTime>,
    /// When it ceases to work, if ever.
    pub expires_at: Option<OffsetDateTime>,
}

/// A key to be made.
#[derive(Debug)]
pub struct NewApiKey<'a> {
    /// Whose it is.
    pub owner: UserId,
    /// What is stored of the secret.
    pub digest: SecretDigest,
    /// What it is for: 1 to 100 characters.
    pub name: &'a str,
    /// What it may do: at least one thing.
    pub scopes: &'a [Scope],
    /// How long it works; `None`: until it is deleted.
    pub lifetime: Option<Duration>,
}

/// Making a key.
#[derive(Debug)]
pub enum Creation {
    /// It is made.
    Created(ApiKeyDescription),
    /// The user has [`AT_MOST`].
    TooMany,
}

/// Makes a key.
///
/// # Errors
/// The database cannot be asked.
pub async fn create(db: &mut Session, new: &NewApiKey<'_>) -> Result<Creation, DbError> {
    // Whoever makes keys of one user at the same time waits here, and then counts those of the other.
    let lock = "SELECT id FROM users WHERE id = $1 FOR NO KEY UPDATE";
    let insert = "
        INSERT INTO api_keys (id, owner_id, digest, name, scopes, expires_at)
        SELECT $2, id, $3, $4, $5, now() + $6 * interval '1 second' FROM users
        WHERE id = $1 AND (SELECT count(*) FROM api_keys WHERE owner_id = $1) < $7
        RETURNING id, name, scopes, created_at, last_used_at, expires_at";
    let scopes: Vec<&str> = new.scopes.iter().map(|scope| scope.as_str()).collect();
    let params: [Param<'_>; 7] = [
        (&new.owner.uuid(), Type::UUID),
        (&ApiKeyId::new().uuid(), Type::UUID),
        (&new.digest.as_bytes(), Type::BYTEA),
        (&new.name, Type::TEXT),
        (&scopes, Type::TEXT_ARRAY),
        (&new.lifetime.map(seconds), Type::FLOAT8),
        (&AT_MOST, Type::INT8),
    ];
    let [_, made] = db.transaction([(lock, &params[..1]), (insert, &params)]).await?;
    made.first()
        .map_or(Ok(Creation::TooMany), |row| description(row).map(Creation::Created))
}

/// Finds the key that has this digest and has not expired, and notes that it is used.
///
/// # Errors
/// The database cannot be asked.
pub async fn find(db: &mut Session, digest: SecretDigest) -> Result<Option<ApiKey>, DbError> {
    let statement = "
        WITH found AS (
            SELECT id, owner_id, scopes, expires_at, last_used_at FROM api_keys
            WHERE digest = $1 AND (expires_at IS NULL OR expires_at > now())
        ), used AS (
            UPDATE api_keys k SET last_used_at = now() FROM found f
            WHERE k.id = f.id AND (f.last_used_at IS NULL OR f.last_used_at < now() - interval '1 minute')
        )
        SELECT id, owner_id, scopes, expires_at FROM found";
    let row = db.row(statement, &[(&digest.as_bytes(), Type::BYTEA)]).await?;
    row.map(|row| {
        Ok(ApiKey {
            id: ApiKeyId::from(row.get::<_, Uuid>("id")),
            owner: UserId::from(row.get::<_, Uuid>("owner_id")),
            scopes: scopes(&row)?,
            expires_at: row.get("expires_at"),
        })
    })
    .transpose()
}

/// A user's keys, newest first, those that have expired included.
///
/// # Errors
/// The database cannot be asked.
pub async fn list(db: &mut Session, owner: UserId) -> Result<Vec<ApiKeyDescription>, DbError> {
    let statement = "
        SELECT id, name, scopes, created_at, last_used_at, expires_at FROM api_keys WHERE owner_id = $1 ORDER BY id DESC";
    let rows = db.rows(statement, &[(&owner.uuid(), Type::UUID)]).await?;
    rows.iter().map(description).collect()
}

/// Deletes a key. Returns whether this user had it.
///
/// # Errors
/// The database cannot be asked.
pub async fn delete(db: &mut Session, owner: UserId, id: ApiKeyId) -> Result<bool, DbError> {
    let statement = "DELETE FROM api_keys WHERE id = $2 AND owner_id = $1 RETURNING id";
    let params: [Param<'_>; 2] = [(&owner.uuid(), Type::UUID), (&id.uuid(), Type::UUID)];
    Ok(db.row(statement, &params).await?.is_some())
}

fn description(row: &Row) -> Result<ApiKeyDescription, DbError> {
    Ok(ApiKeyDescription {
        id: ApiKeyId::from(row.get::<_, Uuid>("id")),
        name: row.get("name"),
        scopes: scopes(row)?,
        created_at: row.get("created_at"),
        last_used_at: row.get("last_used_at"),
        expires_at: row.get("expires_at"),
    })
}

fn scopes(row: &Row) -> Result<Vec<Scope>, DbError> {
    let names: Vec<&str> = row.get("scopes");
    let read = |name: &&str| name.parse().map_err(|_| DbError::Unreadable((*name).to_owned()));
    names.iter().map(read).collect()
}
