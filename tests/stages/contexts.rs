//! A model that writes what each passage of a new document is about.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use shared::job_message::Envelope;
use tokio::sync::Semaphore;

use super::{LATE, says, status};
use crate::support::{Docent, Reply, ScriptedEmbeddings, User, text, wait_for};

const CONTEXTS: (&str, &str) = ("CONTEXTUAL_HEADERS", "true");

/// Three sections, each a passage of its own, that never name their subject.
fn report() -> String {
    let section = |name: &str| format!("## {name}\n\n{name} it is. {}\n\n", "It went on like that. ".repeat(35));
    ["First", "Second", "Third"].map(section).concat()
}

/// Knows what the second section is about.
fn context_of(request: &Value) -> String {
    let own = text(&request["messages"][0]["content"][1]["text"]);
    if own.contains("Second it is.") {
        "On the\u{200b} zebras\nof 2023, a kind of motor.\0".to_owned()
    } else {
        "On nothing.".to_owned()
    }
}

async fn reader(settings: &[(&str, &str)]) -> (Docent, User) {
    let docent = Docent::with(settings).await;
    let ada = docent.user("ada").await;
    for _ in 0..3 {
        docent.llm.then(Reply::Says(context_of));
    }
    (docent, ada)
}

#[tokio::test]
async fn a_passage_is_found_by_what_was_written_about_it_and_quoted_as_it_stands() {
    let (docent, ada) = reader(&[CONTEXTS, ("ANTHROPIC_CONTEXT_MODEL", "claude-haiku-4-5")]).await;
    docent.upload(&ada, "Report", &report()).await;
    assert_eq!(docent.llm.calls(), 3);
    let job = docent.ask_and_finish(&ada, "What of zebras?").await;
    let quote = text(&job["citations"][0]["quote"]);
    assert_eq!(quote, "## Second", "{job}");
    let client = docent.database.client().await;
    let stored = "SELECT context FROM passages WHERE body LIKE '%Second it is.%'";
    let stored: String = client.query_one(stored, &[]).await.unwrap().get(0);
    assert_eq!(stored, "On the zebras of 2023, a kind of motor.");

    let requests: Vec<Value> = docent.llm.requests().into_iter().map(|(_, request)| request).collect();
    let (contexts, answer) = requests.split_at(3);
    let first = &contexts[0]["messages"][0]["content"][0];
    assert_eq!(first["cache_control"], json!({"type": "ephemeral"}));
    assert!(text(&first["text"]).contains(report().trim()), "{first}");
    for request in contexts {
        let content = request["messages"][0]["content"].as_array().unwrap();
        assert_eq!(
            (content.len(), &content[0]),
            (2, first),
            "the same bytes for each passage"
        );
        assert_eq!(
            (&request["system"], &request["model"]),
            (&contexts[0]["system"], &json!("claude-haiku-4-5"))
        );
        assert_eq!(content[1].get("cache_control"), None);
    }
    let shown = answer[0]["messages"][0]["content"].as_array().unwrap();
    let passages: Vec<&Value> = shown.iter().filter(|block| block["type"] == "search_result").collect();
    assert!(
        !passages.is_empty() && !json!(passages).to_string().contains("zebra"),
        "{shown:?}"
    );
}

#[tokio::test]
async fn the_first_passage_goes_alone_so_that_the_others_find_the_document_kept() {
    let docent = Docent::with(&[CONTEXTS]).await;
    let ada = docent.user("ada").await;
    let permits = Arc::new(Semaphore::new(0));
    docent.llm.then(Reply::QuoteWhenAllowed(permits.clone()));
    let release = async {
        wait_for("the first call", || async { (docent.llm.calls() == 1).then_some(()) }).await;
        for _ in 0..10 {
            tokio::time::sleep(Duration::from_millis(20)).await;
            assert_eq!(docent.llm.calls(), 1);
        }
        permits.add_permits(1);
    };
    let report = report();
    tokio::join!(docent.upload(&ada, "Report", &report), release);
    assert_eq!(docent.llm.calls(), 3);
}

#[tokio::test]
async fn a_passage_is_embedded_with_what_was_written_about_it_also_later() {
    let embeddings = ScriptedEmbeddings::start().await;
    let vectors = [
        ("EMBEDDINGS_URL", embeddings.url.as_str()),
        ("EMBEDDINGS_MODEL", "topics-1"),
    ];
    let (docent, ada) = reader(&[&vectors[..], &[CONTEXTS]].concat()).await;
    let embedded_with_context = |title: &str| {
        let beginning = format!("{title} > Second\nOn the zebras of 2023, a kind of motor.\n");
        embeddings
            .texts()
            .iter()
            .filter(|text| text.starts_with(&beginning))
            .count()
    };
    docent.upload(&ada, "Report", &report()).await;
    assert_eq!(embedded_with_context("Report"), 1, "{:?}", embeddings.texts());

    embeddings.set_down(true);
    for _ in 0..3 {
        docent.llm.then(Reply::Says(context_of));
    }
    docent.upload(&ada, "Later", &format!("{}## Fourth", report())).await;
    embeddings.set_down(false);
    docent
        .worker
        .queue
        .send(Envelope::to_embed_passages(), Duration::ZERO)
        .await
        .unwrap();
    wait_for("the vectors to follow", || async {
        docent.queue.work_once(&docent.worker).await;
        (embedded_with_context("Later") == 1).then_some(())
    })
    .await;
}

#[tokio::test]
async fn a_document_is_ready_whatever_becomes_of_its_contexts() {
    let docent = Docent::with(&[CONTEXTS, LATE]).await;
    let ada = docent.user("ada").await;
    let context = || Reply::Says(context_of);
    // How many reports are in the document, how many calls are made, and how many passages stay without a context.
    let rows = [
        ("all-fail", 2, vec![status(500), status(529), status(401)], (3, 6)),
        ("first-fails", 1, vec![status(500), context(), context()], (3, 1)),
        ("one-late", 1, vec![context(), Reply::Hang, context()], (3, 1)),
        ("one-empty", 1, vec![context(), says("\u{200b}"), context()], (3, 1)),
    ];
    for (what, reports, replies, expected) in rows {
        let before = docent.llm.calls();
        for reply in replies {
            docent.llm.then(reply);
        }
        let document = format!("{}{what}", report().repeat(reports));
        let id = docent.upload(&ada, what, &document).await;
        let missing = format!("SELECT count(*) FROM passages WHERE document_id = '{id}' AND context IS NULL");
        let missing = docent.database.number(&missing).await;
        assert_eq!((docent.llm.calls() - before, missing), expected, "{what}");
    }
}

#[tokio::test]
async fn no_model_reads_a_document_if_it_is_off_or_the_document_has_one_passage_or_too_many() {
    let long = report().repeat(70);
    for (settings, document) in [
        (&[][..], report()),
        (&[CONTEXTS], "A single passage.".to_owned()),
        (&[CONTEXTS], long),
    ] {
        let docent = Docent::with(settings).await;
        let ada = docent.user("ada").await;
        docent.upload(&ada, "Report", &document).await;
        assert_eq!(docent.llm.calls(), 0);
        assert!(docent.database.number("SELECT count(*) FROM passages").await > 0);
    }
}
