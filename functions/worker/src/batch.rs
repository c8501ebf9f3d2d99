//! A batch of messages: each is parsed, traced and caught on its own, so that none can harm its neighbours.

use std::panic::AssertUnwindSafe;
use std::time::{Duration, Instant};

use aws_lambda_events::event::sqs::{BatchItemFailure, SqsBatchResponse, SqsEvent, SqsMessage};
use futures_util::{FutureExt, StreamExt, stream};
use shared::job_message::{Envelope, JobMessage, Message};
use shared::telemetry::trace::{Origin, TRACEPARENT, TRACESTATE, Trace};
use shared::telemetry::{OrLog, Service, measures, milliseconds};
use tracing::field::{Empty, display};
use tracing::{Instrument, Level, Span};

use crate::app::Worker;
use crate::invocation::Invocation;
use crate::jobs;

/// A message that names no job cannot get better. It is put off shortly each time, so that it soon reaches the
/// dead-letter queue, where it does no harm.
const NOT_A_JOB: Duration = Duration::from_secs(1);

/// What is to become of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// Its job needs no further delivery.
    Acknowledge,
    /// It is to be delivered again after this time, however often.
    Defer(Duration),
    /// It is to be delivered again after this time, but no more often than the queue allows: something is wrong that
    /// nobody has counted, and the dead-letter queue is the end of it.
    Return(Duration),
    /// Another worker may hold its job, and has set when the message comes back should it die: that stays as it is.
    Leave,
}

/// Works through a batch, several messages at once, and returns the ids of those that are to be delivered again.
/// The ids are always some of the batch: SQS would take any other for the failure of the whole batch.
pub async fn handle(worker: &Worker, event: SqsEvent, invocation: &Invocation) -> SqsBatchResponse {
    let work = stream::iter(event.records)
        .map(|record| handle_record(worker, record, invocation))
        .buffer_unordered(worker.config.concurrency)
        .filter_map(std::future::ready)
        .collect();
    let mut again: Vec<String> = tokio::select! {
        again = work => again,
        () = worker.watch.run(&worker.db) => unreachable!("a watch does not end by itself"),
    };
    again.sort_unstable();
    let mut response = SqsBatchResponse::default();
    response.batch_item_failures = again.into_iter().map(failure).collect();
    response
}

fn failure(id: String) -> BatchItemFailure {
    let mut failure = BatchItemFailure::default();
    failure.item_identifier = id;
    failure
}

/// Returns the message's id if it is to be delivered again. Whatever becomes of it, it has one line in the log.
async fn handle_record(worker: &Worker, record: SqsMessage, invocation: &Invocation) -> Option<String> {
    let origin = Origin {
        trace: trace_of(&record),
        segment: invocation.segment.clone(),
    };
    let span = tracing::info_span!(
        "job",
        request_id = invocation.request_id,
        trace_id = %origin.trace.id(),
        message_id = record.message_id,
        job_id = Empty,
        kind = Empty
    );
    let started = Instant::now();
    let work = async {
        measures::note("request_id", invocation.request_id.clone());
        measures::note("message_id", record.message_id.clone().unwrap_or_default());
        let work = AssertUnwindSafe(process(worker, &record, invocation)).catch_unwind();
        let outcome = match work.await {
            Ok(outcome) => outcome,
            Err(panic) => after_panic(worker, &*panic),
        };
        match outcome {
            Outcome::Acknowledge => None,
            Outcome::Leave => own_id(&record),
            Outcome::Defer(delay) => put_off(worker, &record, delay).await,
            Outcome::Return(delay) => give_back(worker, &record, delay).await,
        }
    };
    // What is not done by then is left as it is: its message comes back when its lease ends.
    let work = async {
        let again = tokio::select! {
            again = work => again,
            () = invocation.deadline.time_to_end() => {
                measures::level(Level::ERROR);
                measures::note("outcome", "left");
                own_id(&record)
            }
        };
        measures::note("ms", milliseconds(started.elapsed()));
        again
    };
    let line = measures::of(Service::Worker, "job", work);
    origin.during(line.instrument(span)).await
}

/// The trace of whoever sent the message. One that was sent without, or by somebody who does not know how, begins one.
fn trace_of(record: &SqsMessage) -> Trace {
    let attribute = |name| record.message_attributes.get(name)?.string_value.as_deref();
    Trace::caused_by(attribute(TRACEPARENT), attribute(TRACESTATE)).unwrap_or_else(Trace::begin)
}

/// The lease runs on with nobody behind it: the next delivery waits until it ends.
fn after_panic(worker: &Worker, panic: &(dyn std::any::Any + Send)) -> Outcome {
    let text = panic
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    measures::level(Level::ERROR);
    measures::note("outcome", "panic");
    measures::note("error", text.unwrap_or("(no text)").to_owned());
    Outcome::Return(worker.config.lease)
}

async fn process(worker: &Worker, record: &SqsMessage, invocation: &Invocation) -> Outcome {
    match Message::from_body(record.body.as_deref().unwrap_or_default()) {
        Ok(Message::EmbedPassages) => {
            measures::note("kind", "embed_passages");
            jobs::embed::run(worker, invocation.deadline).await
        }
        Ok(Message::Job(message)) => {
            let span = Span::current();
            span.record("job_id", display(message.job_id))
                .record("kind", message.kind.as_str());
            measures::note("job_id", message.job_id.to_string());
            measures::note("kind", message.kind.as_str());
            jobs::run(worker, message, record.receipt_handle.as_deref(), invocation.deadline).await
        }
        Err(error) => {
            measures::level(Level::ERROR);
            measures::note("outcome", "malformed");
            measures::note("error", error.to_string());
            Outcome::Return(NOT_A_JOB)
        }
    }
}

/// Puts a message off. At its last delivery a message that names a job is replaced by a fresh one: how often a job is
/// tried is for the job's row to say, not for the queue's counter.
async fn put_off(worker: &Worker, record: &SqsMessage, delay: Duration) -> Option<String> {
    let group = record.attributes.get("MessageGroupId").map(String::as_str);
    if is_last_delivery(worker, record)
        && let Ok(message) = JobMessage::from_body(record.body.as_deref().unwrap_or_default())
        && worker
            .queue
            .send(Envelope::to_replace(message, group), delay)
            .await
            .or_log("send a fresh message for a job")
            .is_some()
    {
        return None;
    }
    give_back(worker, record, delay).await
}

async fn give_back(worker: &Worker, record: &SqsMessage, delay: Duration) -> Option<String> {
    if let Some(receipt) = record.receipt_handle.as_deref() {
        worker.queue.defer(receipt, delay).await.or_log("put a message off");
    }
    own_id(record)
}

/// SQS takes an empty id for the failure of the whole batch.
fn own_id(record: &SqsMessage) -> Option<String> {
    record.message_id.clone().filter(|id| !id.is_empty())
}

fn is_last_delivery(worker: &Worker, record: &SqsMessage) -> bool {
    let receives = record
        .attributes
        .get("ApproximateReceiveCount")
        .and_then(|count| count.parse::<u32>().ok());
    receives.is_some_and(|receives| receives >= worker.config.max_receives)
}
