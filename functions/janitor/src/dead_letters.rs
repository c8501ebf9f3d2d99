//! The dead-letter queue's messages: the jobs they name fail, so that their askers learn of it. The rows are what a
//! redrive works from; the messages are not needed any more.

use aws_lambda_events::event::sqs::{BatchItemFailure, SqsBatchResponse, SqsEvent, SqsMessage};
use shared::db::DbError;
use shared::db::jobs::{self, DeadLetter};
use shared::job_message::JobMessage;
use shared::telemetry::trace::{Origin, TRACEPARENT, TRACESTATE, Trace, TraceId};
use shared::telemetry::{Metric, chain, measures};

use crate::app::Janitor;
use crate::sending::send_all;

/// Buries every message; returns the ids of those that have to come again because the database could not be asked.
pub async fn bury(janitor: &Janitor, event: SqsEvent) -> SqsBatchResponse {
    let mut response = SqsBatchResponse::default();
    measures::note("letters", event.records.len());
    for record in event.records {
        let id = record.message_id.clone().unwrap_or_default();
        let origin = origin_of(&record);
        let trace = origin.trace.id();
        let buried = origin.during(bury_one(janitor, &record, trace)).await;
        if buried.is_ok() {
            measures::count(Metric::DeadLetters);
        }
        if let Err(error) = buried {
            tracing::error!(message_id = id, trace_id = %trace, error = chain(&error), "could not bury a dead letter");
            // SQS takes an empty id for the failure of the whole batch.
            if !id.is_empty() {
                let mut failure = BatchItemFailure::default();
                failure.item_identifier = id;
                response.batch_item_failures.push(failure);
            }
        }
    }
    response
}

/// The message's own trace, which is that of the request it was sent for.
fn origin_of(record: &SqsMessage) -> Origin {
    let segment = Origin::current().and_then(|invocation| invocation.segment);
    let attribute = |name| record.message_attributes.get(name)?.string_value.as_deref();
    match Trace::caused_by(attribute(TRACEPARENT), attribute(TRACESTATE)) {
        Some(trace) => Origin { trace, segment },
        None => Origin::of_invocation(segment),
    }
}

async fn bury_one(janitor: &Janitor, record: &SqsMessage, trace: TraceId) -> Result<(), DbError> {
    let message_id = record.message_id.as_deref().unwrap_or_default();
    let message = match JobMessage::from_body(record.body.as_deref().unwrap_or_default()) {
        Ok(message) => message,
        Err(error) => {
            tracing::error!(outcome = "malformed", message_id, trace_id = %trace, error = %error, "dead letter");
            return Ok(());
        }
    };
    let mut db = janitor.db.session().await?;
    let buried = jobs::bury(&mut db, message.job_id).await?;
    drop(db);
    let outcome = match buried {
        DeadLetter::Failed { .. } => "failed",
        DeadLetter::Held => "held",
        DeadLetter::NothingToDo => "nothing_to_do",
    };
    let (job_id, kind) = (message.job_id, message.kind.as_str());
    tracing::error!(outcome, message_id, trace_id = %trace, %job_id, kind, "dead letter");
    if let DeadLetter::Failed { jobs, heir } = buried {
        measures::add_all(Metric::JobsFailed, jobs);
        send_all(janitor, heir.into_iter().collect()).await;
    }
    Ok(())
}
