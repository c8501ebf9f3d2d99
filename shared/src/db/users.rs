//! Accounts.

use time::OffsetDateTime;
use tokio_postgres::Row;
use tokio_postgres::types::Type;
use uuid::Uuid;

use super::session::Param;
use super::{DbError, Session};
use crate::domain::{Email, UserId};

/// An account, without its password.
#[derive(Debug, Clone)]
pub struct User {
    /// The account's id.
    pub id: UserId,
    /// The address it signs in with.
    pub email: String,
    /// How the user wants to be called.
    pub name: Option<String>,
    /// May write the shared collection.
    pub is_admin: bool,
    /// When the account was made.
    pub created_at: OffsetDateTime,
}

/// What signing in needs.
pub struct Credentials {
    /// The account.
    pub user: User,
    /// Its password as a PHC string.
    pub password_hash: String,
}

/// Making an account.
#[derive(Debug)]
pub enum Registration {
    /// The account is made, with its private collection.
    Registered(User),
    /// There is an account with this address.
    EmailTaken,
}

/// Makes an account and its private collection, in one statement.
///
/// # Errors
/// The database cannot be asked.
pub async fn register(
    db: &mut Session,
    email: &Email,
    password_hash: &str,
    name: Option<&str>,
) -> Result<Registration, DbError> {
    let statement = "
        WITH account AS (
            INSERT INTO users (id, email, password_hash, name) VALUES ($1, $2, $3, $4)
            ON CONFLICT ON CONSTRAINT users_email_key DO NOTHING
            RETURNING id, email, name, role, created_at
        ), collection AS (
            INSERT INTO collections (id, owner_id, name) SELECT id, id, 'Private' FROM account
        )
        SELECT id, email, name, role, created_at FROM account";
    let row = db
        .row(
            statement,
            &[
                (&UserId::new().uuid(), Type::UUID),
                (&email.as_str(), Type::TEXT),
                (&password_hash, Type::TEXT),
                (&name, Type::TEXT),
            ],
        )
        .await?;
    Ok(row.map_or(Registration::EmailTaken, |row| Registration::Registered(user(&row))))
}

/// Finds the account that signs in with an address.
///
/// # Errors
/// The database cannot be asked.
pub async fn credentials_by_email(db: &mut Session, email: &Email) -> Result<Option<Credentials>, DbError> {
    let statement = "SELECT id, email, name, role, created_at, password_hash FROM users WHERE email = $1";
    let row = db.row(statement, &[(&email.as_str(), Type::TEXT)]).await?;
    Ok(row.map(|row| credentials(&row)))
}

/// The caller's own account, with its password.
///
/// # Errors
/// The database cannot be asked.
pub async fn credentials_by_id(db: &mut Session, owner: UserId) -> Result<Option<Credentials>, DbError> {
    let statement = "SELECT id, email, name, role, created_at, password_hash FROM users WHERE id = $1";
    let row = db.row(statement, &[(&owner.uuid(), Type::UUID)]).await?;
    Ok(row.map(|row| credentials(&row)))
}

/// The caller's own account.
///
/// # Errors
/// The database cannot be asked.
pub async fn find(db: &mut Session, owner: UserId) -> Result<Option<User>, DbError> {
    Ok(credentials_by_id(db, owner).await?.map(|found| found.user))
}

/// Changes what is given and leaves the rest.
///
/// # Errors
/// The database cannot be asked.
pub async fn update(
    db: &mut Session,
    owner: UserId,
    name: Option<&str>,
    password_hash: Option<&str>,
) -> Result<Option<User>, DbError> {
    let statement = "
        UPDATE users SET name = coalesce($2, name), password_hash = coalesce($3, password_hash), updated_at = now()
        WHERE id = $1
        RETURNING id, email, name, role, created_at";
    let row = db
        .row(
            statement,
            &[
                (&owner.uuid(), Type::UUID),
                (&name, Type::TEXT),
                (&password_hash, Type::TEXT),
            ],
        )
        .await?;
    Ok(row.map(|row| user(&row)))
}

/// Replaces a hash by one of the same password, unless the password was changed meanwhile.
///
/// # Errors
/// The database cannot be asked.
pub async fn renew_hash(db: &mut Session, owner: UserId, old: &str, new: &str) -> Result<(), DbError> {
    let statement = "UPDATE users SET password_hash = $3 WHERE id = $1 AND password_hash = $2";
    let params: [Param<'_>; 3] = [(&owner.uuid(), Type::UUID), (&old, Type::TEXT), (&new, Type::TEXT)];
    db.rows(statement, &params).await.map(drop)
}

/// Deletes the account and all that is its user's: documents, chats, messages, jobs, sessions and API keys. Returns the ids
/// of the last two; `None` if there was no account.
///
/// # Errors
/// The database cannot be asked.
pub async fn delete(db: &mut Session, owner: UserId) -> Result<Option<Vec<Uuid>>, DbError> {
    let statement = "
        WITH gone AS (
            DELETE FROM users WHERE id = $1 RETURNING id
        )
        SELECT array(SELECT id FROM sessions WHERE owner_id = $1 UNION ALL SELECT id FROM api_keys WHERE owner_id = $1)
               AS ended
        FROM gone";
    let row = db.row(statement, &[(&owner.uuid(), Type::UUID)]).await?;
    Ok(row.map(|row| row.get("ended")))
}

fn credentials(row: &Row) -> Credentials {
    Credentials {
        user: user(row),
        password_hash: row.get("password_hash"),
    }
}

fn user(row: &Row) -> User {
    User {
        id: UserId::from(row.get::<_, Uuid>("id")),
        email: row.get("email"),
        name: row.get("name"),
        is_admin: row.get::<_, &str>("role") == "admin",
        created_at: row.get("created_at"),
    }
}
