//! Who answers. Both functions read it: the api to compute the answer's key, the worker to make the answer.

use super::{Env, RetrievalConfig};
use crate::domain::Recipe;

/// The answerer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Provider {
    /// Anthropic's Messages API.
    Anthropic,
    /// No model: quotes the best sentences of the best passages.
    Extractive,
}

/// `LLM_PROVIDER` and `ANTHROPIC_MODEL`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AnsweringConfig {
    /// Who answers.
    pub provider: Provider,
    /// The model's name; `extractive` if there is none.
    pub model: String,
}

impl AnsweringConfig {
    /// Reads the section.
    pub fn from_env(env: &mut Env) -> Self {
        let model = env
            .optional("ANTHROPIC_MODEL")
            .unwrap_or_else(|| "claude-sonnet-4-5".to_owned());
        match env.optional("LLM_PROVIDER").as_deref() {
            None | Some("anthropic") => Self {
                provider: Provider::Anthropic,
                model,
            },
            Some("extractive") => Self::extractive(),
            Some(_) => {
                env.problem("LLM_PROVIDER", "must be anthropic or extractive");
                Self::extractive()
            }
        }
    }

    fn extractive() -> Self {
        Self {
            provider: Provider::Extractive,
            model: "extractive".to_owned(),
        }
    }

    /// What goes into the answer's key.
    #[must_use]
    pub fn recipe(&self, retrieval: &RetrievalConfig) -> Recipe {
        Recipe {
            model: self.model.clone(),
            retrieval: retrieval.identity(),
        }
    }
}
