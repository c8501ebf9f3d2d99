//! What can go wrong, and what a client is told: one enum, one table. Status codes stand nowhere else.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::limits::whole_seconds;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use shared::db::DbError;
use shared::db::budgets::{Exhausted, Period};
use shared::domain::{Invalid, JobStatus};
use shared::telemetry::{Metric, chain, measures};
use time::format_description::well_known::Rfc3339;
use utoipa::ToSchema;

/// What is wrong with which field of a request.
pub type FieldProblems = BTreeMap<String, Vec<String>>;

/// How a body that has to be JSON is sent.
pub(crate) const AS_JSON: &str = "Send the body as JSON in UTF-8, with the header Content-Type: application/json.";

/// A request that cannot be served as it is.
#[derive(Debug)]
pub enum ApiError {
    /// The body is not JSON.
    InvalidJson(String),
    /// The body is not of a type that the path takes.
    UnsupportedMediaType(&'static str),
    /// The body is larger than the route takes.
    PayloadTooLarge(String),
    /// Some values are missing or wrong.
    InvalidFields(FieldProblems),
    /// No token, or one that is not valid (any more).
    Unauthorized,
    /// Wrong address or wrong password.
    WrongCredentials,
    /// The refresh token is none, or is worth nothing any more.
    InvalidRefreshToken,
    /// The refresh token was spent a moment ago, by another request of the same client.
    RefreshInProgress,
    /// The API key is not for this.
    InsufficientScope,
    /// The user has as many API keys as one may have.
    TooManyApiKeys,
    /// An account with this address exists.
    EmailTaken,
    /// Does not exist, or not for this caller.
    NotFound,
    /// The path exists, the method does not.
    MethodNotAllowed,
    /// `Idempotency-Key` cannot be used.
    InvalidIdempotencyKey,
    /// `Idempotency-Key` was used for another request.
    IdempotencyKeyReused,
    /// The job has ended, and that does not change.
    JobEnded(JobStatus),
    /// Too many requests of this kind.
    RateLimited {
        /// After this time the next is let through.
        retry_after: Duration,
    },
    /// The user's tokens are spent.
    BudgetExhausted {
        /// Which budget, and when there is a new one.
        text: String,
        /// Until then.
        retry_after: Duration,
    },
    /// The user has too many jobs that have not ended.
    TooManyOpenJobs,
    /// The deployment has too many jobs that have not ended.
    Busy,
    /// The database is down or too slow at the moment.
    Unavailable(DbError),
    /// A defect, or a database that refuses us.
    Internal(String),
}

impl ApiError {
    /// One field with one problem.
    pub fn field(name: &str, problem: &Invalid) -> Self {
        Self::InvalidFields(BTreeMap::from([(name.to_owned(), vec![problem.0.clone()])]))
    }

    /// The table: status, code for programs, sentence for people.
    #[expect(clippy::too_many_lines, reason = "one table is easier to read than two halves of it")]
    fn public(&self) -> (StatusCode, &'static str, &str) {
        match self {
            Self::InvalidJson(problem) => (StatusCode::BAD_REQUEST, "invalid_json", problem),
            Self::UnsupportedMediaType(accepted) => {
                (StatusCode::UNSUPPORTED_MEDIA_TYPE, "unsupported_media_type", accepted)
            }
            Self::PayloadTooLarge(limit) => (StatusCode::PAYLOAD_TOO_LARGE, "payload_too_large", limit),
            Self::InvalidFields(_) => (
                StatusCode::UNPROCESSABLE_ENTITY,
                "invalid_request",
                "Some values cannot be accepted; see details.",
            ),
            Self::Unauthorized => (
                StatusCode::UNAUTHORIZED,
                "unauthorized",
                "Sign in, and send the token as: Authorization: Bearer <token>.",
            ),
            Self::WrongCredentials => (
                StatusCode::UNAUTHORIZED,
                "wrong_credentials",
                "The e-mail address or the password is wrong.",
            ),
            Self::InvalidRefreshToken => (
                StatusCode::UNAUTHORIZED,
                "invalid_refresh_token",
                "This refresh token is not valid, or was used before. Sign in again.",
            ),
            Self::RefreshInProgress => (
                StatusCode::CONFLICT,
                "refresh_in_progress",
                "This refresh token was used a moment ago. Use the tokens of that answer.",
            ),
            Self::TooManyApiKeys => (
                StatusCode::CONFLICT,
                "too_many_api_keys",
                "There are 20 API keys already. Delete one that is not needed any more.",
            ),
            Self::InsufficientScope => (
                StatusCode::FORBIDDEN,
                "insufficient_scope",
                "This API key is not allowed to do this. Make one with the scope that is needed, or sign in.",
            ),
            Self::EmailTaken => (
                StatusCode::CONFLICT,
                "email_taken",
                "There is an account with this e-mail address. Sign in instead.",
            ),
            Self::NotFound => (StatusCode::NOT_FOUND, "not_found", "There is nothing here."),
            Self::MethodNotAllowed => (
                StatusCode::METHOD_NOT_ALLOWED,
                "method_not_allowed",
                "This path does not take this method.",
            ),
            Self::InvalidIdempotencyKey => (
                StatusCode::BAD_REQUEST,
                "invalid_idempotency_key",
                "Idempotency-Key must be 1 to 255 visible ASCII characters.",
            ),
            Self::IdempotencyKeyReused => (
                StatusCode::UNPROCESSABLE_ENTITY,
                "idempotency_key_reused",
                "This Idempotency-Key was used for a request with another body.",
            ),
            Self::JobEnded(_) => (
                StatusCode::CONFLICT,
                "job_ended",
                "This question has ended already; that does not change.",
            ),
            Self::RateLimited { .. } => (
                StatusCode::TOO_MANY_REQUESTS,
                "rate_limited",
                "Too many requests. Wait as many seconds as the header Retry-After says, then go on more slowly.",
            ),
            Self::BudgetExhausted { text, .. } => (StatusCode::TOO_MANY_REQUESTS, "budget_exhausted", text),
            Self::TooManyOpenJobs => (
                StatusCode::TOO_MANY_REQUESTS,
                "too_many_open_jobs",
                "Too many of your questions and documents are still being worked on. Wait for some of them.",
            ),
            Self::Busy => (
                StatusCode::SERVICE_UNAVAILABLE,
                "busy",
                "Too many questions are being answered at the moment. Try again in a while.",
            ),
            Self::Unavailable(_) => (
                StatusCode::SERVICE_UNAVAILABLE,
                "unavailable",
                "The service cannot answer at the moment. Try again in a few seconds.",
            ),
            Self::Internal(_) => (
                StatusCode::INTERNAL_SERVER_ERROR,
                "internal",
                "Something went wrong inside the service.",
            ),
        }
    }

