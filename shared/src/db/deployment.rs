//! What a whole deployment holds and does, in numbers, for its admins.

use std::time::Duration;

use time::OffsetDateTime;
use tokio_postgres::types::Type;
use uuid::Uuid;

use super::jobs::IS_OPEN;
use super::session::Param;
use super::{DbError, Session};
use crate::domain::UserId;

/// Numbers, and nothing by which anybody could be told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Numbers {
    /// Accounts.
    pub users: u64,
    /// Documents, in all collections.
    pub documents: Documents,
    /// Jobs of all kinds that have not ended.
    pub open_jobs: u64,
    /// How long ago the oldest of them was accepted.
    pub oldest_open_job: Duration,
    /// What has become of the questions that were accepted within the last day. Those answered from the cache at once are
    /// not among them.
    pub last_day: Ends,
    /// Tokens that all users have consumed since the day began, by UTC.
    pub tokens_today: u64,
    /// The same since the month began.
    pub tokens_this_month: u64,
}

/// Documents by their state.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Documents {
    /// Can be searched.
    pub ready: u64,
    /// Wait to be read.
    pub queued: u64,
    /// Cannot be read.
    pub failed: u64,
}

/// Questions by how they ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ends {
    /// Answered.
    pub completed: u64,
    /// Given up.
    pub failed: u64,
    /// Taken back by their askers.
    pub cancelled: u64,
    /// Too late.
    pub expired: u64,
}

/// The numbers of the deployment; `None` if the asker is no admin at this moment.
///
/// # Errors
/// The database cannot be asked.
pub async fn numbers(db: &mut Session, asker: UserId) -> Result<Option<Numbers>, DbError> {
    // For others nothing is counted.
    let statement = format!(
        "WITH asker AS (
            SELECT id FROM users WHERE id = $1 AND role = 'admin'
        ), accounts AS (
            SELECT count(*) AS users FROM users WHERE EXISTS (SELECT FROM asker)
        ), library AS (
            SELECT count(*) FILTER (WHERE status = 'ready') AS ready, count(*) FILTER (WHERE status = 'queued') AS queued,
                   count(*) FILTER (WHERE status = 'failed') AS unread
            FROM documents WHERE EXISTS (SELECT FROM asker)
        ), waiting AS (
            SELECT count(*) AS open, coalesce(extract(epoch FROM now() - min(created_at)), 0)::bigint AS oldest
            FROM jobs WHERE {IS_OPEN} AND EXISTS (SELECT FROM asker)
        ), asked AS (
            SELECT count(*) FILTER (WHERE status = 'completed') AS completed,
                   count(*) FILTER (WHERE status = 'failed') AS failed,
                   count(*) FILTER (WHERE status = 'cancelled') AS cancelled,
                   count(*) FILTER (WHERE status = 'expired') AS expired
            FROM jobs WHERE id >= $2 AND kind = 'answer_question' AND EXISTS (SELECT FROM asker)
        ), spent AS (
            SELECT coalesce(sum(input_tokens + output_tokens) FILTER (WHERE day = (now() AT TIME ZONE 'UTC')::date), 0)::bigint
                       AS today,
                   coalesce(sum(input_tokens + output_tokens), 0)::bigint AS month
            FROM token_usage
            WHERE day >= date_trunc('month', now() AT TIME ZONE 'UTC')::date AND EXISTS (SELECT FROM asker)
        )
        SELECT users, ready, queued, unread, open, oldest, completed, failed, cancelled, expired, today, month
        FROM asker, accounts, library, waiting, asked, spent"
    );
    let params: [Param<'_>; 2] = [
        (&asker.uuid(), Type::UUID),
        (
            &first_id_of(OffsetDateTime::now_utc() - Duration::from_hours(24)),
            Type::UUID,
        ),
    ];
    let row = db.row(&statement, &params).await?;
    Ok(row.map(|row| {
        let number = |column| u64::try_from(row.get::<_, i64>(column)).unwrap_or_default();
        Numbers {
            users: number("users"),
            documents: Documents {
                ready: number("ready"),
                queued: number("queued"),
                failed: number("unread"),
            },
            open_jobs: number("open"),
            oldest_open_job: Duration::from_secs(number("oldest")),
            last_day: Ends {
                completed: number("completed"),
                failed: number("failed"),
                cancelled: number("cancelled"),
                expired: number("expired"),
            },
            tokens_today: number("today"),
            tokens_this_month: number("month"),
        }
    }))
}

/// The smallest id that is made at this time: ids begin with the milliseconds of their making (RFC 9562, 5.7), and are the
/// primary key, so that what is younger is found without another index.
fn first_id_of(time: OffsetDateTime) -> Uuid {
    let milliseconds = u64::try_from(time.unix_timestamp_nanos() / 1_000_000).unwrap_or_default();
    uuid::Builder::from_unix_timestamp_millis(milliseconds, &[0; 10]).into_uuid()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_in_the_order_of_time() {
        let now = OffsetDateTime::now_utc();
        let made = Uuid::now_v7();
        assert!(first_id_of(now - Duration::from_secs(1)) < made);
        assert!(first_id_of(now + Duration::from_secs(1)) > made);
    }
}
