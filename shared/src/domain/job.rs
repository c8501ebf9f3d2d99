//! The life of a job: its kinds, its states and the steps between them.

use std::str::FromStr;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::Invalid;

/// What a job does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum JobKind {
    /// Answer a question.
    AnswerQuestion,
    /// Cut a document into passages and store them.
    IngestDocument,
}

impl JobKind {
    /// The stored spelling.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::AnswerQuestion => "answer_question",
            Self::IngestDocument => "ingest_document",
        }
    }
}

impl FromStr for JobKind {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        [Self::AnswerQuestion, Self::IngestDocument]
            .into_iter()
            .find(|kind| kind.as_str() == text)
            .ok_or_else(|| Invalid::new(format!("no kind of job: {text}")))
    }
}

/// Where a job stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum JobStatus {
    /// Accepted, waiting for a worker.
    Queued,
    /// A worker holds its lease.
    Active,
    /// An attempt failed; the next one comes at `retryAt`.
    Delayed,
    /// Done.
    Completed,
    /// Given up; `code` says why.
    Failed,
    /// Ended by its owner.
    Cancelled,
    /// Not done by its deadline.
    Expired,
}

impl JobStatus {
    /// Every status, in the order of a job's life.
    pub const ALL: [Self; 7] = [
        Self::Queued,
        Self::Active,
        Self::Delayed,
        Self::Completed,
        Self::Failed,
        Self::Cancelled,
        Self::Expired,
    ];

    /// The stored spelling.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Active => "active",
            Self::Delayed => "delayed",
            Self::Completed => "completed",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
            Self::Expired => "expired",
        }
    }

    /// Whether the job has ended. A final state never changes (an operator's redrive of a failed job apart).
    #[must_use]
    pub fn is_final(self) -> bool {
        matches!(self, Self::Completed | Self::Failed | Self::Cancelled | Self::Expired)
    }

    /// Whether a job may go from this state to `next`. An active job may become active again: its lease ran out and
    /// another worker took it.
    #[must_use]
    pub fn may_become(self, next: Self) -> bool {
        match self {
            Self::Queued => matches!(
                next,
                Self::Active | Self::Cancelled | Self::Expired | Self::Completed | Self::Failed
            ),
            Self::Active => next != Self::Queued,
            Self::Delayed => matches!(next, Self::Active | Self::Cancelled | Self::Expired | Self::Failed),
            Self::Failed => next == Self::Queued,
            Self::Completed | Self::Cancelled | Self::Expired => false,
        }
    }
}

impl FromStr for JobStatus {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        Self::ALL
            .into_iter()
            .find(|status| status.as_str() == text)
            .ok_or_else(|| Invalid::new(format!("no job status: {text}")))
    }
}

/// Why a job failed: a stable code for programs, with a sentence for people.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum FailureCode {
    /// Every attempt failed for a reason that might have passed.
    AttemptsExhausted,
    /// The provider refuses our key, our model or our request: an operator has to act.
    LlmConfiguration,
    /// The model declined to answer.
    LlmRefused,
    /// The provider's reply was not of the agreed form.
    LlmProtocol,
    /// The prompt was larger than the model takes.
    LlmRequestTooLarge,
    /// The document that was to be ingested holds no text.
    DocumentEmpty,
    /// The document is damaged, not of the kind it was sent as, or has no letters that could be told.
    DocumentUnreadable,
    /// The document is protected by a password.
    DocumentEncrypted,
    /// The document takes more time, memory, pages or nesting to read than any document may.
    DocumentTooComplex,
    /// The document's text is longer than any document's may be.
    DocumentTooLong,
    /// The document was not ingested by the deadline of its job.
    DocumentExpired,
    /// Its message was delivered as often as the queue allows, and no worker lived to say why.
    DeliveryExhausted,
    /// A defect in Docent.
    Internal,
}

