//! Who writes the answers. A provider's wire format stays in its own module.

use std::time::Duration;

use shared::config::LlmConfig;
use shared::domain::{Passage, QuestionText, Usage};

use crate::rag::draft::Draft;
use crate::rag::extract;

pub mod anthropic;
pub mod failure;
pub mod meter;

pub use anthropic::Anthropic;
pub use failure::{Kind, LlmFailure, Verdict};
pub use meter::Meter;

/// The answerer that the settings name.
#[derive(Debug, Clone)]
pub enum Llm {
    /// Anthropic's Messages API.
    Anthropic(Box<Anthropic>),
    /// No model: the best sentences of the best passages, quoted.
    Extractive,
}

/// What a model wrote when it was given a task.
#[derive(Debug, Clone, PartialEq)]
pub struct Written {
    /// The text; not empty.
    pub text: String,
    /// What the call consumed.
    pub usage: Usage,
}

impl Llm {
    /// Builds the answerer. Nothing is sent yet.
    ///
    /// # Errors
    /// If the address or the key cannot be part of a request, or the TLS library cannot start.
    pub fn connect(config: &LlmConfig) -> Result<Self, reqwest::Error> {
        match config {
            LlmConfig::Anthropic(config) => Ok(Self::Anthropic(Box::new(Anthropic::connect(config.clone())?))),
            LlmConfig::Extractive => Ok(Self::Extractive),
        }
    }

    /// The model's name as the settings give it, or `extractive`.
    #[must_use]
    pub fn model(&self) -> &str {
        match self {
            Self::Anthropic(anthropic) => anthropic.model(),
            Self::Extractive => extract::MODEL,
        }
    }

    /// The model of this name at the same provider, for tasks beside answering. `None` if there is no name, or nobody to ask.
    #[must_use]
    pub fn for_tasks(&self, model: Option<&str>) -> Option<Anthropic> {
        match self {
            Self::Anthropic(anthropic) => model.map(|model| anthropic.with_model(model)),
            Self::Extractive => None,
        }
    }

    /// Whose service is called, for the circuit breaker: provider and model. `None`: nobody's.
    #[must_use]
    pub fn provider(&self) -> Option<&str> {
        match self {
            Self::Anthropic(anthropic) => Some(anthropic.provider()),
            Self::Extractive => None,
        }
    }

    /// Has an answer written from the passages, best first. The call takes at most the time of the settings, and no
    /// more than `time_left`. Dropping the future ends the call. However it ends, `meter` is told what it consumed.
    ///
    /// # Errors
    /// [`LlmFailure`], which says whether another attempt makes sense.
    pub async fn draft(
        &self,
        question: &QuestionText,
        passages: &[Passage],
        time_left: Option<Duration>,
        meter: &Meter,
    ) -> Result<Draft, LlmFailure> {
        match self {
            Self::Anthropic(anthropic) => anthropic.draft(question, passages, time_left, meter).await,
            Self::Extractive => Ok(extract::draft(question, passages)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_a_model_there_is_nothing_to_connect_to() {
        let llm = Llm::connect(&LlmConfig::Extractive).unwrap();
        assert_eq!(llm.model(), "extractive");
    }
}
