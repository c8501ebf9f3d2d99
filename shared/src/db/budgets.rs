//! What users have consumed of the language model, and may consume.
//!
//! `token_usage` grows by triggers (migration 0010) in the transaction that stores a job's usage. What open jobs may still
//! consume is held back by their rows, for as long as they are open.

use std::time::Duration;

use time::OffsetDateTime;
use tokio_postgres::Row;
use tokio_postgres::types::Type;

use super::jobs::{IS_OPEN, IS_OVERDUE};
use super::session::Param;
use super::{DbError, Session};
use crate::domain::UserId;

/// How many tokens a user may spend.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Budget {
    /// What one question may cost at most; so much is held back for it.
    pub per_question: u64,
    /// On a day of UTC; `None`: no limit.
    pub daily: Option<u64>,
    /// In a month of UTC; `None`: no limit.
    pub monthly: Option<u64>,
}

/// A span of time for which there is a budget.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Period {
    /// A day.
    Day,
    /// A month.
    Month,
}

/// A budget that has no room for another question.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Exhausted {
    /// Which one.
    pub period: Period,
    /// When the next begins.
    pub resets_at: OffsetDateTime,
    /// How long that is from now.
    pub after: Duration,
}

/// What a user has consumed and may still consume.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Account {
    /// Consumed since the day began.
    pub used_today: u64,
    /// Consumed since the month began.
    pub used_this_month: u64,
    /// Held back for questions that have not ended.
    pub reserved: u64,
    /// When the day ends.
    pub day_ends: OffsetDateTime,
    /// When the month ends.
    pub month_ends: OffsetDateTime,
}

/// Common table expressions: `spent (today, month)` of the user `$1`, and `held (tokens)`.
pub(super) fn accounts() -> String {
    format!(
        "spent AS (
            SELECT coalesce(sum(input_tokens + output_tokens) FILTER (WHERE day = (now() AT TIME ZONE 'UTC')::date), 0)::bigint AS today,
                   coalesce(sum(input_tokens + output_tokens), 0)::bigint AS month
            FROM token_usage WHERE owner_id = $1 AND day >= date_trunc('month', now() AT TIME ZONE 'UTC')::date
        ), held AS (
            SELECT coalesce(sum(reserved_tokens), 0)::bigint AS tokens
            FROM jobs j WHERE j.owner_id = $1 AND j.{IS_OPEN} AND NOT {IS_OVERDUE}
        )"
    )
}

/// Columns that say when day and month end.
pub(super) const ENDS: &str = "now() AS now,
    (date_trunc('day', now() AT TIME ZONE 'UTC') + interval '1 day') AT TIME ZONE 'UTC' AS day_ends,
    (date_trunc('month', now() AT TIME ZONE 'UTC') + interval '1 month') AT TIME ZONE 'UTC' AS month_ends";

/// Whoever accepts questions of one user at the same time waits here, and then counts those of the other. It does not keep
/// the user's rows of other tables from being written.
pub(super) const LOCK: &str = "SELECT id FROM users WHERE id = $1 FOR NO KEY UPDATE";

impl Budget {
    /// The parameters of [`accounts`]'s users: what is to be held back, and the budgets.
    pub(super) fn tokens(&self) -> [i64; 3] {
        let tokens = |tokens: u64| i64::try_from(tokens).unwrap_or(i64::MAX);
        let limit = |budget: Option<u64>| budget.map_or(i64::MAX, tokens);
        [tokens(self.per_question), limit(self.daily), limit(self.monthly)]
    }
}

impl Exhausted {
    /// Reads [`ENDS`].
    pub(super) fn read(row: &Row, period: Period) -> Self {
        let resets_at: OffsetDateTime = row.get(match period {
            Period::Day => "day_ends",
            Period::Month => "month_ends",
        });
        let after = resets_at - row.get::<_, OffsetDateTime>("now");
        Self {
            period,
            resets_at,
            after: after.try_into().unwrap_or_default(),
        }
    }
}

/// How a user's account stands.
///
/// # Errors
/// The database cannot be asked.
pub async fn account(db: &mut Session, owner: UserId) -> Result<Option<Account>, DbError> {
    let statement = format!(
        "WITH {} SELECT spent.today, spent.month, held.tokens, {ENDS} FROM spent, held, users WHERE users.id = $1",
        accounts()
    );
    let params: [Param<'_>; 1] = [(&owner.uuid(), Type::UUID)];
    let row = db.row(&statement, &params).await?;
    Ok(row.map(|row| {
        let tokens = |column| u64::try_from(row.get::<_, i64>(column)).unwrap_or_default();
        Account {
            used_today: tokens("today"),
            used_this_month: tokens("month"),
            reserved: tokens("tokens"),
            day_ends: row.get("day_ends"),
            month_ends: row.get("month_ends"),
        }
    }))
}
