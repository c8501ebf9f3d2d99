//! The keys of the services outside.

use serde_json::{Value, json};

use crate::journey::{LEASES, QUESTION};
use crate::support::{Docent, Parameter, Readings, ScriptedEmbeddings, Secret, User};

async fn asker(settings: &[(&str, &str)]) -> (Docent, User) {
    let docent = Docent::with(settings).await;
    let ada = docent.user("ada").await;
    docent.upload(&ada, "Operations", LEASES).await;
    (docent, ada)
}

fn keys_sent(docent: &Docent) -> Vec<String> {
    let requests = docent.llm.requests();
    let key = |(headers, _): &(axum::http::HeaderMap, Value)| headers["x-api-key"].to_str().unwrap().to_owned();
    requests.iter().map(key).collect()
}

#[tokio::test]
async fn a_job_whose_call_met_the_old_key_is_answered_by_the_new_one_and_counts_one_call() {
    let key = Secret::create("old-key").await;
    let (docent, ada) = asker(&[("ANTHROPIC_API_KEY", ""), ("ANTHROPIC_API_KEY_SECRET", &key.arn)]).await;
    key.put("new-key").await;
    docent.llm.accept_only("new-key");
    let job = docent.ask_and_finish(&ada, QUESTION).await;
    assert_eq!(job["status"], "completed", "{job}");
    assert_eq!(keys_sent(&docent), ["old-key", "new-key"]);
    assert_eq!(
        docent
            .database
            .number("SELECT llm_calls::bigint FROM jobs WHERE kind = 'answer_question'")
            .await,
        1
    );
    docent.ask_and_finish(&ada, "When do backups run?").await;
    assert_eq!(keys_sent(&docent), ["old-key", "new-key", "new-key"]);
}

#[tokio::test]
async fn a_key_that_has_no_successor_fails_the_job_as_before() {
    let key = Secret::create("old-key").await;
    let readings = Readings::counted().await;
    let (docent, ada) = asker(&[
        ("ANTHROPIC_API_KEY", ""),
        ("ANTHROPIC_API_KEY_SECRET", &key.arn),
        ("AWS_ENDPOINT_URL", &readings.endpoint),
    ])
    .await;
    docent.llm.accept_only("new-key");
    readings.take();
    let mut replies = Vec::new();
    for number in 0..5 {
        replies.push(docent.ask(&ada, &format!("{QUESTION} {number}")).await);
    }
    for reply in replies {
        let job = docent.finish(&ada, reply).await;
        assert_eq!(
            (&job["status"], &job["code"]),
            (&json!("failed"), &json!("llm_configuration")),
            "{job}"
        );
    }
    assert_eq!(keys_sent(&docent), ["old-key"; 5]);
    assert_eq!(readings.take(), 1);
}

#[tokio::test]
async fn the_service_of_the_vectors_gets_the_new_key() {
    let embeddings = ScriptedEmbeddings::start().await;
    let key = Parameter::create("old-key").await;
    let docent = Docent::with(&[
        ("EMBEDDINGS_URL", &embeddings.url),
        ("EMBEDDINGS_MODEL", "topics-1"),
        ("EMBEDDINGS_API_KEY_PARAMETER", &key.name),
    ])
    .await;
    let ada = docent.user("ada").await;
    embeddings.accept_only("new-key");
    key.put("new-key").await;
    docent.upload(&ada, "Operations", LEASES).await;
    assert!(docent.database.number("SELECT count(*) FROM passage_vectors").await > 0);
    assert_eq!(embeddings.refused(), 1);
}
