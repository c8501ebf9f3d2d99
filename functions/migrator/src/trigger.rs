//! What the function is invoked with, and what it does then.

use serde::Deserialize;
use serde_json::{Value, json};
use shared::config::Env;

use crate::cloudformation::{self, Kind, Request};
use crate::migrate::{self, Done};

/// An operator: `{"migrate": {}}`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
enum Order {
    Migrate {},
}

/// Why an invocation failed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The event is none of those that the function knows.
    #[error("the event is not understood: {0}")]
    NotUnderstood(serde_json::Error),
    /// The database is not up to date. Only an operator is told so; CloudFormation gets an answer.
    #[error("{}", migrate::in_short(.0))]
    NotMigrated(#[from] migrate::Error),
    /// CloudFormation could not be told the outcome. Lambda tries again, which does no harm.
    #[error("{0}")]
    NotAnswered(#[from] cloudformation::AnswerError),
}

/// Does what the event is for; returns what Lambda hands back to the caller.
///
/// # Errors
/// [`Error`].
pub async fn handle(env: Env, event: Value) -> Result<Value, Error> {
    if event.get("RequestType").is_some() {
        let request = Request::deserialize(&event).map_err(Error::NotUnderstood)?;
        return answer(env, &request).await.map(|()| Value::Null);
    }
    let Order::Migrate {} = Order::deserialize(&event).map_err(Error::NotUnderstood)?;
    let Done { applied } = logged(Box::pin(migrate::run(env)).await)?;
    Ok(json!({ "applied": applied }))
}

/// The deletion of a stack asks nothing of the database, which may be gone already: it is to succeed in any case.
async fn answer(env: Env, request: &Request) -> Result<(), Error> {
    let outcome = match request.kind {
        Kind::Delete => Ok(()),
        Kind::Create | Kind::Update => logged(Box::pin(migrate::run(env)).await).map(drop),
    };
    let outcome = outcome.map_err(|error| migrate::in_short(&error));
    Ok(Box::pin(cloudformation::answer(request, outcome)).await?)
}

fn logged(outcome: Result<Done, migrate::Error>) -> Result<Done, migrate::Error> {
    match &outcome {
        Ok(done) => tracing::info!(applied = done.applied.join(" "), "migrated"),
        Err(error) => tracing::error!(error = migrate::in_short(error), "could not migrate"),
    }
    outcome
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_is_no_event_of_ours_is_refused() {
        for event in [
            json!({}),
            json!({"migrate": {}, "drop": {}}),
            json!({"Migrate": {}}),
            json!({"RequestType": "Create"}),
            json!({"RequestType": "Destroy", "ResponseURL": "http://127.0.0.1:9"}),
        ] {
            let outcome = handle(Env::new([]), event.clone()).await;
            assert!(matches!(outcome, Err(Error::NotUnderstood(_))), "{event}");
        }
    }
}
