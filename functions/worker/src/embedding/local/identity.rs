//! The name that is stored with a local model's vectors.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};

use anyhow::{Context, Result};
use sha2::{Digest, Sha256};

use super::folder::Description;

/// How much of the weights is looked at, at their beginning and at their end. Reading all of them would cost a start
/// most of its time, and training changes all of them.
const LOOKED_AT: u64 = 1024 * 1024;

/// A name such as `bert-384x6-1f0c9a7b2d3e`: the same wherever the folder is, another for everything that changes the
/// vectors.
///
/// # Errors
/// If the weights or the tokenizer cannot be read.
pub(super) fn of(description: &Description) -> Result<String> {
    let mut digest = Sha256::new();
    let Description {
        network,
        pooling,
        max_tokens,
        question_prompt,
        passage_prompt,
        ..
    } = description;
    digest.update(format!(
        "{pooling:?} {max_tokens} {question_prompt:?} {passage_prompt:?} {:e} ",
        network.layer_norm_eps
    ));
    let tokenizer = std::fs::read(&description.tokenizer).context("read the tokenizer")?;
    digest.update(Sha256::digest(&tokenizer));
    let mut weights = File::open(&description.weights).context("open the weights")?;
    let size = weights.metadata().context("look at the weights")?.len();
    digest.update(size.to_le_bytes());
    for start in [0, size.saturating_sub(LOOKED_AT)] {
        weights.seek(SeekFrom::Start(start)).context("read the weights")?;
        let mut part = Vec::new();
        (&mut weights)
            .take(LOOKED_AT)
            .read_to_end(&mut part)
            .context("read the weights")?;
        digest.update(Sha256::digest(&part));
    }
    let digest: String = digest
        .finalize()
        .iter()
        .take(6)
        .map(|byte| format!("{byte:02x}"))
        .collect();
    Ok(format!(
        "bert-{}x{}-{digest}",
        network.hidden_size, network.num_hidden_layers
    ))
}
