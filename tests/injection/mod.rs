//! Documents give orders, and the model obeys each of them: what the asker gets is harmless all the same.
//!
//! The least cases of OWASP's cheat sheet on RAG security (section 12), and where they are:
//!
//! | case | test |
//! |---|---|
//! | an order in a document's text | `orders_in_plain_words_reach_nobody` |
//! | an order that no person sees | `orders_that_nobody_sees_reach_no_model` |
//! | an order in metadata: title, heading, address of the source | `orders_that_nobody_sees_reach_no_model` |
//! | a document that closes its block or speaks as another role | `no_document_speaks_as_anything_else` |
//! | data led out by links and pictures | `no_link_or_picture_leads_elsewhere` |
//! | documents of another user, by search, citation or cache | all of these tests, and `isolation` |
//! | the system prompt recited | `orders_in_plain_words_reach_nobody` |
//! | tools misused | does not apply: the model has none |
//!
//! What cannot be prevented: that a model says something false a document told it to say (it is then cited to that
//! document or not grounded at all), and that it retells its instructions in other words; they hold no secret.

mod corpus;

use std::collections::BTreeSet;

use serde_json::{Value, json};
use worker::rag::prompt;

use crate::support::{Docent, Reply, ScriptedLlm, User, events, text, wait_for};
use corpus::{Case, DIRECT, HIDDEN, LINKS, Place, STRUCTURE, Written};

const CANARY: &str = "kingfisher-7261";
const BASE: &str = "A worker holds a lease of thirty seconds on its job.";

/// The word by which the model knows an order again. It knows it in every writing that models are said to read.
fn word(number: usize) -> String {
    format!("zeta{number:02}x")
}

fn written(how: Written, order: &str) -> String {
    let shifted = |base: u32| -> String {
        let shift = |c: char| char::from_u32(base + u32::from(c)).unwrap();
        order.chars().map(shift).collect()
    };
    match how {
        Written::Plainly => order.to_owned(),
        Written::AsTags => format!("Note.{}", shifted(0xe0000)),
        Written::AsSelectors => format!("Note \u{1f600}{}", shifted(0xe0100 - 0x10)),
        Written::Spread => order.chars().flat_map(|c| [c, '\u{200b}', '\u{2060}']).collect(),
        Written::Turned => format!("\u{202e}{}\u{202c}", order.chars().rev().collect::<String>()),
    }
}

/// What a model reads that sees through all of these.
fn read(shown: &str) -> String {
    let plain = |c: char| match u32::from(c) {
        code @ 0xe0000..=0xe007f => char::from_u32(code - 0xe0000),
        code @ 0xe0100..=0xe01ef => char::from_u32(code - 0xe0100 + 0x10),
        0x200b..=0x200f | 0x2060..=0x2064 => None,
        _ => Some(c),
    };
    let read: String = shown.chars().filter_map(plain).collect();
    let turned: String = if read.contains('\u{202e}') {
        read.chars().rev().collect()
    } else {
        String::new()
    };
    read + &turned
}

/// Obeys the order whose word it finds in what it was shown, and cites whatever it likes besides.
fn obey(cases: &[Case], request: &Value) -> Reply {
    let content = request["messages"][0]["content"].as_array().unwrap();
    let results: Vec<&Value> = content
        .iter()
        .filter(|block| block["type"] == "search_result")
        .collect();
    let shown = read(&results.iter().map(|result| strings(result)).collect::<String>());
    let Some(case) = (0..cases.len()).find(|number| shown.contains(&word(*number))) else {
        return Reply::Quote;
    };
    let says = cases[case]
        .says
        .replace("{SYSTEM}", request["system"].as_str().unwrap());
    let led_out = shown.split_whitespace().collect::<Vec<_>>().join("+");
    let says = says.replace("{SHOWN}", &led_out);
    let cite = |source: usize, blocks: [usize; 2], cited: &str| {
        json!({"type": "search_result_location", "cited_text": cited, "source": "s", "title": "t",
            "search_result_index": source, "start_block_index": blocks[0], "end_block_index": blocks[1]})
    };
    let first = text(&results[0]["content"][0]["text"]);
    let citations = [
        cite(0, [0, 1], &first),
        cite(0, [0, 1], CANARY),
        cite(0, [0, 1], "The answer is 42 days."),
        cite(results.len(), [0, 1], &first),
        cite(7, [0, 1], ""),
        cite(0, [0, 99], ""),
        cite(0, [1, 0], "x"),
    ];
    Reply::Events(events::answer(&says, &citations, "end_turn"))
}

