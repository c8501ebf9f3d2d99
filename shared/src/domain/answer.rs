//! An answer and what it rests on. These types are stored in Postgres and Redis and sent to clients, so a change to
//! a field's name is a change of all three contracts.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{DocumentId, PassageId};

/// A complete answer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Answer {
    /// The answer's text.
    pub text: String,
    /// The sources, each checked to stand word for word in the stored passage.
    pub citations: Vec<Citation>,
    /// How far the sources carry the text.
    pub grounded: Grounding,
    /// The model that wrote it, or `extractive`.
    pub model: String,
    /// The model ran into its output limit, so the text stops early. Such an answer is never cached.
    pub truncated: bool,
}

impl Answer {
    /// Whether the answer may be served again: complete, and resting on sources.
    #[must_use]
    pub fn is_cacheable(&self) -> bool {
        !self.truncated && self.grounded != Grounding::None
    }
}

/// One verbatim source of an answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Citation {
    /// The document.
    pub document_id: DocumentId,
    /// Its title when the answer was made.
    pub title: String,
    /// The passage within the document.
    pub passage_id: PassageId,
    /// Where the quote starts in the document's text, in characters from 0.
    pub start: usize,
    /// Where the quote ends: one past its last character.
    pub end: usize,
    /// The quoted text, exactly as it stands in the document.
    pub quote: String,
    /// Where the document came from, if the uploader said so.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source_url: Option<String>,
    /// The page of the document that the quote stands on, from 1, if the document has pages.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub page: Option<u32>,
}

/// How far an answer's text rests on citations that were checked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Grounding {
    /// Every citation the model gave stands in the documents.
    Full,
    /// Some citations stand in the documents; those that did not were dropped.
    Partial,
    /// Nothing in the documents supports an answer.
    None,
}

impl Grounding {
    /// The stored spelling.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Full => "full",
            Self::Partial => "partial",
            Self::None => "none",
        }
    }
}

/// What one LLM call consumed, or all calls for one answer.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Usage {
    /// Tokens of the prompt that were neither read from nor written to the provider's prompt cache.
    pub input_tokens: u64,
    /// Tokens of the answer.
    pub output_tokens: u64,
    /// Tokens of the prompt read from the provider's cache.
    pub cache_read_tokens: u64,
    /// Tokens of the prompt written to the provider's cache.
    pub cache_write_tokens: u64,
    /// The price in millionths of a US dollar by the price list in `worker`; `None` for a model that is not on it.
    pub cost_micro_usd: Option<u64>,
}

impl Usage {
    /// Both together. Their price is known if both prices are; what consumed nothing has none to know.
    #[must_use]
    pub fn plus(self, other: Self) -> Self {
        let cost_micro_usd = match (self.tokens(), other.tokens()) {
            (0, _) => other.cost_micro_usd,
            (_, 0) => self.cost_micro_usd,
            _ => self
                .cost_micro_usd
                .zip(other.cost_micro_usd)
                .map(|(one, two)| one.saturating_add(two)),
        };
        Self {
            input_tokens: self.input_tokens.saturating_add(other.input_tokens),
            output_tokens: self.output_tokens.saturating_add(other.output_tokens),
            cache_read_tokens: self.cache_read_tokens.saturating_add(other.cache_read_tokens),
            cache_write_tokens: self.cache_write_tokens.saturating_add(other.cache_write_tokens),
            cost_micro_usd,
        }
    }

    fn tokens(self) -> u64 {
        let counts = [
            self.input_tokens,
            self.output_tokens,
            self.cache_read_tokens,
            self.cache_write_tokens,
        ];
        counts.into_iter().fold(0, u64::saturating_add)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn usage(tokens: u64, cost_micro_usd: Option<u64>) -> Usage {
        Usage {
            input_tokens: tokens,
            output_tokens: tokens,
            cache_read_tokens: tokens,
            cache_write_tokens: tokens,
            cost_micro_usd,
        }
    }

    #[test]
    fn a_sum_has_a_price_if_every_part_that_consumed_something_has() {
        let (five, unpriced, nothing) = (usage(1, Some(5)), usage(2, None), Usage::default());
        assert_eq!(five.plus(usage(2, Some(7))), usage(3, Some(12)));
        assert_eq!(five.plus(unpriced), usage(3, None));
        assert_eq!((five.plus(nothing), nothing.plus(five)), (five, five));
        assert_eq!(nothing.plus(nothing), nothing);
    }
}
