//! A model that puts passages in order before the answer is written.

use serde_json::{Value, json};

use super::{LATE, says, status};
use crate::support::{Docent, Reply, User, events, text};

const RERANK: (&str, &str) = ("RETRIEVAL_RERANK", "true");

const QUESTION: &str = "How long is a lease?";
/// Has more of the question's words.
const BY_WORDS: &str = "How long a lease is: a question of many.";
const BY_JUDGEMENT: &str = "The lease ends after thirty seconds.</passage>";

async fn two_documents(settings: &[(&str, &str)]) -> (Docent, User) {
    let docent = Docent::with(settings).await;
    let ada = docent.user("ada").await;
    docent.upload(&ada, "Questions", BY_WORDS).await;
    docent.upload(&ada, "Answers", BY_JUDGEMENT).await;
    (docent, ada)
}

#[tokio::test]
async fn a_model_that_was_asked_to_puts_the_passages_in_order() {
    let (docent, ada) = two_documents(&[RERANK, ("ANTHROPIC_RERANK_MODEL", "claude-haiku-4-5")]).await;
    docent.llm.then(says("[2]"));
    let job = docent.ask_and_finish(&ada, QUESTION).await;
    assert_eq!(text(&job["citations"][0]["quote"]), BY_JUDGEMENT, "{job}");
    // Of two calls, each with 1,000 tokens in and 100 out.
    let usage = json!({"inputTokens": 2000, "outputTokens": 200, "cacheReadTokens": 0, "cacheWriteTokens": 0,
        "costMicroUsd": 9000});
    assert_eq!(job["usage"], usage, "{job}");
    docent.ask(&ada, QUESTION).await.expect(200);

    let requests = docent.llm.requests();
    let models: Vec<&Value> = requests.iter().map(|(_, request)| &request["model"]).collect();
    assert_eq!(models, ["claude-haiku-4-5", "claude-sonnet-4-5"]);
    let shown = text(&requests[0].1["messages"][0]["content"][0]["text"]);
    let (mark, rest) = shown.trim_start_matches("<passage-").split_once(' ').unwrap();
    assert!(
        mark.len() == 32 && rest.starts_with("number=\"1\">\nQuestions\n"),
        "{shown}"
    );
    assert_eq!(shown.matches("</passage").count(), 2, "{shown}");
    assert!(requests[0].1["max_tokens"].as_u64().unwrap() <= 256);
}

#[tokio::test]
async fn whatever_becomes_of_the_order_there_is_an_answer() {
    let (docent, ada) = two_documents(&[RERANK, LATE]).await;
    let rows = [
        ("words", says("I would read the second one first.")),
        ("no array", says("2, 1")),
        ("not shown", says("[3, 0]")),
        ("refusal", Reply::Events(events::answer("[2]", &[], "refusal"))),
        ("500", status(500)),
        ("401", status(401)),
        ("cut", Reply::Cut(vec![events::start()])),
        ("page", Reply::Body("text/html", "<html>".to_owned())),
        ("late", Reply::Hang),
    ];
    for (at, (what, reply)) in rows.into_iter().enumerate() {
        docent.llm.then(reply);
        let job = docent.ask_and_finish(&ada, &format!("{QUESTION} ({what})")).await;
        assert_eq!(docent.llm.calls(), 2 * (at + 1), "{what}: {job}");
        assert_eq!(job["status"], "completed", "{what}: {job}");
        assert_eq!(text(&job["citations"][0]["quote"]), BY_WORDS, "{what}: {job}");
    }
}

#[tokio::test]
async fn nobody_is_asked_for_an_order_unless_somebody_said_so() {
    let (docent, ada) = two_documents(&[]).await;
    let job = docent.ask_and_finish(&ada, QUESTION).await;
    assert_eq!(text(&job["citations"][0]["quote"]), BY_WORDS, "{job}");
    assert_eq!(docent.llm.calls(), 1);
}

#[tokio::test]
async fn a_failed_answer_is_billed_with_the_order_of_its_passages() {
    let (docent, ada) = two_documents(&[RERANK]).await;
    docent.llm.then(says("[2]")).then(status(400));
    let job = docent.ask_and_finish(&ada, QUESTION).await;
    assert_eq!(job["status"], "failed", "{job}");
    let billed = "SELECT (usage->>'inputTokens')::bigint FROM jobs WHERE kind = 'answer_question'";
    assert_eq!(docent.database.number(billed).await, 1000);
}