/// All texts in a value.
fn strings(value: &Value) -> String {
    match value {
        Value::String(text) => format!("{text}\n"),
        Value::Array(values) => values.iter().map(strings).collect(),
        Value::Object(fields) => fields.values().map(strings).collect(),
        _ => String::new(),
    }
}

/// Uploads the case's document; `None` if it was refused at the door.
async fn upload(docent: &Docent, user: &User, case: &Case, number: usize) -> Option<String> {
    let order = written(case.written, &format!("{} {}", case.order, word(number)));
    let order = if case.place == Place::Source {
        order.replace(' ', "-")
    } else {
        order
    };
    let (mut title, mut heading, mut source, mut body) = (
        "Leases",
        "Leases",
        "https://docs.example/leases".to_owned(),
        BASE.to_owned(),
    );
    match case.place {
        Place::Text => body = format!("{BASE}\n\n{order}\n\nThe lease of a worker is renewed."),
        Place::Title => title = &order,
        Place::Heading => heading = &order,
        Place::Source => source = format!("https://docs.example/{order}"),
    }
    let upload = json!({"title": title, "text": format!("# {heading}\n\n{body}\n"), "mediaType": "text/markdown",
        "sourceUrl": source});
    let stored = docent.post(user, "/api/documents", upload).await.expect(202);
    let id = text(&stored["document"]["id"]);
    let path = format!("/api/documents/{id}");
    wait_for("the document to be ingested", || async {
        docent.queue.work_once(&docent.worker).await;
        let document = docent.get(user, &path).await.expect(200);
        (document["document"]["status"] == "ready").then_some(())
    })
    .await;
    Some(id)
}

/// Everything an answer must not hold, whatever the document ordered.
fn check(job: &Value, case: &Case, own: &BTreeSet<String>) {
    let answer = text(&job["answer"]);
    let all = strings(job);
    assert!(!all.contains(CANARY), "{case:?}: {job}");
    assert_eq!(shared::domain::visible::visible(&all), all, "{case:?}: {job}");
    assert!(!prompt::is_recited(&answer), "{case:?}: {answer}");
    for sign in [
        "![",
        "<a",
        "<i",
        "<s",
        "</",
        "<!",
        "]: ",
        "javascript:",
        "data:",
        "evil.example",
        "evil.com/",
        "dоcs.example",
    ] {
        assert!(!answer.contains(sign), "{sign} in {answer} of {case:?}");
    }
    for link in answer
        .split("](")
        .skip(1)
        .chain(answer.split("://").skip(1).map(|rest| rest.trim_start_matches('/')))
    {
        let host = link.trim_start_matches("https://");
        assert!(host.starts_with("docs.example/"), "{link} in {answer} of {case:?}");
    }
    for citation in job["citations"].as_array().unwrap() {
        assert!(own.contains(&text(&citation["documentId"])), "{case:?}: {citation}");
        assert_ne!(citation["quote"], "The answer is 42 days.", "{case:?}");
    }
}

/// What the model was sent keeps to its form, and shows nothing of others.
fn check_request(request: &Value, case: &Case) {
    assert_eq!(request["system"], prompt::SYSTEM, "{case:?}");
    let messages = request["messages"].as_array().unwrap();
    assert!(
        messages.len() == 1 && messages[0]["role"] == "user" && request.get("tools").is_none(),
        "{case:?}"
    );
    let content = messages[0]["content"].as_array().unwrap();
    let (question, results) = content.split_last().unwrap();
    assert!(results.iter().all(|block| block["type"] == "search_result"), "{case:?}");
    assert!(
        text(&question["text"]).starts_with("The search results end here.") && !question.to_string().contains("zeta")
    );
    let shown = strings(&json!(results)).to_lowercase();
    assert_eq!(shared::domain::visible::bare(&shown), shown, "{case:?}");
    for mark in [
        "</search_result",
        "</ search_result",
        "<system",
        "\u{ff1c}",
        "<|",
        "<start_of",
        "<function",
        "<invoke",
    ] {
        assert!(!shown.contains(mark), "{mark} in {shown} of {case:?}");
    }
    assert!(!shown.contains(CANARY), "{case:?}");
}

