//! Texts as the network reads them, and how many go through it at once.

use std::path::Path;

use anyhow::{Result, anyhow, ensure};
use tokenizers::{Tokenizer, TruncationParams};

/// The most tokens that go through the network at once, unless a single text has more: enough that the products are
/// large, few enough that what lies between them stays in the processor's cache and every core gets a share.
const TOKENS_AT_ONCE: usize = 1024;

/// Splits texts into the tokens that a network knows.
#[derive(Debug)]
pub(super) struct Texts(Tokenizer);

impl Texts {
    /// Reads the tokenizer. What its file says about length and padding is for other uses and is overruled.
    ///
    /// # Errors
    /// If it cannot be understood, or knows more tokens than the network.
    pub(super) fn load(file: &Path, max_tokens: usize, known: usize) -> Result<Self> {
        let mut tokenizer = Tokenizer::from_file(file).map_err(|error| anyhow!("read the tokenizer: {error}"))?;
        let size = tokenizer.get_vocab_size(true);
        ensure!(size <= known, "the tokenizer knows {size} tokens, the network {known}");
        let truncation = TruncationParams {
            max_length: max_tokens,
            ..TruncationParams::default()
        };
        let tokenizer_mut = tokenizer
            .with_truncation(Some(truncation))
            .map_err(|error| anyhow!("limit the tokenizer: {error}"))?;
        tokenizer_mut.with_padding(None);
        Ok(Self(tokenizer))
    }

    /// The numbers of a text's tokens, with those that mark its beginning and end.
    ///
    /// # Errors
    /// If the tokenizer does not fit the text, which no text should do to it.
    pub(super) fn tokens(&self, text: &str) -> Result<Vec<u32>> {
        let encoding = self
            .0
            .encode_fast(text, true)
            .map_err(|error| anyhow!("split a text into tokens: {error}"))?;
        ensure!(!encoding.is_empty(), "the tokenizer marks no beginning of a text");
        Ok(encoding.get_ids().to_vec())
    }
}

/// Cuts texts, in their order, into portions that go through the network at once.
pub(super) fn portions(texts: &[Vec<u32>]) -> Vec<&[Vec<u32>]> {
    let mut portions = Vec::new();
    let (mut start, mut tokens) = (0, 0);
    for (index, text) in texts.iter().enumerate() {
        if index > start && tokens + text.len() > TOKENS_AT_ONCE {
            portions.push(&texts[start..index]);
            (start, tokens) = (index, 0);
        }
        tokens += text.len();
    }
    if start < texts.len() {
        portions.push(&texts[start..]);
    }
    portions
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sizes(lengths: &[usize]) -> Vec<usize> {
        let texts: Vec<Vec<u32>> = lengths.iter().map(|length| vec![1; *length]).collect();
        portions(&texts).into_iter().map(<[Vec<u32>]>::len).collect()
    }

    #[test]
    fn a_portion_ends_where_the_next_text_would_be_too_much() {
        assert_eq!(sizes(&[]), [0; 0]);
        assert_eq!(sizes(&[512, 512, 1]), [2, 1]);
        assert_eq!(sizes(&[1, 2000, 1, 1]), [1, 1, 2]);
        assert_eq!(sizes(&[2000]), [1]);
    }
}
