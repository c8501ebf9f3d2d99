//! A sentence transformer that runs inside this process.

mod arithmetic;
mod bert;
mod folder;
mod identity;
mod model;
mod operations;
mod texts;
mod weights;

use std::path::Path;
use std::sync::Arc;

use anyhow::Context;
use tokio::sync::OnceCell;

use super::failure::{EmbeddingFailure, Verdict};
use super::vectors;
use folder::Description;
use model::Model;

/// How many texts are handed to the other threads at once. When nobody waits for the vectors any more, no further ones
/// are begun.
const TEXTS_AT_ONCE: usize = 64;

/// A folder with a sentence transformer; its weights are loaded when they are first needed.
#[derive(Debug)]
pub struct Local {
    description: Description,
    name: String,
    model: OnceCell<Arc<Model>>,
}

impl Local {
    /// Looks at the folder, but not yet at most of the weights.
    ///
    /// # Errors
    /// If a file is missing, or the model is of a kind that would give other vectors here than where it comes from.
    pub fn open(dir: &Path) -> anyhow::Result<Self> {
        let description = Description::read(dir).context("EMBEDDINGS_MODEL_DIR cannot be used")?;
        let name = identity::of(&description).context("EMBEDDINGS_MODEL_DIR cannot be used")?;
        Ok(Self {
            description,
            name,
            model: OnceCell::new(),
        })
    }

    /// What tells this model's vectors from those of every other, whatever the folder is called.
    #[must_use]
    pub fn model(&self) -> &str {
        &self.name
    }

    /// The vectors of passages, in their order.
    ///
    /// # Errors
    /// [`EmbeddingFailure`] if the weights cannot be used.
    pub async fn passages(&self, texts: &[String]) -> Result<Vec<Vec<f32>>, EmbeddingFailure> {
        let mut all = Vec::with_capacity(texts.len());
        for some in texts.chunks(TEXTS_AT_ONCE) {
            all.extend(self.embed(some, &self.description.passage_prompt).await?);
        }
        Ok(all)
    }

    /// The vector of a question.
    ///
    /// # Errors
    /// [`EmbeddingFailure`] if the weights cannot be used.
    pub async fn question(&self, text: &str) -> Result<Vec<f32>, EmbeddingFailure> {
        let vectors = self.embed(&[text], &self.description.question_prompt).await?;
        Ok(vectors.concat())
    }

    async fn embed<T: AsRef<str>>(&self, texts: &[T], prompt: &str) -> Result<Vec<Vec<f32>>, EmbeddingFailure> {
        let model = Arc::clone(self.model.get_or_try_init(|| self.load()).await?);
        let texts: Vec<String> = texts.iter().map(|text| format!("{prompt}{}", text.as_ref())).collect();
        let count = texts.len();
        let vectors = on_a_thread(move || model.embed(&texts)).await?;
        vectors::checked(vectors, count)
    }

    async fn load(&self) -> Result<Arc<Model>, EmbeddingFailure> {
        let description = self.description.clone();
        let model = on_a_thread(move || Model::load(&description)).await?;
        tracing::info!(model = self.name, "the embedding model is loaded");
        Ok(Arc::new(model))
    }
}

/// Computing would hold up everything else that this thread has to do.
async fn on_a_thread<T: Send + 'static>(
    work: impl FnOnce() -> anyhow::Result<T> + Send + 'static,
) -> Result<T, EmbeddingFailure> {
    match tokio::task::spawn_blocking(work).await {
        Ok(outcome) => outcome.map_err(|error| {
            EmbeddingFailure::new(
                Verdict::Discard,
                format!("the embedding model cannot be used: {error:#}"),
            )
        }),
        Err(_) => Err(EmbeddingFailure::new(
            Verdict::RETRY,
            "the embedding model's thread broke off",
        )),
    }
}

#[cfg(test)]
mod tests;
