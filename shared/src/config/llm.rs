//! How the worker reaches the language model.

use std::time::Duration;

use secrecy::SecretString;

use super::{AnsweringConfig, Env, Provider, Source, address};

/// The worker's answerer with what it needs.
#[derive(Debug, Clone)]
pub enum LlmConfig {
    /// Anthropic's Messages API.
    Anthropic(AnthropicConfig),
    /// No model.
    Extractive,
}

/// `ANTHROPIC_*` and `LLM_TIMEOUT_SECONDS`.
#[derive(Debug, Clone)]
pub struct AnthropicConfig {
    /// The key, sent as `x-api-key`.
    pub api_key: SecretString,
    /// Where the API is, without a trailing slash.
    pub base_url: String,
    /// The model's name.
    pub model: String,
    /// The most tokens an answer may have.
    pub max_tokens: u64,
    /// The longest one call may take in all.
    pub timeout: Duration,
    /// Where a new key is to be had.
    pub source: Source,
}

impl LlmConfig {
    /// Reads the section.
    pub fn from_env(env: &mut Env, answering: &AnsweringConfig) -> Self {
        match answering.provider {
            Provider::Extractive => Self::Extractive,
            Provider::Anthropic => Self::Anthropic(AnthropicConfig {
                api_key: env.secret("ANTHROPIC_API_KEY"),
                base_url: base_url(env),
                model: answering.model.clone(),
                max_tokens: answering.max_tokens,
                timeout: Duration::from_secs(env.number("LLM_TIMEOUT_SECONDS", 1..=600, 60)),
                source: env.source(),
            }),
        }
    }
}

fn base_url(env: &mut Env) -> String {
    let url = env
        .optional("ANTHROPIC_BASE_URL")
        .unwrap_or_else(|| "https://api.anthropic.com".to_owned());
    address::checked(env, "ANTHROPIC_BASE_URL", &url)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_key_must_be_there_and_must_not_travel_in_the_clear() {
        let mut env = Env::new([("ANTHROPIC_BASE_URL".to_owned(), "http://example.com".to_owned())]);
        let answering = AnsweringConfig::from_env(&mut env);
        LlmConfig::from_env(&mut env, &answering);
        let message = env.finish().unwrap_err().to_string();
        assert!(message.contains("ANTHROPIC_API_KEY is not set"), "{message}");
        assert!(
            message.contains("ANTHROPIC_BASE_URL must start with https://"),
            "{message}"
        );
    }
}
