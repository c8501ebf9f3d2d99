//! What a refused call means: the table from statuses and kinds of errors to verdicts.

use reqwest::StatusCode;
use reqwest::header::HeaderMap;
use shared::domain::FailureCode;
use time::OffsetDateTime;

use super::wire::{ErrorBody, ErrorDetail};
use crate::llm::failure::{Kind, LlmFailure, Verdict};
use crate::outbound::retry_after;

/// Judges a reply whose status is not a success.
pub(super) fn refused(status: StatusCode, headers: &HeaderMap, body: &[u8], now: OffsetDateTime) -> LlmFailure {
    // A proxy on the way may answer in HTML; then the status alone speaks.
    let body: ErrorBody = serde_json::from_slice(body).unwrap_or_default();
    let header = |name| headers.get(name).and_then(|value| value.to_str().ok());
    let id = header("request-id").or(body.request_id.as_deref()).unwrap_or_default();
    let after = retry_after(headers, now);
    let verdict = match header("x-should-retry") {
        Some("true") => Verdict::Retry {
            after,
            burns_attempt: !is_throttled(status.as_u16(), &body.error),
        },
        Some("false") => Verdict::Discard {
            code: code_of(status.as_u16(), &body.error),
        },
        _ if spend_limit_reached(&body.error) && after.is_none() => {
            // The limit of a month's spending does not pass with time: an operator has to act.
            Verdict::CONFIGURATION
        }
        _ => match by_status(status.as_u16(), &body.error) {
            Verdict::Retry { burns_attempt, .. } => Verdict::Retry { after, burns_attempt },
            discard @ Verdict::Discard { .. } => discard,
        },
    };
    let kind = match verdict {
        // However the provider calls it: an operator has to act.
        Verdict::CONFIGURATION => Kind::Configuration,
        _ => kind_of(status.as_u16(), &body.error),
    };
    LlmFailure::new(
        kind,
        verdict,
        reason(&format!("status {}", status.as_u16()), &body.error.kind, id),
    )
}

/// Judges an error that is reported in the middle of a reply, where there is no status and no header.
pub(super) fn broken_off(error: &ErrorDetail, request_id: &str) -> LlmFailure {
    let status = match error.kind.as_str() {
        "invalid_request_error" => 400,
        "authentication_error" => 401,
        "billing_error" => 402,
        "permission_error" => 403,
        "not_found_error" => 404,
        "request_too_large" => 413,
        "rate_limit_error" => 429,
        "timeout_error" => 504,
        "overloaded_error" => 529,
        // `api_error` and what is not known yet: the request was accepted, so it can only be the other side.
        _ => 500,
    };
    LlmFailure::new(
        kind_of(status, error),
        by_status(status, error),
        reason("error in the stream", &error.kind, request_id),
    )
}

fn by_status(status: u16, error: &ErrorDetail) -> Verdict {
    match status {
        // The provider limits or sheds load: no fault of this call.
        _ if is_throttled(status, error) => Verdict::Retry {
            after: None,
            burns_attempt: false,
        },
        // It gave up waiting, or met a conflict or a fault of its own.
        408 | 409 | 500.. => Verdict::RETRY,
        // Our key, model, address or request is wrong, and would be again.
        _ => Verdict::Discard {
            code: code_of(status, error),
        },
    }
}

/// How it is counted.
fn kind_of(status: u16, error: &ErrorDetail) -> Kind {
    match status {
        429 => Kind::Throttled,
        _ if is_throttled(status, error) => Kind::Overloaded,
        408 | 504 => Kind::Timeout,
        409 | 500.. => Kind::ServerError,
        _ if code_of(status, error) == FailureCode::LlmRequestTooLarge => Kind::TooLarge,
        _ => Kind::Configuration,
    }
}

fn is_throttled(status: u16, error: &ErrorDetail) -> bool {
    matches!(status, 429 | 529) || (status >= 500 && error.kind == "overloaded_error")
}

/// What the client is told when it is not tried again.
fn code_of(status: u16, error: &ErrorDetail) -> FailureCode {
    let message = error.message.to_ascii_lowercase();
    let too_long = ["prompt is too long", "exceed context limit"]
        .iter()
        .any(|words| message.contains(words));
    match status {
        413 => FailureCode::LlmRequestTooLarge,
        400 if too_long => FailureCode::LlmRequestTooLarge,
        // Only where the provider forbids another attempt after a fault of its own: asking again later is all one can do.
        500.. => FailureCode::AttemptsExhausted,
        _ => FailureCode::LlmConfiguration,
    }
}

fn spend_limit_reached(error: &ErrorDetail) -> bool {
    let code = error.details.as_ref().and_then(|details| details.error_code.as_deref());
    code == Some("enforced_spend_limit_reached")
}

