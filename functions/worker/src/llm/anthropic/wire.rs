//! What the Messages API replies, as far as it is used. <https://platform.claude.com/docs/en/api/messages>

use serde::Deserialize;
use serde_json::Value;
use shared::domain::Usage;

use crate::rag::prompt::Reference;

/// One event of the reply. New kinds of events may come at any time and are passed over.
#[derive(Debug, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(super) enum Event {
    MessageStart {
        message: Start,
    },
    ContentBlockStart {
        content_block: Part,
    },
    ContentBlockDelta {
        delta: Part,
    },
    MessageDelta {
        delta: Delta,
        #[serde(default)]
        usage: TokenCounts,
    },
    MessageStop,
    Error {
        error: ErrorDetail,
    },
    #[serde(other)]
    Other,
}

#[derive(Debug, Deserialize)]
pub(super) struct Start {
    #[serde(default)]
    pub(super) model: String,
    #[serde(default)]
    pub(super) usage: TokenCounts,
}

/// A content block or an addition to one. What is neither text nor a citation of it, such as thinking, is passed over.
#[derive(Debug, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(super) enum Part {
    #[serde(alias = "text_delta")]
    Text { text: String },
    /// Kept as it came: a citation that cannot be read costs the citation, not the answer.
    CitationsDelta { citation: Value },
    #[serde(other)]
    Other,
}

#[derive(Debug, Deserialize)]
pub(super) struct Delta {
    #[serde(default)]
    pub(super) stop_reason: Option<StopReason>,
}

/// Why the model stopped writing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum StopReason {
    EndTurn,
    StopSequence,
    MaxTokens,
    ModelContextWindowExceeded,
    Refusal,
    ToolUse,
    PauseTurn,
    #[serde(other)]
    Unknown,
}

/// Running totals; a count that is absent has not changed.
#[derive(Debug, Default, Deserialize)]
pub(super) struct TokenCounts {
    input_tokens: Option<u64>,
    output_tokens: Option<u64>,
    cache_read_input_tokens: Option<u64>,
    cache_creation_input_tokens: Option<u64>,
}

/// More than any model takes in one call: what says it used more is wrong, and sums with it would not fit the database.
const MOST_TOKENS: u64 = 100_000_000;

impl TokenCounts {
    pub(super) fn update(&self, usage: &mut Usage) {
        let told = |count: Option<u64>, before: u64| count.map_or(before, |count| count.min(MOST_TOKENS));
        usage.input_tokens = told(self.input_tokens, usage.input_tokens);
        usage.output_tokens = told(self.output_tokens, usage.output_tokens);
        usage.cache_read_tokens = told(self.cache_read_input_tokens, usage.cache_read_tokens);
        usage.cache_write_tokens = told(self.cache_creation_input_tokens, usage.cache_write_tokens);
    }
}

/// Where a sentence of the answer comes from. `end_block_index` is exclusive, and `cited_text` is the text of all the
/// blocks from the first to the last.
#[derive(Debug, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum Location {
    SearchResultLocation {
        cited_text: String,
        search_result_index: usize,
        start_block_index: usize,
        end_block_index: usize,
    },
}

/// Reads a citation. One that cannot be read refers to nothing, so that it is counted and dropped.
pub(super) fn reference(citation: Value) -> Reference {
    match serde_json::from_value(citation) {
        Ok(Location::SearchResultLocation {
            cited_text,
            search_result_index,
            start_block_index,
            end_block_index,
        }) => Reference {
            source: search_result_index,
            blocks: start_block_index..end_block_index,
            text: cited_text,
        },
        Err(_) => Reference {
            source: usize::MAX,
            blocks: 0..0,
            text: String::new(),
        },
    }
}

/// The body of a reply with an error status.
#[derive(Debug, Default, Deserialize)]
pub(super) struct ErrorBody {
    #[serde(default)]
    pub(super) error: ErrorDetail,
    #[serde(default)]
    pub(super) request_id: Option<String>,
}

/// What went wrong. The message may repeat parts of the request, so it is looked at and never logged.
#[derive(Debug, Default, Deserialize)]
pub(super) struct ErrorDetail {
    #[serde(default, rename = "type")]
    pub(super) kind: String,
    #[serde(default)]
    pub(super) message: String,
    #[serde(default)]
    pub(super) details: Option<Details>,
}

#[derive(Debug, Default, Deserialize)]
pub(super) struct Details {
    #[serde(default)]
    pub(super) error_code: Option<String>,
}
