//! Refresh tokens: each is spent for the next one.

use tokio_postgres::types::Type;
use uuid::Uuid;

use super::session::Param;
use super::sessions::Lifetimes;
use super::{DbError, Session, seconds};
use crate::domain::{SecretDigest, SessionId, UserId};

/// What became of a refresh token that was presented.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rotation {
    /// It is spent, and the next one is worth something.
    Rotated {
        /// Whose session it is.
        owner: UserId,
        /// The session.
        session: SessionId,
    },
    /// It was spent a moment ago, by somebody who asked at the same time. Nothing has changed.
    InProgress,
    /// It was spent before, so somebody else has it, too: the session has ended.
    Reused {
        /// The session that has ended.
        session: SessionId,
    },
    /// No session that lives has or had it.
    Unknown,
}

/// Spends a refresh token for the next one, in one statement and by the database's clock.
///
/// A token that is presented a second time means that two parties have it, and nobody can tell which of them is the
/// thief: the family ends (RFC 9700, section 4.14.2). Two cases are no theft, as long as the successor is unused:
/// - Within 2 s of being spent it is the race of two requests, or of two tabs: the second is told to wait.
/// - Within 10 s the response may have been lost: a new successor is issued in place of the unused one, once. Whoever
///   got that one after all holds a token that is worth nothing, and presenting it ends the family like any reuse.
///
/// # Errors
/// The database cannot be asked.
pub async fn rotate(
    db: &mut Session,
    presented: SecretDigest,
    next: SecretDigest,
    lifetimes: Lifetimes,
) -> Result<Rotation, DbError> {
    // The lock on the session's row makes the family's refreshes wait for each other, and `verdict` then reads the row as
    // the one before has left it. `now()` is when this statement began, so a wait counts as the same moment.
    let statement = "
        WITH family AS (
            SELECT s.id, s.owner_id, s.current_token, s.previous_token, s.spent_at, s.reissued_at
            FROM sessions s JOIN refresh_tokens t ON t.session_id = s.id
            WHERE t.digest = $1 AND s.expires_at > now()
            FOR UPDATE OF s
        ), verdict AS (
            SELECT id, owner_id, CASE
                WHEN current_token = $1 THEN 'rotate'
                WHEN previous_token IS DISTINCT FROM $1 THEN 'end'
                WHEN now() < coalesce(reissued_at, spent_at) + interval '2 seconds' THEN 'wait'
                WHEN reissued_at IS NULL AND now() <= spent_at + interval '10 seconds' THEN 'reissue'
                ELSE 'end' END AS step
            FROM family
        ), rotated AS (
            UPDATE sessions s SET current_token = $2, last_used_at = now(),
                previous_token = $1,
                spent_at = CASE step WHEN 'rotate' THEN now() ELSE spent_at END,
                reissued_at = CASE step WHEN 'reissue' THEN now() END,
                expires_at = least(ends_at, now() + $3 * interval '1 second')
            FROM verdict v WHERE s.id = v.id AND step IN ('rotate', 'reissue')
            RETURNING s.id
        ), token AS (
            INSERT INTO refresh_tokens (digest, session_id) SELECT $2, id FROM rotated
        ), ended AS (
            DELETE FROM sessions s USING verdict v WHERE s.id = v.id AND step = 'end'
        )
        SELECT id, owner_id, step FROM verdict";
    let params: [Param<'_>; 3] = [
        (&presented.as_bytes(), Type::BYTEA),
        (&next.as_bytes(), Type::BYTEA),
        (&seconds(lifetimes.idle), Type::FLOAT8),
    ];
    let Some(row) = db.row(statement, &params).await? else {
        return Ok(Rotation::Unknown);
    };
    let session = SessionId::from(row.get::<_, Uuid>("id"));
    let owner = UserId::from(row.get::<_, Uuid>("owner_id"));
    Ok(match row.get("step") {
        "rotate" | "reissue" => Rotation::Rotated { owner, session },
        "wait" => Rotation::InProgress,
        _ => Rotation::Reused { session },
    })
}