/// A line for the log. What comes from outside is cut down to the characters such names are made of.
fn reason(what: &str, kind: &str, request_id: &str) -> String {
    let name = |text: &str| match text
        .chars()
        .filter(|c| c.is_ascii_alphanumeric() || "_-".contains(*c))
        .take(80)
        .collect::<String>()
    {
        name if name.is_empty() => "unknown".to_owned(),
        name => name,
    };
    format!(
        "the model's provider refused: {what}, {}, request {}",
        name(kind),
        name(request_id)
    )
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use serde_json::json;

    use super::*;

    fn refusal(status: u16, headers: &[(&'static str, &str)], body: &str) -> LlmFailure {
        let headers = headers
            .iter()
            .map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap()))
            .collect();
        refused(
            StatusCode::from_u16(status).unwrap(),
            &headers,
            body.as_bytes(),
            OffsetDateTime::UNIX_EPOCH,
        )
    }

    fn verdict(status: u16, headers: &[(&'static str, &str)], body: &str) -> Verdict {
        refusal(status, headers, body).verdict
    }

    fn error(kind: &str, message: &str) -> String {
        json!({"type": "error", "error": {"type": kind, "message": message}}).to_string()
    }

    const THROTTLED: Verdict = Verdict::Retry {
        after: None,
        burns_attempt: false,
    };

    fn discard(code: FailureCode) -> Verdict {
        Verdict::Discard { code }
    }

    #[test]
    fn every_status_has_its_verdict() {
        for status in [300, 307, 400, 401, 402, 403, 404, 405, 410, 418, 422] {
            assert_eq!(
                verdict(status, &[], ""),
                discard(FailureCode::LlmConfiguration),
                "{status}"
            );
        }
        for status in [408, 409, 500, 502, 503, 504, 520, 599] {
            assert_eq!(verdict(status, &[], ""), Verdict::RETRY, "{status}");
        }
        for status in [429, 529] {
            assert_eq!(verdict(status, &[], ""), THROTTLED, "{status}");
        }
        assert_eq!(
            verdict(413, &[], "<html>too large</html>"),
            discard(FailureCode::LlmRequestTooLarge)
        );
        assert_eq!(verdict(503, &[], &error("overloaded_error", "Overloaded")), THROTTLED);
    }

    #[test]
    fn a_prompt_that_is_too_long_is_told_from_a_wrong_one() {
        let long = error(
            "invalid_request_error",
            "prompt is too long: 205000 tokens > 200000 maximum",
        );
        assert_eq!(verdict(400, &[], &long), discard(FailureCode::LlmRequestTooLarge));
        let sum = error(
            "invalid_request_error",
            "input length and `max_tokens` exceed context limit: 199000 + 8000",
        );
        assert_eq!(verdict(400, &[], &sum), discard(FailureCode::LlmRequestTooLarge));
        let wrong = error("invalid_request_error", "model: field required");
        assert_eq!(verdict(400, &[], &wrong), discard(FailureCode::LlmConfiguration));
    }

    #[test]
    fn the_wait_the_provider_asks_for_is_handed_on() {
        let after = Some(Duration::from_secs(20));
        assert_eq!(
            verdict(429, &[("retry-after", "20")], ""),
            Verdict::Retry {
                after,
                burns_attempt: false
            }
        );
        assert_eq!(
            verdict(503, &[("retry-after", "20")], ""),
            Verdict::Retry {
                after,
                burns_attempt: true
            }
        );
        assert_eq!(verdict(503, &[("retry-after", "3600")], ""), Verdict::RETRY);
    }

    #[test]
    fn a_months_spending_limit_is_not_waited_for() {
        let body =
            json!({"error": {"type": "rate_limit_error", "details": {"error_code": "enforced_spend_limit_reached"}}});
        let body = body.to_string();
        assert_eq!(verdict(429, &[], &body), discard(FailureCode::LlmConfiguration));
        let after = Some(Duration::from_secs(9));
        assert_eq!(
            verdict(429, &[("retry-after", "9")], &body),
            Verdict::Retry {
                after,
                burns_attempt: false
            }
        );
    }

    #[test]
    fn the_provider_may_overrule_the_table() {
        let yes = [("x-should-retry", "true")];
        let no = [("x-should-retry", "false")];
        assert_eq!(verdict(400, &yes, ""), Verdict::RETRY);
        assert_eq!(verdict(429, &yes, ""), THROTTLED);
        assert_eq!(verdict(429, &no, ""), discard(FailureCode::LlmConfiguration));
        assert_eq!(verdict(500, &no, ""), discard(FailureCode::AttemptsExhausted));
        assert_eq!(verdict(500, &[("x-should-retry", "perhaps")], ""), Verdict::RETRY);
    }

    #[test]
    fn an_error_in_the_stream_is_judged_by_its_kind() {
        let judge = |kind: &str| {
            broken_off(
                &ErrorDetail {
                    kind: kind.to_owned(),
                    ..ErrorDetail::default()
                },
                "req_1",
            )
            .verdict
        };
        for kind in ["overloaded_error", "rate_limit_error"] {
            assert_eq!(judge(kind), THROTTLED, "{kind}");
        }
        for kind in ["api_error", "timeout_error", "something_new", ""] {
            assert_eq!(judge(kind), Verdict::RETRY, "{kind}");
        }
        for kind in [
            "invalid_request_error",
            "authentication_error",
            "billing_error",
            "permission_error",
            "not_found_error",
        ] {
            assert_eq!(judge(kind), discard(FailureCode::LlmConfiguration), "{kind}");
        }
        assert_eq!(judge("request_too_large"), discard(FailureCode::LlmRequestTooLarge));
    }

    #[test]
    fn the_reason_names_the_request_and_repeats_nothing_else() {
        let body = error("api_error\n\u{1b}[31m<b>", "the question was: what is my salary?");
        let reason = refusal(500, &[("request-id", "req_011CQ")], &body).reason;
        assert_eq!(
            reason,
            "the model's provider refused: status 500, api_error31mb, request req_011CQ"
        );
        let from_body = r#"{"error": {"type": "api_error"}, "request_id": "req_2"}"#;
        assert!(refusal(500, &[], from_body).reason.ends_with("request req_2"));
        assert!(
            refusal(502, &[], "<html>")
                .reason
                .ends_with("status 502, unknown, request unknown")
        );
        assert_eq!(verdict(500, &[], r#"{"error": "down"}"#), Verdict::RETRY);
    }
}
