//! Who turns texts into vectors. A provider's wire format or file format stays in its own module.

use shared::config::EmbeddingsConfig;

pub mod failure;
#[cfg(feature = "local-embeddings")]
pub mod local;
pub mod openai;
mod vectors;

pub use failure::{EmbeddingFailure, Verdict};
#[cfg(feature = "local-embeddings")]
pub use local::Local;
pub use openai::OpenAi;

/// The provider of vectors that the settings name. Cheap to clone.
#[derive(Debug, Clone)]
pub enum Embedder {
    /// A service that speaks the embeddings API of OpenAI.
    OpenAi(Box<OpenAi>),
    /// A model that runs inside this process.
    #[cfg(feature = "local-embeddings")]
    Local(std::sync::Arc<Local>),
}

impl Embedder {
    /// Builds the provider; `None` if the settings name none. Nothing is sent and no weights are loaded yet.
    ///
    /// # Errors
    /// If the address or the key cannot be part of a request; if the folder holds no model that is supported; if this
    /// program was built without the feature that runs one.
    pub fn connect(config: &EmbeddingsConfig) -> anyhow::Result<Option<Self>> {
        match config {
            EmbeddingsConfig::None => Ok(None),
            EmbeddingsConfig::OpenAi(config) => Ok(Some(Self::OpenAi(Box::new(OpenAi::connect(config.clone())?)))),
            #[cfg(feature = "local-embeddings")]
            EmbeddingsConfig::Local(config) => Ok(Some(Self::Local(std::sync::Arc::new(Local::open(&config.dir)?)))),
            #[cfg(not(feature = "local-embeddings"))]
            EmbeddingsConfig::Local(_) => anyhow::bail!(
                "EMBEDDINGS_MODEL_DIR is set, but this program was built without the cargo feature local-embeddings"
            ),
        }
    }

    /// The model's name, to be stored with each of its vectors: vectors of two names cannot be compared.
    #[must_use]
    pub fn model(&self) -> &str {
        match self {
            Self::OpenAi(openai) => openai.model(),
            #[cfg(feature = "local-embeddings")]
            Self::Local(local) => local.model(),
        }
    }

    /// The vectors of passages, in their order: all of one dimension, finite, of length 1.
    ///
    /// # Errors
    /// [`EmbeddingFailure`], which says whether another attempt makes sense. Then there are no vectors at all.
    pub async fn passages(&self, texts: &[String]) -> Result<Vec<Vec<f32>>, EmbeddingFailure> {
        match self {
            Self::OpenAi(openai) => openai.passages(texts).await,
            #[cfg(feature = "local-embeddings")]
            Self::Local(local) => local.passages(texts).await,
        }
    }

    /// The vector of a question, finite and of length 1.
    ///
    /// # Errors
    /// [`EmbeddingFailure`], which says whether another attempt makes sense.
    pub async fn question(&self, text: &str) -> Result<Vec<f32>, EmbeddingFailure> {
        match self {
            Self::OpenAi(openai) => openai.question(text).await,
            #[cfg(feature = "local-embeddings")]
            Self::Local(local) => local.question(text).await,
        }
    }
}

#[cfg(test)]
mod tests {
    use shared::config::LocalConfig;

    use super::*;

    #[test]
    fn without_settings_there_is_nothing_to_connect_to() {
        assert!(Embedder::connect(&EmbeddingsConfig::None).unwrap().is_none());
    }

    #[test]
    fn a_folder_that_cannot_be_used_stops_the_start() {
        let dir = "/nowhere".into();
        let error = Embedder::connect(&EmbeddingsConfig::Local(LocalConfig { dir })).unwrap_err();
        let error = format!("{error:#}");
        assert!(error.starts_with("EMBEDDINGS_MODEL_DIR"), "{error}");
        let why = if cfg!(feature = "local-embeddings") {
            "is missing"
        } else {
            "feature local-embeddings"
        };
        assert!(error.contains(why), "{error}");
    }
}
