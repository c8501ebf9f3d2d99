//! Questions: asked, and then polled, or cancelled.

pub mod cancel;
pub mod create;
pub mod poll;

use serde::Serialize;
use shared::domain::{Answer, Citation, Grounding, Usage};
use utoipa::ToSchema;

/// An answer as a client sees it, whether it comes at once or by polling.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct AnswerView {
    answer: String,
    citations: Vec<Citation>,
    grounded: Grounding,
    model: String,
    truncated: bool,
    /// `llm` or `cache`.
    #[schema(pattern = "^(llm|cache)$")]
    source: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    usage: Option<Usage>,
}

impl AnswerView {
    fn new(answer: Answer, source: String, usage: Option<Usage>) -> Self {
        Self {
            answer: answer.text,
            citations: answer.citations,
            grounded: answer.grounded,
            model: answer.model,
            truncated: answer.truncated,
            source,
            usage,
        }
    }
}
