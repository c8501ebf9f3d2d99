//! Who answers. Both functions read it: the api to compute the answer's key, the worker to make the answer.

use super::{Env, RetrievalConfig};
use crate::domain::Recipe;

/// Room for what surrounds the passages of a prompt: the instructions, a question of a thousand characters, and the structure
/// of the blocks. Generous: what a call did consume is what counts in the end.
const PROMPT_TOKENS: u64 = 4_000;
/// Thirty passages of 1,500 characters with their titles, at three characters a token as passages are estimated, and the
/// instructions around them.
const RERANKING_TOKENS: u64 = 16_000;

/// The answerer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Provider {
    /// Anthropic's Messages API.
    Anthropic,
    /// No model: quotes the best sentences of the best passages.
    Extractive,
}

/// `LLM_PROVIDER`, `ANTHROPIC_MODEL` and `ANTHROPIC_MAX_TOKENS`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AnsweringConfig {
    /// Who answers.
    pub provider: Provider,
    /// The model's name; `extractive` if there is none.
    pub model: String,
    /// The most tokens that one answer of it may have.
    pub max_tokens: u64,
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
                max_tokens: env.number("ANTHROPIC_MAX_TOKENS", 16..=64_000, 1024),
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
            max_tokens: 0,
        }
    }

    /// The most tokens that one call for an answer consumes, question and answer together, with the call before it that
    /// puts passages in order. Nothing if no model is asked.
    #[must_use]
    pub fn worst_case(&self, retrieval: &RetrievalConfig) -> u64 {
        if self.provider == Provider::Extractive {
            return 0;
        }
        let passages = u64::try_from(retrieval.tokens).unwrap_or(u64::MAX);
        let reranking = retrieval.rerank_model.as_ref().map_or(0, |_| RERANKING_TOKENS);
        passages + PROMPT_TOKENS + self.max_tokens + reranking
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
