//! Pure values: parsed once at the door, passed on as types. No client, no clock, no I/O.

pub mod answer;
pub mod answer_key;
pub mod api_key;
pub mod collection;
pub mod document;
pub mod email;
pub mod ids;
pub mod job;
pub mod passage;
pub mod question;
pub mod rate;
pub mod secrets;
mod text;
pub mod upload;
pub mod visible;

pub use answer::{Answer, Citation, Grounding, Usage};
pub use answer_key::{AnswerKey, Recipe};
pub use api_key::{ApiKeySecret, Scope};
pub use collection::{CollectionScope, CollectionVersions};
pub use document::{DocumentStatus, DocumentText, DocumentTitle, MediaType, SourceUrl};
pub use email::Email;
pub use ids::{ApiKeyId, ChatId, CollectionId, DocumentId, JobId, MessageId, PassageId, SessionId, UserId};
pub use job::{FailureCode, JobKind, JobStatus};
pub use passage::Passage;
pub use question::QuestionText;
pub use rate::{Allowance, Rate};
pub use secrets::{NoRandomness, RefreshToken, SecretDigest};
pub use upload::{Charset, Content, Original};

/// Why a value from outside was refused, as a sentence for the person who sent it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Invalid(pub String);

impl Invalid {
    /// Builds the refusal from a sentence that says what is expected.
    pub fn new(sentence: impl Into<String>) -> Self {
        Self(sentence.into())
    }
}
