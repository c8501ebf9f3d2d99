//! What an answerer wrote, before anybody checked it.

use shared::domain::Usage;

/// An answer whose quotes are still claims. [`super::citations::verify`] turns it into an answer.
#[derive(Debug, Clone, PartialEq)]
pub struct Draft {
    /// The answer's text.
    pub text: String,
    /// What the answerer says it rests on, in the order it said so.
    pub quotes: Vec<Quote>,
    /// The model that wrote it, as the provider named it.
    pub model: String,
    /// The model ran into its output limit, so the text stops early.
    pub truncated: bool,
    /// What the call consumed.
    pub usage: Usage,
}

/// One claimed quote.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Quote {
    /// The index of the passage among those that were handed over.
    pub passage: usize,
    /// The words that are said to stand in it.
    pub text: String,
}

impl Quote {
    /// A quote that names nothing that was handed over. It is kept, so that the check counts it as dropped.
    #[must_use]
    pub fn unmatched(text: String) -> Self {
        Self {
            passage: usize::MAX,
            text,
        }
    }
}