    /// Internal text is logged here, once, within the request's span.
    fn log(&self) {
        match self {
            Self::Unavailable(error) => tracing::error!(error = chain(error), "the database is not available"),
            Self::Internal(error) => tracing::error!(error, "internal error"),
            _ => {}
        }
    }
}

/// The body of every error. The request's id is filled in on the way out, where it is known.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Problem {
    /// For people; may change.
    error: String,
    /// For programs; stable.
    pub(crate) code: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    /// What is wrong with which field.
    #[schema(inline)]
    details: Option<FieldProblems>,
    pub(crate) request_id: String,
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        self.log();
        let (status, code, text) = self.public();
        let mut problem = Problem {
            error: text.to_owned(),
            code,
            details: None,
            request_id: String::new(),
        };
        if status == StatusCode::TOO_MANY_REQUESTS {
            measures::count(Metric::RateLimited);
        }
        let mut response = status.into_response();
        let headers = response.headers_mut();
        match self {
            Self::InvalidFields(details) => problem.details = Some(details),
            Self::Unauthorized | Self::WrongCredentials | Self::InvalidRefreshToken => {
                drop(headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer")));
            }
            Self::RateLimited { retry_after } | Self::BudgetExhausted { retry_after, .. } => {
                let seconds = whole_seconds(retry_after).max(1);
                drop(headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds)));
            }
            Self::Unavailable(_) | Self::RefreshInProgress => {
                drop(headers.insert(header::RETRY_AFTER, HeaderValue::from_static("2")));
            }
            Self::TooManyOpenJobs => drop(headers.insert(header::RETRY_AFTER, HeaderValue::from_static("5"))),
            Self::Busy => drop(headers.insert(header::RETRY_AFTER, HeaderValue::from_static("30"))),
            _ => {}
        }
        response.extensions_mut().insert(problem);
        response
    }
}

impl From<DbError> for ApiError {
    fn from(error: DbError) -> Self {
        if error.is_passing() {
            Self::Unavailable(error)
        } else {
            Self::Internal(chain(&error))
        }
    }
}

impl From<Exhausted> for ApiError {
    fn from(exhausted: Exhausted) -> Self {
        let span = match exhausted.period {
            Period::Day => "day",
            Period::Month => "month",
        };
        let resets_at = exhausted.resets_at.format(&Rfc3339).unwrap_or_default();
        Self::BudgetExhausted {
            text: format!(
                "Your tokens of this {span} are spent, or held back for questions of yours that are still open. Wait for \
                 those, or come back when the budget is reset, at {resets_at}."
            ),
            retry_after: exhausted.after,
        }
    }
}

/// The error for a response that some layer made by its status alone.
pub(crate) fn for_bare_status(status: StatusCode) -> ApiError {
    match status {
        StatusCode::NOT_FOUND => ApiError::NotFound,
        StatusCode::METHOD_NOT_ALLOWED => ApiError::MethodNotAllowed,
        StatusCode::UNSUPPORTED_MEDIA_TYPE => ApiError::UnsupportedMediaType(AS_JSON),
        StatusCode::PAYLOAD_TOO_LARGE => ApiError::PayloadTooLarge("The body is too large.".to_owned()),
        status if status.is_client_error() => ApiError::InvalidJson("The request cannot be understood.".to_owned()),
        status => ApiError::Internal(format!("a layer answered {status} without saying why")),
    }
}
