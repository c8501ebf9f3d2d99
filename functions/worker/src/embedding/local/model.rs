//! From texts to vectors.

use anyhow::Result;
use rayon::prelude::*;

use super::bert::Bert;
use super::folder::{Description, Pooling};
use super::texts::{Texts, portions};
use super::weights::Weights;

/// A model with its weights.
pub(super) struct Model {
    texts: Texts,
    bert: Bert,
    pooling: Pooling,
    dimension: usize,
}

impl std::fmt::Debug for Model {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Model")
            .field("dimension", &self.dimension)
            .finish_non_exhaustive()
    }
}

impl Model {
    /// Reads weights and tokenizer.
    ///
    /// # Errors
    /// If they are not what the description says.
    pub(super) fn load(description: &Description) -> Result<Self> {
        let network = &description.network;
        Ok(Self {
            texts: Texts::load(&description.tokenizer, description.max_tokens, network.vocab_size)?,
            bert: Bert::new(network, &mut Weights::load(&description.weights)?)?,
            pooling: description.pooling,
            dimension: network.hidden_size,
        })
    }

    /// The texts' vectors in their order, not yet of length 1. Uses every core.
    ///
    /// # Errors
    /// If texts and weights do not fit together.
    pub(super) fn embed(&self, texts: &[String]) -> Result<Vec<Vec<f32>>> {
        if let [text] = texts {
            // On this very thread: the others may be busy with a document, and somebody waits for a question.
            return self.run(&[self.texts.tokens(text)?]);
        }
        let tokens: Vec<Vec<u32>> = texts
            .par_iter()
            .map(|text| self.texts.tokens(text))
            .collect::<Result<_>>()?;
        let vectors: Vec<_> = portions(&tokens)
            .into_par_iter()
            .map(|some| self.run(some))
            .collect::<Result<_>>()?;
        Ok(vectors.concat())
    }

    fn run(&self, texts: &[Vec<u32>]) -> Result<Vec<Vec<f32>>> {
        let all: Vec<&[u32]> = texts.iter().map(Vec::as_slice).collect();
        let rows = self.bert.run(&all)?;
        let mut rows = rows.chunks_exact(self.dimension);
        Ok(texts
            .iter()
            .map(|tokens| self.pool(rows.by_ref().take(tokens.len())))
            .collect())
    }

    fn pool<'a>(&self, mut rows: impl Iterator<Item = &'a [f32]>) -> Vec<f32> {
        let mut pooled = rows.next().unwrap_or_default().to_vec();
        if self.pooling == Pooling::Mean {
            // The sum will do for the mean: the vector is brought to length 1 anyway.
            for row in rows {
                for (sum, x) in pooled.iter_mut().zip(row) {
                    *sum += x;
                }
            }
        } else {
            // The remaining rows are this text's and not the next one's.
            rows.for_each(drop);
        }
        pooled
    }
}
