//! The bodies of the Messages API, as far as they are used. <https://platform.claude.com/docs/en/api/messages>

use serde::{Deserialize, Serialize};
use serde_json::Value;
use shared::domain::{QuestionText, Usage};

use crate::rag::prompt::{self, Handout, Reference};

/// The body of `POST /v1/messages`.
#[derive(Debug, Serialize)]
pub(super) struct Request<'a> {
    model: &'a str,
    max_tokens: u64,
    stream: bool,
    system: &'a str,
    messages: [Message<'a>; 1],
}

#[derive(Debug, Serialize)]
struct Message<'a> {
    role: &'a str,
    content: Vec<Content<'a>>,
}

#[derive(Debug, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum Content<'a> {
    SearchResult {
        source: &'a str,
        title: &'a str,
        content: Vec<Text<'a>>,
        citations: Citations,
    },
    Text {
        text: String,
    },
}

#[derive(Debug, Serialize)]
struct Text<'a> {
    r#type: &'a str,
    text: &'a str,
}

#[derive(Debug, Serialize)]
struct Citations {
    enabled: bool,
}

impl<'a> Request<'a> {
    /// The passages first, each a search result of its own, then the question.
    pub(super) fn new(model: &'a str, max_tokens: u64, question: &QuestionText, handout: &'a Handout) -> Self {
        let results = handout.sources.iter().map(|source| Content::SearchResult {
            source: &source.address,
            title: &source.title,
            content: source
                .blocks
                .iter()
                .map(|block| Text {
                    r#type: "text",
                    text: &block.text,
                })
                .collect(),
            citations: Citations { enabled: true },
        });
        let question = Content::Text {
            text: prompt::question(question),
        };
        let content = results.chain([question]).collect();
        Self {
            model,
            max_tokens,
            stream: true,
            system: prompt::SYSTEM,
            messages: [Message { role: "user", content }],
        }
    }
}

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

impl TokenCounts {
    pub(super) fn update(&self, usage: &mut Usage) {
        usage.input_tokens = self.input_tokens.unwrap_or(usage.input_tokens);
        usage.output_tokens = self.output_tokens.unwrap_or(usage.output_tokens);
        usage.cache_read_tokens = self.cache_read_input_tokens.unwrap_or(usage.cache_read_tokens);
        usage.cache_write_tokens = self.cache_creation_input_tokens.unwrap_or(usage.cache_write_tokens);
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
