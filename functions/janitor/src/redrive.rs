//! An operator's order to try failed jobs again.

use std::time::Duration;

use serde::{Deserialize, Deserializer, Serialize, de};
use shared::db::DbError;
use shared::db::jobs::{self, Redrive, redrive};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use crate::app::Janitor;
use crate::sending::send_all;

/// At most so many jobs in one transaction.
const PORTION: i64 = 200;

/// Which failed jobs, and whether they are only to be counted.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Order {
    /// Only those that failed with this code.
    code: Option<String>,
    /// Only those that failed since then: a time (RFC 3339), or a span before now such as `90m`, `2h`, `1d`.
    #[serde(default, deserialize_with = "since")]
    since: Option<OffsetDateTime>,
    /// Counts and changes nothing.
    #[serde(default)]
    dry_run: bool,
}

/// What became of an order.
#[derive(Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Report {
    /// How many failed jobs the order meant.
    pub matched: i64,
    /// How many of them are open again.
    pub redriven: usize,
    /// Messages that could not be sent; the next sweeps send them.
    pub unsent: usize,
}

/// Carries an order out, and logs that it was given.
///
/// # Errors
/// The database cannot be asked; what was put back before stays so.
pub async fn run(janitor: &Janitor, order: &Order) -> Result<Report, DbError> {
    let which = Redrive {
        code: order.code.clone(),
        since: order.since,
        limit: PORTION,
    };
    let matched = jobs::redrive::count(&mut janitor.db.session().await?, &which).await?;
    let mut report = Report {
        matched,
        redriven: 0,
        unsent: 0,
    };
    if !order.dry_run {
        janitor.cache.note_busy().await;
    }
    // Those that fail again meanwhile are left alone: no more than were counted.
    while !order.dry_run && i64::try_from(report.redriven).is_ok_and(|done| done < matched) {
        let portion = redrive(&mut janitor.db.session().await?, &which).await?;
        if portion.jobs == 0 {
            break;
        }
        report.redriven += portion.jobs;
        let messages = portion.messages.len();
        report.unsent += messages - send_all(janitor, portion.messages).await;
    }
    tracing::warn!(
        code = order.code,
        since = order.since.and_then(|since| since.format(&Rfc3339).ok()),
        dry_run = order.dry_run,
        matched = report.matched,
        redriven = report.redriven,
        unsent = report.unsent,
        "redrive"
    );
    Ok(report)
}

fn since<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<OffsetDateTime>, D::Error> {
    let text = Option::<String>::deserialize(deserializer)?;
    text.map(|text| {
        parse_since(&text, OffsetDateTime::now_utc()).ok_or_else(|| {
            de::Error::custom("since: a time such as 2026-11-22T16:00:00Z, or a span such as 90m, 2h, 1d")
        })
    })
    .transpose()
}

fn parse_since(text: &str, now: OffsetDateTime) -> Option<OffsetDateTime> {
    if let Ok(time) = OffsetDateTime::parse(text, &Rfc3339) {
        return Some(time);
    }
    let (number, unit) = text.split_at_checked(text.len().checked_sub(1)?)?;
    let seconds = match unit {
        "m" => 60,
        "h" => 3_600,
        "d" => 86_400,
        _ => return None,
    };
    let span = number.parse::<u64>().ok()?.checked_mul(seconds)?;
    now.checked_sub(Duration::from_secs(span).try_into().ok()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn since_is_a_time_or_a_span() {
        let now = OffsetDateTime::from_unix_timestamp(1_000_000).unwrap();
        let read = |text| parse_since(text, now).map(OffsetDateTime::unix_timestamp);
        assert_eq!(read("1970-01-01T00:01:00Z"), Some(60));
        assert_eq!(
            [read("90m"), read("2h"), read("1d")],
            [Some(994_600), Some(992_800), Some(913_600)]
        );
        for text in ["", "h", "2", "2w", "-1h", "yesterday", "1é", "99999999999999d"] {
            assert_eq!(read(text), None, "{text:?}");
        }
    }
}
