//! Has a model put the best passages in order, if it does so in time.

use std::time::{Duration, Instant};

use shared::domain::{Passage, QuestionText, Usage};
use shared::telemetry::{OrLog, milliseconds};
use uuid::Uuid;

use crate::llm::{Anthropic, Meter};
use crate::rag::rerank;

/// How long an order is waited for. Whoever asked waits for it too, and then for the answer.
const LIMIT: Duration = Duration::from_secs(10);

/// The passages in the order of the model; the meter is told what that cost. A model that fails, is late or replies something else is no
/// reason not to answer: the passages stay as they are. It gets at most half of the time left, for the answer has to be
/// written in the rest.
pub(crate) async fn rerank(
    model: &Anthropic,
    question: &QuestionText,
    passages: Vec<Passage>,
    (time_left, meter): (Option<Duration>, &Meter),
) -> Vec<Passage> {
    if passages.len() < 2 {
        return passages;
    }
    let started = Instant::now();
    let limit = time_left.map_or(LIMIT, |left| LIMIT.min(left / 2));
    let task = rerank::task(question, &passages, Uuid::new_v4());
    let written = model.perform(&task, Some(limit), meter).await;
    let usage = written
        .as_ref()
        .map_or_else(|_| Usage::default(), |written| written.usage);
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
    match order {
        Some(order) => rerank::in_order(passages, &order),
        None => passages,
    }
}