impl FailureCode {
    /// The stored spelling.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::AttemptsExhausted => "attempts_exhausted",
            Self::LlmConfiguration => "llm_configuration",
            Self::LlmRefused => "llm_refused",
            Self::LlmProtocol => "llm_protocol",
            Self::LlmRequestTooLarge => "llm_request_too_large",
            Self::DocumentEmpty => "document_empty",
            Self::DocumentUnreadable => "document_unreadable",
            Self::DocumentEncrypted => "document_encrypted",
            Self::DocumentTooComplex => "document_too_complex",
            Self::DocumentTooLong => "document_too_long",
            Self::DocumentExpired => "document_expired",
            Self::DeliveryExhausted => "delivery_exhausted",
            Self::Internal => "internal",
        }
    }

    /// Whether the same question would end the same way if it were asked again now. Then those who wait for its answer
    /// share its failure; otherwise one of them makes another attempt.
    #[must_use]
    pub fn would_repeat(self) -> bool {
        match self {
            Self::LlmConfiguration | Self::LlmRefused | Self::LlmProtocol | Self::LlmRequestTooLarge => true,
            Self::AttemptsExhausted
            | Self::DocumentEmpty
            | Self::DocumentUnreadable
            | Self::DocumentEncrypted
            | Self::DocumentTooComplex
            | Self::DocumentTooLong
            | Self::DocumentExpired
            | Self::DeliveryExhausted
            | Self::Internal => false,
        }
    }

    /// What a client is told: fixed text, no internals.
    #[must_use]
    pub fn public_text(code: &str) -> &'static str {
        match code {
            "attempts_exhausted" => "The answer could not be made after several attempts. Ask again later.",
            "llm_configuration" => {
                "The service's connection to its language model is not set up properly. Its operator has to act."
            }
            "llm_refused" => "The language model declined to answer this question.",
            "llm_protocol" => "The language model replied in a form that could not be understood. Ask again later.",
            "llm_request_too_large" => {
                "The question and its passages are too large for the language model. Ask a narrower question."
            }
            "document_empty" => "The document holds no text that could be searched.",
            "document_unreadable" => {
                "The document cannot be read: it is damaged, not of the kind it was sent as, or its fonts do not say \
                 which letters they show."
            }
            "document_encrypted" => "The document is protected by a password. Upload it without one.",
            "document_too_complex" => {
                "The document takes too much time, memory or nesting to read, or has more than 2,000 pages. Split it."
            }
            "document_too_long" => "The document's text is too long. Split the document.",
            "delivery_exhausted" => "The work could not be done after several attempts. Ask again later.",
            "document_expired" => "The document could not be ingested in time. Upload it again.",
            _ => "Something went wrong inside the service.",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn final_states_never_change_except_for_a_redrive_of_a_failed_job() {
        for from in JobStatus::ALL.into_iter().filter(|s| s.is_final()) {
            for to in JobStatus::ALL {
                let redrive = from == JobStatus::Failed && to == JobStatus::Queued;
                assert_eq!(from.may_become(to), redrive, "{from:?} -> {to:?}");
            }
        }
    }

    #[test]
    fn every_state_that_is_not_final_can_end() {
        for from in JobStatus::ALL.into_iter().filter(|s| !s.is_final()) {
            assert!(
                from.may_become(JobStatus::Failed) && from.may_become(JobStatus::Expired),
                "{from:?}"
            );
        }
    }

    #[test]
    fn stored_spellings_are_those_of_the_api() {
        for status in JobStatus::ALL {
            assert_eq!(status.as_str().parse(), Ok(status));
            assert_eq!(serde_json::to_value(status).unwrap(), status.as_str());
        }
        assert_eq!(
            serde_json::to_value(FailureCode::LlmRefused).unwrap(),
            FailureCode::LlmRefused.as_str()
        );
        assert_eq!(
            serde_json::to_value(JobKind::IngestDocument).unwrap(),
            JobKind::IngestDocument.as_str()
        );
    }
}
