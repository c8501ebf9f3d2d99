//! The whole way of a question, from HTTP through the queue to the answer.

use serde_json::json;

use crate::support::Docent;

/// A text with one sentence that answers the question.
pub const LEASES: &str =
    "# Leases\n\nA worker holds a lease of thirty seconds on its job.\n\n# Backups\n\nBackups run at night.\n";
pub const QUESTION: &str = "How long is the lease of a worker?";

#[tokio::test]
async fn a_question_is_answered_with_citations_and_the_second_time_from_the_cache() {
    let docent = Docent::start().await;
    let ada = docent.user("ada").await;
    let document = docent.upload(&ada, "Operations", LEASES).await;

    let accepted = docent.ask(&ada, QUESTION).await;
    let location = accepted.header("location").to_owned();
    assert_eq!(accepted.header("retry-after"), "1");
    let job = docent.finish(&ada, accepted).await;

    assert_eq!(location, format!("/api/ask/{}", job["jobId"].as_str().unwrap()));
    assert_eq!(job["status"], "completed", "{job}");
    assert_eq!((&job["grounded"], &job["source"]), (&json!("full"), &json!("llm")));
    let citation = &job["citations"][0];
    assert_eq!(
        (&citation["documentId"], &citation["title"]),
        (&json!(document), &json!("Operations"))
    );
    let (start, end) = (
        citation["start"].as_u64().unwrap() as usize,
        citation["end"].as_u64().unwrap() as usize,
    );
    let quoted: String = LEASES.chars().skip(start).take(end - start).collect();
    assert_eq!(citation["quote"], quoted, "offsets point at the quote in the document");

    let again = docent
        .ask(&ada, "  how long is THE lease of a   worker? ")
        .await
        .expect(200);
    assert_eq!(
        (&again["answer"], &again["citations"]),
        (&job["answer"], &job["citations"])
    );
    assert_eq!(again["source"], "cache");
    assert_eq!(docent.llm.calls(), 1);
}

#[tokio::test]
async fn usage_and_cost_are_stored_with_the_job() {
    let docent = Docent::start().await;
    let ada = docent.user("ada").await;
    docent.upload(&ada, "Operations", LEASES).await;
    let job = docent.ask_and_finish(&ada, QUESTION).await;
    // 1000 tokens in at 3 USD and 100 out at 15 USD per million.
    assert_eq!(job["usage"]["inputTokens"], 1000);
    assert_eq!(job["usage"]["outputTokens"], 100);
    assert_eq!(job["usage"]["costMicroUsd"], 4500);
}

#[tokio::test]
async fn the_model_gets_passages_as_data_blocks_and_the_key_in_its_header() {
    let docent = Docent::start().await;
    let ada = docent.user("ada").await;
    docent.upload(&ada, "Operations", LEASES).await;
    docent.ask_and_finish(&ada, QUESTION).await;

    let (headers, request) = docent.llm.requests().remove(0);
    assert_eq!(headers["x-api-key"], "test-key");
    assert_eq!(headers["anthropic-version"], "2023-06-01");
    assert_eq!(request["stream"], true);
    let block = &request["messages"][0]["content"][0];
    assert_eq!(
        (&block["type"], &block["citations"]["enabled"]),
        (&json!("search_result"), &json!(true))
    );
    assert!(
        !request["system"].to_string().contains("thirty seconds"),
        "passages stay out of the system prompt"
    );
}

#[tokio::test]
async fn without_a_model_the_best_sentence_is_quoted() {
    let docent = Docent::with(&[("LLM_PROVIDER", "extractive"), ("ANTHROPIC_API_KEY", "")]).await;
    let ada = docent.user("ada").await;
    docent.upload(&ada, "Operations", LEASES).await;
    let job = docent.ask_and_finish(&ada, QUESTION).await;
    assert_eq!(job["model"], "extractive");
    assert!(
        job["answer"].as_str().unwrap().contains("a lease of thirty seconds"),
        "{job}"
    );
    assert_eq!(docent.llm.calls(), 0);
}

#[tokio::test]
async fn what_is_not_in_the_documents_is_said_so_without_asking_the_model() {
    let docent = Docent::start().await;
    let ada = docent.user("ada").await;
    docent.upload(&ada, "Operations", LEASES).await;
    let job = docent.ask_and_finish(&ada, "Who won the regatta?").await;
    assert_eq!(
        (&job["status"], &job["grounded"]),
        (&json!("completed"), &json!("none"))
    );
    assert_eq!(job["citations"], json!([]));
    assert_eq!(docent.llm.calls(), 0);
    assert_eq!(
        docent.ask(&ada, "Who won the regatta?").await.status,
        202,
        "such an answer is not cached"
    );
}

#[tokio::test]
async fn without_redis_questions_are_answered_all_the_same() {
    let docent = Docent::with(&[("REDIS_URL", "")]).await;
    let ada = docent.user("ada").await;
    docent.upload(&ada, "Operations", LEASES).await;
    assert_eq!(docent.ask_and_finish(&ada, QUESTION).await["status"], "completed");
    assert_eq!(docent.ask(&ada, QUESTION).await.status, 202, "there is no cache");
}

#[tokio::test]
async fn the_queue_carries_no_text_of_a_user() {
    let docent = Docent::start().await;
    let ada = docent.user("ada").await;
    let accepted = docent.ask(&ada, QUESTION).await.expect(202);
    let event = docent.queue.receive().await;
    let body: serde_json::Value = serde_json::from_str(event.records[0].body.as_deref().unwrap()).unwrap();
    assert_eq!(
        body,
        json!({"v": 1, "kind": "answer_question", "jobId": accepted["jobId"]})
    );
}
