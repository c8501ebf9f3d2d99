//! The dead-letter queue's messages: the jobs they name fail, so that their askers learn of it. The rows are what a
//! redrive works from; the messages are not needed any more.

use aws_lambda_events::event::sqs::{BatchItemFailure, SqsBatchResponse, SqsEvent, SqsMessage};
use shared::db::DbError;
use shared::db::jobs::{self, DeadLetter};
use shared::job_message::JobMessage;
use shared::telemetry::chain;

use crate::app::Janitor;
use crate::sending::send_all;

/// Buries every message; returns the ids of those that have to come again because the database could not be asked.
pub async fn bury(janitor: &Janitor, event: SqsEvent) -> SqsBatchResponse {
    let mut response = SqsBatchResponse::default();
    for record in event.records {
        let id = record.message_id.clone().unwrap_or_default();
        if let Err(error) = bury_one(janitor, &record).await {
            tracing::error!(message_id = id, error = chain(&error), "could not bury a dead letter");
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

async fn bury_one(janitor: &Janitor, record: &SqsMessage) -> Result<(), DbError> {
    let message_id = record.message_id.as_deref().unwrap_or_default();
    let message = match JobMessage::from_body(record.body.as_deref().unwrap_or_default()) {
        Ok(message) => message,
        Err(error) => {
            tracing::error!(outcome = "malformed", message_id, error = %error, "dead letter");
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
    tracing::error!(outcome, message_id, job_id = %message.job_id, kind = message.kind.as_str(), "dead letter");
    if let DeadLetter::Failed { heir: Some(heir) } = buried {
        send_all(janitor, vec![JobMessage::to_answer(heir)]).await;
    }
    Ok(())
}
