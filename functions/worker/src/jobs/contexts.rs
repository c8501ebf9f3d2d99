//! Has a model write what each passage of a new document is about, before the document is ready to be searched.
//!
//! The whole document is shown with each passage. It comes first and is marked to be kept, so that the provider reads it
//! once at its price and then, for each further passage, at a tenth of it.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use futures_util::{StreamExt, stream};
use shared::db::passages::NewPassage;
use shared::telemetry::{OrLog, milliseconds};
use uuid::Uuid;

use crate::app::Worker;
use crate::indexing::Indexed;
use crate::invocation::Deadline;
use crate::llm::{Anthropic, LlmFailure, Meter, Written};
use crate::rag::context;

/// How many calls for one document are under way at once.
const AT_ONCE: usize = 5;

/// After so many failed calls no further one is made for the document: a provider that sheds load is not to be pressed.
const MOST_FAILURES: usize = 3;

/// How long a new document waits for its contexts before it is made ready without the rest.
const BEFORE_READY: Duration = Duration::from_secs(240);

/// What has to be left of the invocation for its vectors and for storing it.
const RESERVED: Duration = Duration::from_secs(25);

/// Adds to the passages what a model writes about them, as far as time and luck go: a document without it is found like
/// any other, so no failure keeps it from being ready.
pub(super) async fn add(worker: &Worker, title: &str, text: &str, indexed: &mut Indexed, deadline: Deadline) {
    let Some(writer) = &worker.context_writer else {
        return;
    };
    let (passages, bytes) = (indexed.passages.len(), text.len());
    if context::is_too_large(passages, bytes) {
        tracing::warn!(passages, bytes, "the document is too large to have contexts written");
        return;
    }
    if passages < 2 {
        // The only passage is the document: it stands in no context.
        return;
    }
    let started = Instant::now();
    let limit = deadline
        .time_for_a_call()
        .map_or(BEFORE_READY, |left| left.saturating_sub(RESERVED).min(BEFORE_READY));
    let calls = Calls {
        writer,
        document: &context::document(title, text, Uuid::new_v4()),
        passages: &indexed.passages,
        end: started + limit,
        failures: AtomicUsize::new(0),
        meter: Meter::default(),
    };
    let contexts = gathered(calls.all().await);
    let usage = calls.meter.total();
    tracing::info!(
        ms = milliseconds(started.elapsed()),
        model = writer.model(),
        passages,
        contexts = contexts.len(),
        input_tokens = usage.input_tokens,
        output_tokens = usage.output_tokens,
        cache_read_tokens = usage.cache_read_tokens,
        cache_write_tokens = usage.cache_write_tokens,
        cost_micro_usd = usage.cost_micro_usd,
        "contexts written"
    );
    for (passage, context) in contexts {
        indexed.add_context(passage, context);
    }
}

/// How a call for a passage ended.
type Reply = (usize, Result<Written, LlmFailure>);

/// The calls for one document.
struct Calls<'a> {
    writer: &'a Anthropic,
    document: &'a context::Shown,
    passages: &'a [NewPassage],
    end: Instant,
    failures: AtomicUsize,
    meter: Meter,
}

impl Calls<'_> {
    /// One after the other until one succeeds, for only then the provider has kept the document; the others a few at a
    /// time.
    async fn all(&self) -> Vec<Reply> {
        let mut replies = Vec::new();
        while replies.iter().all(|(_, written): &Reply| written.is_err())
            && let Some(reply) = self.one(replies.len()).await
        {
            replies.push(reply);
        }
        let others: Vec<_> = (replies.len()..self.passages.len()).map(|at| self.one(at)).collect();
        let others: Vec<Option<Reply>> = stream::iter(others).buffer_unordered(AT_ONCE).collect().await;
        replies.extend(others.into_iter().flatten());
        replies
    }

    /// `None` if there is no such passage, or no call is to be made any more.
    async fn one(&self, at: usize) -> Option<Reply> {
        let passage = self.passages.get(at)?;
        let left = self.end.checked_duration_since(Instant::now())?;
        if self.failures.load(Ordering::Relaxed) >= MOST_FAILURES {
            return None;
        }
        let task = context::task(self.document, &passage.heading, &passage.text);
        let written = self.writer.perform(&task, Some(left), &self.meter).await;
        if written.is_err() {
            self.failures.fetch_add(1, Ordering::Relaxed);
        }
        Some((at, written))
    }
}

/// The contexts with the places of their passages.
fn gathered(replies: Vec<Reply>) -> Vec<(usize, String)> {
    let mut contexts = Vec::new();
    for (at, written) in replies {
        let context = written
            .or_log("have a passage's context written")
            .and_then(|written| context::parse(&written.text));
        contexts.extend(context.map(|context| (at, context)));
    }
    contexts
}
