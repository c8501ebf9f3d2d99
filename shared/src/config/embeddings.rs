//! Who turns texts into vectors. The worker does it; the api reads the section for the model's name, which is part of
//! an answer's key.

use std::path::PathBuf;
use std::time::Duration;

use secrecy::SecretString;

use super::{Env, Source, address};

/// The provider of vectors with what it needs.
#[derive(Debug, Clone)]
pub enum EmbeddingsConfig {
    /// No vectors: passages are searched by words alone.
    None,
    /// A service that speaks the embeddings API of OpenAI.
    OpenAi(OpenAiConfig),
    /// A model that runs inside the worker.
    Local(LocalConfig),
}

/// `EMBEDDINGS_URL`, `EMBEDDINGS_API_KEY`, `EMBEDDINGS_MODEL`, `EMBEDDINGS_BATCH_SIZE` and
/// `EMBEDDINGS_TIMEOUT_SECONDS`.
#[derive(Debug, Clone)]
pub struct OpenAiConfig {
    /// What stands before `/embeddings` in the service's address, without a trailing slash.
    pub url: String,
    /// The key, sent as a bearer token; `None` for a service that asks for none.
    pub api_key: Option<SecretString>,
    /// The model's name.
    pub model: String,
    /// The most texts of one call.
    pub batch_size: usize,
    /// The longest one call may take in all, repetitions included.
    pub timeout: Duration,
    /// Where a new key is to be had.
    pub source: Source,
}

/// `EMBEDDINGS_MODEL_DIR`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LocalConfig {
    /// The folder with the model.
    pub dir: PathBuf,
}

impl EmbeddingsConfig {
    /// Reads the section.
    pub fn from_env(env: &mut Env) -> Self {
        match (env.optional("EMBEDDINGS_URL"), env.optional("EMBEDDINGS_MODEL_DIR")) {
            (None, None) => {
                if env.optional("EMBEDDINGS_MODEL").is_some() {
                    // Without this, a forgotten address would quietly mean a search by words alone.
                    env.problem("EMBEDDINGS_MODEL", "is of no use without EMBEDDINGS_URL");
                }
                Self::None
            }
            (Some(url), None) => Self::OpenAi(OpenAiConfig::from_env(env, &url)),
            (None, Some(dir)) => Self::Local(LocalConfig { dir: dir.into() }),
            (Some(_), Some(_)) => {
                env.problem("EMBEDDINGS_MODEL_DIR", "cannot be set beside EMBEDDINGS_URL");
                Self::None
            }
        }
    }

    /// What tells one model from another without looking at it, the same in both functions: the model's name, or the
    /// name of the folder that it is in. `None` without vectors.
    #[must_use]
    pub fn identity(&self) -> Option<String> {
        match self {
            Self::None => None,
            Self::OpenAi(config) => Some(config.model.clone()),
            Self::Local(config) => {
                let name = config.dir.file_name().unwrap_or_default();
                Some(format!("local:{}", name.to_string_lossy()))
            }
        }
    }
}

impl OpenAiConfig {
    fn from_env(env: &mut Env, url: &str) -> Self {
        Self {
            url: address::checked(env, "EMBEDDINGS_URL", url),
            api_key: env.optional("EMBEDDINGS_API_KEY").map(SecretString::from),
            model: env.required("EMBEDDINGS_MODEL"),
            // What Text Embeddings Inference takes if it is not told otherwise; the others take more.
            batch_size: usize::try_from(env.number("EMBEDDINGS_BATCH_SIZE", 1..=1000, 32)).unwrap_or(32),
            timeout: Duration::from_secs(env.number("EMBEDDINGS_TIMEOUT_SECONDS", 1..=600, 30)),
            source: env.source(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(pairs: &[(&str, &str)]) -> (EmbeddingsConfig, Option<String>) {
        let mut env = Env::new(pairs.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())));
        let config = EmbeddingsConfig::from_env(&mut env);
        (config, env.finish().err().map(|error| error.to_string()))
    }

    #[test]
    fn the_variables_choose_the_provider() {
        let (none, problems) = read(&[]);
        assert!(matches!(none, EmbeddingsConfig::None) && problems.is_none());
        assert_eq!(none.identity(), None);
        let (local, problems) = read(&[("EMBEDDINGS_MODEL_DIR", "/opt/models/all-MiniLM-L6-v2/")]);
        assert!(problems.is_none(), "{problems:?}");
        assert_eq!(local.identity().as_deref(), Some("local:all-MiniLM-L6-v2"));
        let (remote, problems) = read(&[
            ("EMBEDDINGS_URL", "http://127.0.0.1:11434/v1/"),
            ("EMBEDDINGS_MODEL", "nomic-embed-text"),
        ]);
        assert!(problems.is_none(), "{problems:?}");
        assert_eq!(remote.identity().as_deref(), Some("nomic-embed-text"));
        let EmbeddingsConfig::OpenAi(config) = remote else {
            panic!("{remote:?}")
        };
        assert_eq!(config.url, "http://127.0.0.1:11434/v1");
        assert!(config.api_key.is_none());
        assert_eq!((config.batch_size, config.timeout), (32, Duration::from_secs(30)));
    }

    #[test]
    fn what_does_not_fit_together_is_a_problem() {
        for (pairs, problem) in [
            (
                vec![("EMBEDDINGS_URL", "https://api.openai.com/v1")],
                "EMBEDDINGS_MODEL is not set",
            ),
            (vec![("EMBEDDINGS_MODEL", "m")], "EMBEDDINGS_MODEL is of no use"),
            (
                vec![
                    ("EMBEDDINGS_URL", "https://api.openai.com/v1"),
                    ("EMBEDDINGS_MODEL", "m"),
                    ("EMBEDDINGS_MODEL_DIR", "d"),
                ],
                "EMBEDDINGS_MODEL_DIR cannot be set beside EMBEDDINGS_URL",
            ),
            (
                vec![("EMBEDDINGS_URL", "http://example.com/v1"), ("EMBEDDINGS_MODEL", "m")],
                "EMBEDDINGS_URL must start with https://",
            ),
        ] {
            let problems = read(&pairs).1.unwrap();
            assert!(problems.contains(problem), "{problems}");
        }
    }

    #[test]
    fn the_key_is_not_shown() {
        let (config, _) = read(&[
            ("EMBEDDINGS_URL", "https://api.openai.com/v1"),
            ("EMBEDDINGS_MODEL", "m"),
            ("EMBEDDINGS_API_KEY", "sk-canary"),
        ]);
        assert!(!format!("{config:?}").contains("canary"));
    }
}
