//! How long a provider asks us to wait.

use std::time::Duration;

use reqwest::header::HeaderMap;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc2822;

/// A longer wait is not honoured, as the providers' own clients do: then the job's own pace decides.
const LONGEST: f64 = 60.0;

/// Reads `retry-after-ms`, else `retry-after` as seconds (fractions allowed) or as a date.
pub(crate) fn retry_after(headers: &HeaderMap, now: OffsetDateTime) -> Option<Duration> {
    let value = |name| headers.get(name).and_then(|value| value.to_str().ok()).map(str::trim);
    let milliseconds = value("retry-after-ms").and_then(|text| text.parse::<f64>().ok());
    let seconds = milliseconds
        .map(|ms| ms / 1000.0)
        .or_else(|| value("retry-after").and_then(|text| seconds(text, now)))?;
    // False for what is not a number, too.
    let honoured = seconds > 0.0 && seconds <= LONGEST;
    honoured.then(|| Duration::from_secs_f64(seconds))
}

fn seconds(text: &str, now: OffsetDateTime) -> Option<f64> {
    let until = || {
        OffsetDateTime::parse(text, &Rfc2822)
            .ok()
            .map(|date| (date - now).as_seconds_f64())
    };
    text.parse().ok().or_else(until)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(headers: &[(&'static str, &str)]) -> Option<f64> {
        let now = OffsetDateTime::from_unix_timestamp(1_696_004_797).unwrap();
        let headers = headers
            .iter()
            .map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap()))
            .collect();
        retry_after(&headers, now).map(|wait| wait.as_secs_f64())
    }

    /// The rows of Anthropic's own client; where that falls back to its backoff, there is nothing to honour.
    /// The three rows that differ only in the retries that remain are one row here.
    #[test]
    fn the_rows_of_a_providers_own_client() {
        for (value, expected) in [
            ("20", Some(20.0)),
            ("0", None),
            ("-10", None),
            ("60", Some(60.0)),
            ("61", None),
            ("Fri, 29 Sep 2023 16:26:57 GMT", Some(20.0)),
            ("Fri, 29 Sep 2023 16:26:37 GMT", None),
            ("Fri, 29 Sep 2023 16:26:27 GMT", None),
            ("Fri, 29 Sep 2023 16:27:37 GMT", Some(60.0)),
            ("Fri, 29 Sep 2023 16:27:38 GMT", None),
            ("99999999999999999999999999999999999", None),
            ("Zun, 29 Sep 2023 16:26:27 GMT", None),
            ("", None),
        ] {
            assert_eq!(read(&[("retry-after", value)]), expected, "{value:?}");
        }
        assert_eq!(read(&[]), None);
    }

    #[test]
    fn fractions_count_and_what_is_no_number_does_not() {
        for (value, expected) in [
            ("0.25", Some(0.25)),
            ("1.5", Some(1.5)),
            ("NaN", None),
            ("inf", None),
            ("-inf", None),
            ("1s", None),
        ] {
            assert_eq!(read(&[("retry-after", value)]), expected, "{value:?}");
        }
    }

    #[test]
    fn milliseconds_come_first() {
        assert_eq!(read(&[("retry-after-ms", "1500"), ("retry-after", "20")]), Some(1.5));
        assert_eq!(read(&[("retry-after-ms", "soon"), ("retry-after", "20")]), Some(20.0));
        assert_eq!(read(&[("retry-after-ms", "60001")]), None);
    }
}
