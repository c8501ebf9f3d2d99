//! What the function is invoked with, and what it does then.

use std::pin::Pin;
use std::time::Instant;

use aws_lambda_events::event::sqs::SqsEvent;
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::Value;
use shared::db::DbError;
use shared::telemetry::{Service, chain, measures, milliseconds};
use tracing::Level;

use crate::app::Janitor;
use crate::redrive::{self, Order};
use crate::{dead_letters, sweep};

/// An event, told by its form.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
enum Trigger {
    /// The schedule: `{"sweep": {}}`.
    Sweep {},
    /// Messages of the dead-letter queue, as SQS hands them over.
    #[serde(rename = "Records")]
    DeadLetters(IgnoredAny),
    /// An operator: `{"redrive": {"code": "llm_configuration", "since": "2h", "dryRun": true}}`.
    Redrive(Order),
}

/// Why an invocation failed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The event is none of those that the function knows.
    #[error("the event is not understood: {0}")]
    NotUnderstood(serde_json::Error),
    /// The database could not be asked. What was done before stays done; the next sweep does the rest.
    #[error("{}", chain(.0))]
    Database(#[from] DbError),
}

/// Does what the event is for; returns what Lambda hands back to the caller. A sweep and a batch of dead letters have one
/// line in the log each. `request_id` is the invocation's.
///
/// # Errors
/// [`Error`].
pub async fn handle(janitor: &Janitor, event: Value, request_id: &str) -> Result<Value, Error> {
    let trigger = Trigger::deserialize(&event).map_err(Error::NotUnderstood)?;
    let outcome = match trigger {
        Trigger::Sweep {} => {
            let swept = lined("sweep", request_id, Box::pin(sweep::on_schedule(janitor))).await;
            swept.map(|counts| serde_json::json!(counts))
        }
        Trigger::DeadLetters(_) => {
            let event = SqsEvent::deserialize(&event).map_err(Error::NotUnderstood)?;
            let buried = async { Ok(dead_letters::bury(janitor, event).await) };
            let buried = lined("dead letters", request_id, Box::pin(buried)).await;
            buried.map(|response| serde_json::json!(response))
        }
        Trigger::Redrive(order) => redrive::run(janitor, &order)
            .await
            .map(|report| serde_json::json!(report)),
    };
    outcome.map_err(|error| {
        tracing::error!(error = chain(&error), "the janitor could not do its work");
        Error::Database(error)
    })
}

/// What is to be done is of no named type, for the compiler: futures within futures within futures have a limit.
type Work<'a, T> = Pin<Box<dyn Future<Output = Result<T, DbError>> + Send + 'a>>;

async fn lined<T>(message: &'static str, request_id: &str, work: Work<'_, T>) -> Result<T, DbError> {
    let started = Instant::now();
    let work = async {
        measures::note("request_id", request_id.to_owned());
        measures::note("outcome", "done");
        let done = work.await;
        if let Err(error) = &done {
            measures::note("outcome", "failed");
            measures::level(Level::ERROR);
            measures::note("error", chain(error));
        }
        measures::note("ms", milliseconds(started.elapsed()));
        done
    };
    measures::of(Service::Janitor, message, work).await
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn events_are_told_apart_by_their_form() {
        let read = |event: Value| Trigger::deserialize(&event);
        assert!(matches!(read(json!({"sweep": {}})), Ok(Trigger::Sweep {})));
        assert!(matches!(
            read(json!({"Records": [{"body": "x"}]})),
            Ok(Trigger::DeadLetters(_))
        ));
        assert!(matches!(read(json!({"redrive": {}})), Ok(Trigger::Redrive(_))));
        for event in [
            json!({}),
            json!({"redrive": {"since": "yesterday"}}),
            json!({"redrive": {"Code": "x"}}),
        ] {
            assert!(read(event.clone()).is_err(), "{event}");
        }
    }
}
