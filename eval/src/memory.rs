//! Vectors that were made before, in a file: embedding a collection takes minutes or money, and most runs change something
//! else.

use std::collections::HashMap;
use std::fs::{File, OpenOptions};
use std::io::Write as _;
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use anyhow::{Context, Result, ensure};
use sha2::{Digest, Sha256};
use worker::embedding::Embedder;

/// SHA-256 of a text.
type Key = [u8; 32];

/// An embedder that remembers. The file belongs to one model and holds, one after the other, the key of a text and its
/// vector as little-endian numbers of four bytes; how many, stands in the file's first four bytes.
pub struct Memory {
    embedder: Embedder,
    state: Mutex<State>,
}

struct State {
    known: HashMap<Key, Vec<f32>>,
    file: File,
    dimensions: usize,
}

impl Memory {
    /// Opens the model's file in a folder, which is made if it is not there.
    ///
    /// # Errors
    /// If the folder or the file cannot be used.
    pub fn open(folder: &Path, embedder: Embedder) -> Result<Self> {
        std::fs::create_dir_all(folder).with_context(|| format!("make {}", folder.display()))?;
        let name: String = embedder
            .model()
            .chars()
            .map(|c| if c.is_ascii_alphanumeric() { c } else { '-' })
            .collect();
        let path = folder.join(name);
        let bytes = std::fs::read(&path).unwrap_or_default();
        let (dimensions, known, whole) = parse(&bytes);
        let file = OpenOptions::new().create(true).append(true).open(&path);
        let file = file.with_context(|| format!("open {}", path.display()))?;
        // A run that was stopped may have left half a vector.
        file.set_len(whole as u64)?;
        let state = Mutex::new(State {
            known,
            file,
            dimensions,
        });
        Ok(Self { embedder, state })
    }

    /// The model's name.
    #[must_use]
    pub fn model(&self) -> &str {
        self.embedder.model()
    }

    /// The vectors of passages, in their order.
    ///
    /// # Errors
    /// If the embedder fails, or the file cannot be written.
    pub async fn passages(&self, texts: &[String]) -> Result<Vec<Vec<f32>>> {
        let keys: Vec<Key> = texts.iter().map(|text| key("passage", text)).collect();
        let is_new = |(key, _): &(&Key, &String)| !self.state().known.contains_key(*key);
        let (new_keys, new_texts): (Vec<Key>, Vec<String>) = keys
            .iter()
            .zip(texts)
            .filter(is_new)
            .map(|(key, text)| (*key, text.clone()))
            .unzip();
        if !new_texts.is_empty() {
            let vectors = self.embedder.passages(&new_texts).await?;
            self.remember(new_keys.into_iter().zip(vectors).collect())?;
        }
        let state = self.state();
        keys.iter()
            .map(|key| state.known.get(key).cloned().context("a vector is missing"))
            .collect()
    }

    /// The vector of a question.
    ///
    /// # Errors
    /// Like [`Self::passages`].
    pub async fn question(&self, text: &str) -> Result<Vec<f32>> {
        let key = key("question", text);
        let known = self.state().known.get(&key).cloned();
        if let Some(known) = known {
            return Ok(known);
        }
        let vector = self.embedder.question(text).await?;
        self.remember(vec![(key, vector.clone())])?;
        Ok(vector)
    }

    fn remember(&self, vectors: Vec<(Key, Vec<f32>)>) -> Result<()> {
        let mut state = self.state();
        let mut bytes = Vec::new();
        for (key, vector) in vectors {
            if state.dimensions == 0 {
                state.dimensions = vector.len();
                bytes.extend(u32::try_from(vector.len())?.to_le_bytes());
            }
            ensure!(vector.len() == state.dimensions, "the model changed its dimension");
            bytes.extend(key);
            bytes.extend(vector.iter().flat_map(|number| number.to_le_bytes()));
            state.known.insert(key, vector);
        }
        state.file.write_all(&bytes).context("write the remembered vectors")
    }

    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Some models are told whether a text is a passage or a question.
fn key(kind: &str, text: &str) -> Key {
    Sha256::new()
        .chain_update(kind)
        .chain_update([0])
        .chain_update(text)
        .finalize()
        .into()
}

/// The dimension, the vectors, and how many bytes of the file they are.
fn parse(bytes: &[u8]) -> (usize, HashMap<Key, Vec<f32>>, usize) {
    let Some((header, records)) = bytes.split_first_chunk::<4>() else {
        return (0, HashMap::new(), 0);
    };
    let dimensions = u32::from_le_bytes(*header) as usize;
    let size = size_of::<Key>() + 4 * dimensions;
    let mut known = HashMap::new();
    for record in records.chunks_exact(size) {
        let Some((key, numbers)) = record.split_first_chunk::<32>() else {
            continue;
        };
        let (numbers, _) = numbers.as_chunks::<4>();
        known.insert(*key, numbers.iter().map(|number| f32::from_le_bytes(*number)).collect());
    }
    (dimensions, known, 4 + records.len() / size * size)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn half_a_vector_at_the_end_is_left_out() {
        let mut bytes = 2_u32.to_le_bytes().to_vec();
        bytes.extend([7; 32]);
        bytes.extend([1.5_f32, -2.0].iter().flat_map(|number| number.to_le_bytes()));
        let whole = bytes.len();
        bytes.extend([8; 35]);
        let (dimensions, known, read) = parse(&bytes);
        assert_eq!((dimensions, read), (2, whole));
        assert_eq!(known, HashMap::from([([7; 32], vec![1.5, -2.0])]));
        assert_eq!(parse(&[1, 0]).0, 0);
    }
}
