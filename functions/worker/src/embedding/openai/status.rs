//! What a refused call means: the table from statuses to verdicts.

use reqwest::StatusCode;
use reqwest::header::HeaderMap;
use time::OffsetDateTime;

use super::wire::ErrorBody;
use crate::embedding::failure::{EmbeddingFailure, Verdict};
use crate::outbound::retry_after;

/// Judges a reply whose status is not a success.
pub(super) fn refused(status: StatusCode, headers: &HeaderMap, body: &[u8], now: OffsetDateTime) -> EmbeddingFailure {
    // A proxy on the way may answer in HTML, a service in another form; then the status alone speaks.
    let body: ErrorBody = serde_json::from_slice(body).unwrap_or_default();
    let after = retry_after(headers, now);
    let verdict = match status.as_u16() {
        // Paid up first, or not at all: no waiting helps.
        429 if body.names().any(|name| name == "insufficient_quota") => Verdict::Discard,
        // The service limits or sheds load: no fault of this call.
        429 | 503 | 529 => Verdict::Retry {
            after,
            burns_attempt: false,
        },
        // It gave up waiting, or met a fault of its own. 424 is how Text Embeddings Inference says that.
        408 | 409 | 424 | 425 | 500.. => Verdict::Retry {
            after,
            burns_attempt: true,
        },
        // Our key, model, address or request is wrong, and would be again.
        _ => Verdict::Discard,
    };
    let kind = body.names().next().map(name).unwrap_or_default();
    let kind = if kind.is_empty() { "unknown" } else { &kind };
    EmbeddingFailure::new(
        verdict,
        format!("the embeddings service refused: status {}, {kind}", status.as_u16()),
    )
}

/// What comes from outside is cut down to the characters that names are made of.
fn name(text: &str) -> String {
    text.chars()
        .filter(|c| c.is_ascii_alphanumeric() || "_-".contains(*c))
        .take(80)
        .collect()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn refusal(status: u16, headers: &[(&'static str, &str)], body: &str) -> EmbeddingFailure {
        let headers = headers
            .iter()
            .map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap()))
            .collect();
        let status = StatusCode::from_u16(status).unwrap();
        refused(status, &headers, body.as_bytes(), OffsetDateTime::UNIX_EPOCH)
    }

    #[test]
    fn every_status_has_its_verdict() {
        for status in [300, 307, 400, 401, 402, 403, 404, 405, 413, 422] {
            assert_eq!(refusal(status, &[], "").verdict, Verdict::Discard, "{status}");
        }
        for status in [408, 409, 424, 425, 500, 502, 504, 520, 599] {
            assert_eq!(refusal(status, &[], "").verdict, Verdict::RETRY, "{status}");
        }
        for status in [429, 503, 529] {
            let throttled = Verdict::Retry {
                after: None,
                burns_attempt: false,
            };
            assert_eq!(refusal(status, &[], "").verdict, throttled, "{status}");
        }
    }

    #[test]
    fn the_wait_the_service_asks_for_is_handed_on() {
        let after = Some(Duration::from_secs(7));
        assert_eq!(
            refusal(429, &[("retry-after", "7")], "").verdict,
            Verdict::Retry {
                after,
                burns_attempt: false
            }
        );
        assert_eq!(
            refusal(500, &[("retry-after", "7")], "").verdict,
            Verdict::Retry {
                after,
                burns_attempt: true
            }
        );
    }

    #[test]
    fn an_empty_account_is_not_waited_for() {
        let body = r#"{"error": {"message": "You exceeded your quota", "type": "insufficient_quota", "code": "insufficient_quota"}}"#;
        assert_eq!(refusal(429, &[("retry-after", "1")], body).verdict, Verdict::Discard);
    }

    #[test]
    fn the_reason_names_the_error_and_repeats_nothing_else() {
        for (body, kind) in [
            (
                r#"{"error": {"message": "the passage was: secret", "type": "invalid_request_error\u001b[31m", "code": null}}"#,
                "invalid_request_error31m",
            ),
            (
                r#"{"error": {"message": "secret", "code": "model_not_found"}}"#,
                "model_not_found",
            ),
            (r#"{"error": "secret", "error_type": "Validation"}"#, "unknown"),
            (r#"{"detail": "secret"}"#, "unknown"),
            ("<html>secret", "unknown"),
        ] {
            let reason = refusal(400, &[], body).reason;
            assert_eq!(reason, format!("the embeddings service refused: status 400, {kind}"));
        }
    }
}
