//! Requests that carried an `Idempotency-Key`.
//!
//! The key is taken, and the request carried out, in one transaction: whoever repeats it meanwhile waits for that to
//! end, and then finds what it made. If it made nothing, the key is free again.

use std::time::Duration;

use sha2::{Digest, Sha256};
use tokio_postgres::types::Type;
use uuid::Uuid;

use super::session::Param;
use super::{DbError, Session, seconds};
use crate::domain::UserId;

/// How long a key is remembered.
const REMEMBERED: Duration = Duration::from_hours(24);

/// A request's route, within which a key counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operation {
    /// `POST /api/ask`.
    Ask,
    /// `POST /api/documents`.
    Upload,
}

impl Operation {
    fn as_str(self) -> &'static str {
        match self {
            Self::Ask => "ask",
            Self::Upload => "upload",
        }
    }
}

/// SHA-256 of a request's body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fingerprint([u8; 32]);

impl Fingerprint {
    /// Computes it.
    #[must_use]
    pub fn of(body: &[u8]) -> Self {
        Self(Sha256::digest(body).into())
    }
}

/// A request that may be a repetition.
#[derive(Debug, Clone, Copy)]
pub struct Keyed<'a> {
    /// Who sent it.
    pub owner: UserId,
    /// Which route it is for.
    pub operation: Operation,
    /// Its key.
    pub key: &'a str,
    /// Its body.
    pub fingerprint: Fingerprint,
}

/// What a key is.
#[derive(Debug, PartialEq, Eq)]
pub enum Taken {
    /// New: the request is to be carried out, and [`keep`] called with what it made.
    New,
    /// Of a request with the same body, which made this.
    Same(Uuid),
    /// Of a request with another body.
    Other,
    /// The user's account is gone.
    NoSuchUser,
}

/// Takes a key, within the caller's transaction.
///
/// # Errors
/// The database cannot be asked.
pub async fn take(db: &mut Session, request: &Keyed<'_>) -> Result<Taken, DbError> {
    // A record that is too old counts for nothing any more, and is made anew in its place.
    let statement = "
        INSERT INTO idempotency_keys AS k (owner_id, operation, key, fingerprint, expires_at)
        SELECT id, $2, $3, $4, now() + $5 * interval '1 second' FROM users WHERE id = $1
        ON CONFLICT (owner_id, operation, key) DO UPDATE SET
            fingerprint = CASE WHEN k.expires_at > now() THEN k.fingerprint ELSE excluded.fingerprint END,
            resource_id = CASE WHEN k.expires_at > now() THEN k.resource_id END,
            expires_at = CASE WHEN k.expires_at > now() THEN k.expires_at ELSE excluded.expires_at END
        RETURNING k.resource_id, k.fingerprint = $4 AS is_same";
    let params: [Param<'_>; 5] = [
        (&request.owner.uuid(), Type::UUID),
        (&request.operation.as_str(), Type::TEXT),
        (&request.key, Type::TEXT),
        (&request.fingerprint.0.as_slice(), Type::BYTEA),
        (&seconds(REMEMBERED), Type::FLOAT8),
    ];
    let Some(row) = db.row(statement, &params).await? else {
        return Ok(Taken::NoSuchUser);
    };
    Ok(match row.get::<_, Option<Uuid>>("resource_id") {
        _ if !row.get::<_, bool>("is_same") => Taken::Other,
        Some(resource) => Taken::Same(resource),
        None => Taken::New,
    })
}

/// Keeps what the request made, within the transaction that took the key.
///
/// # Errors
/// The database cannot be asked.
pub async fn keep(db: &mut Session, request: &Keyed<'_>, resource: Uuid) -> Result<(), DbError> {
    let statement = "
        UPDATE idempotency_keys SET resource_id = $4 WHERE owner_id = $1 AND operation = $2 AND key = $3";
    let params: [Param<'_>; 4] = [
        (&request.owner.uuid(), Type::UUID),
        (&request.operation.as_str(), Type::TEXT),
        (&request.key, Type::TEXT),
        (&resource, Type::UUID),
    ];
    db.rows(statement, &params).await.map(drop)
}

/// Deletes at most `limit` records that are too old, and returns how many.
///
/// # Errors
/// The database cannot be asked.
pub async fn purge(db: &mut Session, limit: i64) -> Result<usize, DbError> {
    let statement = "
        DELETE FROM idempotency_keys WHERE (owner_id, operation, key) IN (
            SELECT owner_id, operation, key FROM idempotency_keys WHERE expires_at <= now()
            ORDER BY expires_at LIMIT $1 FOR UPDATE SKIP LOCKED)
        RETURNING owner_id";
    Ok(db.rows(statement, &[(&limit, Type::INT8)]).await?.len())
}
