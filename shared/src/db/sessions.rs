//! Sessions: each is a family of refresh tokens, of which one is worth something.

use std::time::Duration;

use time::OffsetDateTime;
use tokio_postgres::Row;
use tokio_postgres::types::Type;
use uuid::Uuid;

use super::session::Param;
use super::{DbError, Session, seconds};
use crate::domain::{SecretDigest, SessionId, UserId};

/// A user has at most so many: beyond, the one that was idle for longest ends. So signing in again and again cannot
/// fill the table.
const AT_MOST: i64 = 50;

/// How long a session lives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lifetimes {
    /// After its last refresh.
    pub idle: Duration,
    /// In all, however often it is refreshed.
    pub in_all: Duration,
}

/// A session as its owner sees it.
#[derive(Debug, Clone)]
pub struct UserSession {
    /// Its id.
    pub id: SessionId,
    /// What signed in, by its own word.
    pub user_agent: Option<String>,
    /// When it was begun.
    pub created_at: OffsetDateTime,
    /// When it was last refreshed.
    pub last_used_at: OffsetDateTime,
    /// When it ends if it is not refreshed.
    pub expires_at: OffsetDateTime,
}

/// A session to begin.
#[derive(Debug)]
pub struct NewSession<'a> {
    /// Who has signed in.
    pub owner: UserId,
    /// Its first refresh token.
    pub token: SecretDigest,
    /// What signed in, of 200 characters at most.
    pub user_agent: Option<&'a str>,
    /// How long it lives.
    pub lifetimes: Lifetimes,
}

/// A session that was begun.
#[derive(Debug)]
pub struct Begun {
    /// Its id.
    pub id: SessionId,
    /// Sessions that had to end for it.
    pub ended: Vec<Uuid>,
}

/// Begins a session, and ends the user's most idle ones if there are too many. `None`: the account is gone.
///
/// # Errors
/// The database cannot be asked.
pub async fn begin(db: &mut Session, new: &NewSession<'_>) -> Result<Option<Begun>, DbError> {
    // The session that is begun is not among those that `surplus` sees.
    let statement = "
        WITH begun AS (
            INSERT INTO sessions (id, owner_id, user_agent, expires_at, ends_at, current_token)
            SELECT $1, id, $3, now() + least($4, $5) * interval '1 second', now() + $5 * interval '1 second', $6
            FROM users WHERE id = $2
            RETURNING id
        ), token AS (
            INSERT INTO refresh_tokens (digest, session_id) SELECT $6, id FROM begun
        ), surplus AS (
            SELECT id FROM sessions WHERE owner_id = $2 ORDER BY last_used_at DESC, id DESC OFFSET $7
        ), ended AS (
            DELETE FROM sessions USING surplus WHERE sessions.id = surplus.id AND owner_id = $2 RETURNING sessions.id
        )
        SELECT id, array(SELECT id FROM ended) AS ended FROM begun";
    let params: [Param<'_>; 7] = [
        (&SessionId::new().uuid(), Type::UUID),
        (&new.owner.uuid(), Type::UUID),
        (&new.user_agent, Type::TEXT),
        (&seconds(new.lifetimes.idle), Type::FLOAT8),
        (&seconds(new.lifetimes.in_all), Type::FLOAT8),
        (&new.token.as_bytes(), Type::BYTEA),
        (&(AT_MOST - 1), Type::INT8),
    ];
    let row = db.row(statement, &params).await?;
    Ok(row.map(|row| Begun {
        id: id(&row),
        ended: row.get("ended"),
    }))
}

/// Whether a session of this user has neither ended nor expired.
///
/// # Errors
/// The database cannot be asked.
pub async fn is_alive(db: &mut Session, owner: UserId, session: SessionId) -> Result<bool, DbError> {
    let statement = "SELECT id FROM sessions WHERE id = $2 AND owner_id = $1 AND expires_at > now()";
    let params: [Param<'_>; 2] = [(&owner.uuid(), Type::UUID), (&session.uuid(), Type::UUID)];
    Ok(db.row(statement, &params).await?.is_some())
}

/// A user's sessions, the one that was used last first.
///
/// # Errors
/// The database cannot be asked.
pub async fn list(db: &mut Session, owner: UserId) -> Result<Vec<UserSession>, DbError> {
    let statement = "
        SELECT id, user_agent, created_at, last_used_at, expires_at FROM sessions
        WHERE owner_id = $1 AND expires_at > now() ORDER BY last_used_at DESC, id DESC";
    let rows = db.rows(statement, &[(&owner.uuid(), Type::UUID)]).await?;
    let read = |row: &Row| UserSession {
        id: id(row),
        user_agent: row.get("user_agent"),
        created_at: row.get("created_at"),
        last_used_at: row.get("last_used_at"),
        expires_at: row.get("expires_at"),
    };
    Ok(rows.iter().map(read).collect())
}

/// Ends a session. Returns whether this user had it.
///
/// # Errors
/// The database cannot be asked.
pub async fn end(db: &mut Session, owner: UserId, session: SessionId) -> Result<bool, DbError> {
    let statement = "DELETE FROM sessions WHERE id = $2 AND owner_id = $1 AND expires_at > now() RETURNING id";
    let params: [Param<'_>; 2] = [(&owner.uuid(), Type::UUID), (&session.uuid(), Type::UUID)];
    Ok(db.row(statement, &params).await?.is_some())
}

/// Ends all of a user's sessions but one, and returns them.
///
/// # Errors
/// The database cannot be asked.
pub async fn end_others(db: &mut Session, owner: UserId, kept: SessionId) -> Result<Vec<Uuid>, DbError> {
    let statement = "DELETE FROM sessions WHERE owner_id = $1 AND id <> $2 RETURNING id";
    let params: [Param<'_>; 2] = [(&owner.uuid(), Type::UUID), (&kept.uuid(), Type::UUID)];
    let rows = db.rows(statement, &params).await?;
    Ok(rows.iter().map(|row| row.get("id")).collect())
}

/// Deletes at most `limit` sessions that have expired, and returns how many.
///
/// # Errors
/// The database cannot be asked.
pub async fn purge(db: &mut Session, limit: i64) -> Result<usize, DbError> {
    let statement = "
        DELETE FROM sessions WHERE id IN (
            SELECT id FROM sessions WHERE expires_at <= now() ORDER BY expires_at LIMIT $1 FOR UPDATE SKIP LOCKED)
        RETURNING id";
    Ok(db.rows(statement, &[(&limit, Type::INT8)]).await?.len())
}

fn id(row: &Row) -> SessionId {
    SessionId::from(row.get::<_, Uuid>("id"))
}
