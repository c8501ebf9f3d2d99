//! The key under which equal questions share one answer.

use std::fmt;

use sha2::{Digest, Sha256};

use super::{CollectionScope, QuestionText};

/// The version of the prompt and of what is taken out of an answer. Raise it with every change to either, so that answers
/// made in the old way are not served for the new one.
pub const PROMPT_VERSION: u32 = 2;

/// The version of chunking and ranking. Raise it when the same question over the same documents may find other passages.
pub const RETRIEVAL_VERSION: u32 = 4;

/// Everything besides question and documents that decides what an answer says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recipe {
    /// The model's name, or `extractive`.
    pub model: String,
    /// The settings of retrieval that decide which passages the model is shown.
    pub retrieval: String,
}

/// SHA-256 over the sorted collections, the normalised question and the [`Recipe`]. Equal keys mean: the same answer
/// would do, provided the collections are still at the same versions.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct AnswerKey([u8; 32]);

impl AnswerKey {
    /// Computes the key. Each part is written with its length before it, so that no two different inputs can run
    /// together into the same bytes.
    #[must_use]
    pub fn new(scope: &CollectionScope, question: &QuestionText, recipe: &Recipe) -> Self {
        let mut hash = Sha256::new();
        let mut part = |bytes: &[u8]| {
            hash.update((bytes.len() as u64).to_be_bytes());
            hash.update(bytes);
        };
        for id in scope.ids() {
            part(id.uuid().as_bytes());
        }
        part(question.normalised().as_bytes());
        part(recipe.model.as_bytes());
        part(recipe.retrieval.as_bytes());
        part(&PROMPT_VERSION.to_be_bytes());
        part(&RETRIEVAL_VERSION.to_be_bytes());
        Self(hash.finalize().into())
    }

    /// The key's bytes, for a column.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

/// Lower-case hexadecimal.
impl fmt::Display for AnswerKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for AnswerKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "AnswerKey({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{CollectionId, UserId};

    fn key(scope: &CollectionScope, question: &str, model: &str) -> AnswerKey {
        let recipe = Recipe {
            model: model.to_owned(),
            retrieval: String::new(),
        };
        AnswerKey::new(scope, &QuestionText::parse(question).unwrap(), &recipe)
    }

    #[test]
    fn every_part_counts() {
        let asker = UserId::new();
        let all = CollectionScope::everything_readable_by(asker);
        let own = CollectionScope::named(asker, vec![asker.private_collection()]).unwrap();
        let base = key(&all, "what is a lease?", "m");
        assert_eq!(base, key(&all, " What is  a LEASE? ", "m"));
        assert_ne!(base, key(&own, "what is a lease?", "m"));
        assert_ne!(base, key(&all, "what was a lease?", "m"));
        assert_ne!(base, key(&all, "what is a lease?", "n"));
    }

    #[test]
    fn parts_cannot_run_together() {
        let scope = CollectionScope::stored(vec![CollectionId::new().uuid()]);
        assert_ne!(key(&scope, "ab", "c"), key(&scope, "a", "bc"));
    }
}