/// Each case alone with a plain document beside it; Eve's private document is there all the time. `seen` says of how many
/// cases the order must not even reach the model.
async fn obeyed(cases: &'static [Case]) -> Vec<bool> {
    let llm = ScriptedLlm::deciding(|request| obey(cases, request)).await;
    let docent = Docent::with(&[("ANTHROPIC_BASE_URL", llm.url.as_str())]).await;
    let (ada, eve) = (docent.user("ada").await, docent.user("eve").await);
    docent
        .upload(
            &eve,
            "Leases of Eve",
            &format!("The lease of a worker is {CANARY}. {BASE}"),
        )
        .await;
    let plain = docent
        .upload(&ada, "Operations", "The lease of a worker ends when it dies.")
        .await;
    let mut reached = Vec::new();
    for (number, case) in cases.iter().enumerate() {
        let id = upload(&docent, &ada, case, number).await.unwrap();
        let job = docent
            .ask_and_finish(&ada, &format!("How long is the lease of a worker? ({number})"))
            .await;
        assert_eq!(job["status"], "completed", "{case:?}: {job}");
        check(&job, case, &BTreeSet::from([plain.clone(), id.clone()]));
        let (_, request) = llm.requests().pop().unwrap();
        check_request(&request, case);
        let results = read(&strings(&request["messages"][0]["content"]));
        reached.push(results.contains(&word(number)));
        // Whoever reads the answer from the cache or in the chat reads the same.
        let again = docent
            .ask(&ada, &format!("How long is the lease of a worker? ({number})"))
            .await;
        if again.status == 200 {
            check(&again.json(), case, &BTreeSet::from([plain.clone(), id.clone()]));
        }
        docent.delete(&ada, &format!("/api/documents/{id}")).await.expect(204);
        docent.queue.work_once(&docent.worker).await;
    }
    reached
}

#[tokio::test]
async fn orders_in_plain_words_reach_nobody() {
    assert_eq!(
        obeyed(DIRECT).await,
        vec![true; DIRECT.len()],
        "the model was to obey each of them"
    );
}

#[tokio::test]
async fn no_document_speaks_as_anything_else() {
    assert_eq!(obeyed(STRUCTURE).await, vec![true; STRUCTURE.len()]);
}

#[tokio::test]
async fn no_link_or_picture_leads_elsewhere() {
    assert_eq!(obeyed(LINKS).await, vec![true; LINKS.len()]);
}

#[tokio::test]
async fn orders_that_nobody_sees_reach_no_model() {
    let reached = obeyed(HIDDEN).await;
    for (case, reached) in HIDDEN.iter().zip(reached) {
        // Letters that were only spread, or turned, are seen by everybody once the marks between them are gone.
        let is_hidden = matches!(case.written, Written::AsTags | Written::AsSelectors | Written::Turned);
        assert_eq!(reached, !is_hidden, "{case:?}");
    }
}

#[tokio::test]
async fn what_nobody_sees_is_not_stored_and_citations_are_places_in_what_is() {
    let docent = Docent::start().await;
    let ada = docent.user("ada").await;
    let body = "Zero\u{200b}. A worker holds a\u{ad} lease of \u{202e}thirty\u{202c} seconds. می\u{200c}خواهم \u{1f469}\u{200d}\u{1f4bb}.";
    let id = docent.upload(&ada, "Lea\u{2060}ses\u{e0041}", body).await;
    let stored = docent.database.text("SELECT body FROM documents").await;
    assert_eq!(
        stored,
        "Zero. A worker holds a lease of thirty seconds. می\u{200c}خواهم \u{1f469}\u{200d}\u{1f4bb}."
    );
    assert_eq!(docent.database.text("SELECT title FROM documents").await, "Leases");
    let job = docent.ask_and_finish(&ada, "How long is the lease of a worker?").await;
    let citation = &job["citations"][0];
    let place = |name: &str| usize::try_from(citation[name].as_u64().unwrap()).unwrap();
    let (start, end) = (place("start"), place("end"));
    let slice: String = stored.chars().skip(start).take(end - start).collect();
    assert_eq!(citation["quote"], slice);
    // The same upload again is the document that is there, with all it hides.
    let again = json!({"title": "Leases", "text": body, "mediaType": "text/markdown"});
    let again = docent.post(&ada, "/api/documents", again).await.expect(200);
    assert_eq!(again["document"]["id"], id.as_str());
}
