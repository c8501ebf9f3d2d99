//! Has a model put the best passages in order, if it does so in time.

use std::time::{Duration, Instant};

use shared::domain::{Passage, QuestionText, Usage};
use shared::telemetry::{OrLog, milliseconds};

use crate::llm::Anthropic;
use crate::rag::rerank;

/// How long an order is waited for. Whoever asked waits for it too, and then for the answer.
const LIMIT: Duration = Duration::from_secs(10);

/// The passages in the order of the model, and what that cost. A model that fails, is late or replies something else is no
/// reason not to answer: the passages stay as they are. It gets at most half of the time left, for the answer has to be
/// written in the rest.
pub(crate) async fn rerank(
    model: &Anthropic,
    question: &QuestionText,
    passages: Vec<Passage>,
    time_left: Option<Duration>,
) -> (Vec<Passage>, Usage) {
    if passages.len() < 2 {
        return (passages, Usage::default());
    }
    let started = Instant::now();
    let limit = time_left.map_or(LIMIT, |left| LIMIT.min(left / 2));
    let written = model.perform(&rerank::task(question, &passages), Some(limit)).await;
    let usage = match &written {
        Ok(written) => written.usage,
        Err(failure) => failure.usage,
    };
    let order = written
        .or_log("have passages put in order")
        .and_then(|written| rerank::order(&written.text, passages.len()));
    tracing::info!(
        ms = milliseconds(started.elapsed()),
        model = model.model(),
        input_tokens = usage.input_tokens,
        output_tokens = usage.output_tokens,
        cost_micro_usd = usage.cost_micro_usd,
        in_order = order.is_some(),
        "passages put in order"
    );
    let passages = match order {
        Some(order) => rerank::in_order(passages, &order),
        None => passages,
    };
    (passages, usage)
}
