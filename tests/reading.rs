//! HTML pages and PDFs: sent as they are, read by the worker, found and cited with their page.

use axum::body::Body;
use axum::http::Request;
use serde_json::{Value, json};

use crate::support::{Docent, HttpReply, User, text, wait_for};

const PDF: &[u8] = include_bytes!("../samples/reading-html-and-pdf.pdf");
const HTML: &[u8] = include_bytes!("../samples/limits.html");
/// Four of its words stand on the third page of the PDF and nowhere else.
const QUESTION: &str = "On which page does a quotation from a PDF stand?";

async fn send(docent: &Docent, user: &User, query: &str, content_type: &str, bytes: &[u8]) -> HttpReply {
    let request = Request::post(format!("/api/documents{query}"))
        .header("authorization", format!("Bearer {}", user.token))
        .header("content-type", content_type)
        .body(Body::from(bytes.to_vec()))
        .unwrap();
    docent.send(request).await
}

/// Works until the accepted document is not queued any more.
async fn ended(docent: &Docent, user: &User, accepted: HttpReply) -> Value {
    let path = accepted.header("location").to_owned();
    assert_eq!(accepted.expect(202)["document"]["status"], "queued");
    wait_for("the document to be read", || async {
        docent.queue.work_once(&docent.worker).await;
        let document = docent.get(user, &path).await.expect(200)["document"].clone();
        (document["status"] != "queued").then_some(document)
    })
    .await
}

async fn body(docent: &Docent) -> String {
    docent.database.text("SELECT body FROM documents").await
}

#[tokio::test]
async fn a_pdf_is_read_and_cited_with_the_page() {
    let docent = Docent::with(&[("LLM_PROVIDER", "extractive")]).await;
    let ada = docent.user("ada").await;
    let query = "?title=Reading%20HTML%20%26%20PDF&sourceUrl=https%3A%2F%2Fexample.com%2Fa.pdf";
    let accepted = send(&docent, &ada, query, "application/pdf", PDF).await;
    let document = ended(&docent, &ada, accepted).await;
    assert_eq!(
        (
            &document["status"],
            &document["title"],
            &document["mediaType"],
            &document["sourceUrl"]
        ),
        (
            &json!("ready"),
            &json!("Reading HTML & PDF"),
            &json!("application/pdf"),
            &json!("https://example.com/a.pdf")
        ),
        "{document}"
    );
    let answer = docent.ask_and_finish(&ada, QUESTION).await;
    let citation = &answer["citations"][0];
    assert_eq!(citation["page"], 3, "{answer}");
    let (start, end) = (citation["start"].as_u64().unwrap(), citation["end"].as_u64().unwrap());
    let slice: String = body(&docent)
        .await
        .chars()
        .take(end as usize)
        .skip(start as usize)
        .collect();
    assert_eq!(citation["quote"], slice);
    let kept = "SELECT count(*) FROM documents WHERE original IS NOT NULL";
    assert_eq!(
        docent.database.number(kept).await,
        0,
        "the text has taken the place of the file"
    );
}

#[tokio::test]
async fn a_page_of_the_web_is_read_with_its_headings_and_has_no_pages() {
    let docent = Docent::with(&[("LLM_PROVIDER", "extractive")]).await;
    let ada = docent.user("ada").await;
    let accepted = send(&docent, &ada, "?title=Limits", "text/html; charset=utf-8", HTML).await;
    assert_eq!(ended(&docent, &ada, accepted).await["status"], "ready");
    let body = body(&docent).await;
    assert!(
        body.starts_with("# Limits at a glance\n\n") && body.contains("| HTML | as it is |"),
        "{body}"
    );
    assert!(!body.contains("Operations") && !body.contains("margin"), "{body}");
    let answer = docent
        .ask_and_finish(&ada, "After how many minutes is a job given up?")
        .await;
    assert_eq!(answer["citations"][0].get("page"), None, "{answer}");
    assert!(
        text(&answer["citations"][0]["quote"]).contains("15 minutes"),
        "{answer}"
    );
}

#[tokio::test]
async fn a_page_goes_with_a_cached_answer_and_with_a_message() {
    let docent = Docent::start().await;
    let ada = docent.user("ada").await;
    let accepted = send(&docent, &ada, "?title=Pages", "application/pdf", PDF).await;
    ended(&docent, &ada, accepted).await;
    let answer = docent.ask_and_finish(&ada, QUESTION).await;
    assert_eq!(answer["citations"][0]["page"], 3, "{answer}");
    let again = docent.ask(&ada, QUESTION).await.expect(200);
    assert_eq!(
        (&again["source"], &again["citations"]),
        (&json!("cache"), &answer["citations"])
    );
    let messages = format!("/api/chats/{}/messages", text(&answer["chatId"]));
    let messages = docent.get(&ada, &messages).await.expect(200);
    assert!(messages.to_string().contains("\"page\":3"), "{messages}");
}

#[tokio::test]
async fn encodings_are_honoured() {
    let docent = Docent::start().await;
    let ada = docent.user("ada").await;
    let page = b"<h1>Gr\xf6\xdfe und Ma\xdf</h1>";
    let accepted = send(&docent, &ada, "?title=T", "text/html; charset=ISO-8859-1", page).await;
    assert_eq!(ended(&docent, &ada, accepted).await["status"], "ready");
    assert_eq!(body(&docent).await, "# Größe und Maß");
}

#[tokio::test]
async fn what_cannot_be_read_fails_with_its_reason_and_can_be_tried_as_something_else() {
    let docent = Docent::start().await;
    let ada = docent.user("ada").await;
    let no_words = b"<nav>Menu</nav>";
    let deep = "<div>".repeat(50_000);
    let long = "word ".repeat(600_000);
    let rows: [(&str, &[u8], &str); 5] = [
        ("text/html", PDF, "document_unreadable"),
        ("application/pdf", &PDF[..9000], "document_unreadable"),
        ("text/html", no_words, "document_empty"),
        ("text/html", deep.as_bytes(), "document_too_complex"),
        ("text/html", long.as_bytes(), "document_too_long"),
    ];
    for (content_type, bytes, code) in rows {
        let accepted = send(&docent, &ada, "?title=T", content_type, bytes).await;
        let document = ended(&docent, &ada, accepted).await;
        assert_eq!(
            (&document["status"], &document["code"]),
            (&json!("failed"), &json!(code))
        );
        assert!(
            text(&document["error"]).len() > 20 && document["passages"] == 0,
            "{document}"
        );
    }
    // It was no page of the web, but it is a PDF.
    let again = send(&docent, &ada, "?title=T", "application/pdf", PDF).await;
    let document = ended(&docent, &ada, again).await;
    assert_eq!(
        (&document["status"], &document["mediaType"]),
        (&json!("ready"), &json!("application/pdf")),
        "{document}"
    );
}

#[tokio::test]
async fn the_same_file_again_is_the_document_that_is_there() {
    let docent = Docent::start().await;
    let ada = docent.user("ada").await;
    let first = send(&docent, &ada, "?title=One", "application/pdf", PDF).await;
    let first = ended(&docent, &ada, first).await;
    let again = send(&docent, &ada, "?title=Two", "application/pdf", PDF)
        .await
        .expect(200);
    assert_eq!(
        (&again["document"]["id"], &again["document"]["title"]),
        (&first["id"], &json!("One"))
    );
}

#[tokio::test]
async fn what_cannot_be_read_at_all_is_refused_at_the_door() {
    let docent = Docent::start().await;
    let ada = docent.user("ada").await;
    let large = vec![b' '; 4 * 1024 * 1024 + 1];
    let title = "?title=T";
    let rows: [(&str, &str, &[u8], u16, &str); 12] = [
        ("", "application/pdf", PDF, 422, "title"),
        ("?title=", "application/pdf", PDF, 422, "title"),
        ("?title=a%00b", "text/html", HTML, 422, "title"),
        ("?title=T&title=U", "text/html", HTML, 422, "query"),
        ("?title=T&sourceUrl=javascript:x", "text/html", HTML, 422, "sourceUrl"),
        ("?title=T&collectionId=x", "text/html", HTML, 422, "collectionId"),
        (title, "text/html; charset=klingon", HTML, 422, "charset"),
        (title, "application/pdf", b"", 422, "body"),
        (title, "application/pdf", &large, 413, ""),
        (title, "text/plain", b"text", 415, ""),
        (title, "application/xhtml+xml", HTML, 415, ""),
        (title, "image/png", b"\x89PNG", 415, ""),
    ];
    for (query, content_type, bytes, status, field) in rows {
        let reply = send(&docent, &ada, query, content_type, bytes).await.expect(status);
        assert!(
            field.is_empty() || reply["details"][field].is_array(),
            "{query} {content_type}: {reply}"
        );
    }
    let all_at_once = send(&docent, &ada, "?sourceUrl=x", "text/html; charset=x", b"")
        .await
        .expect(422);
    let named: Vec<&String> = all_at_once["details"].as_object().unwrap().keys().collect();
    assert_eq!(named, ["body", "charset", "sourceUrl", "title"]);
    assert_eq!(docent.database.number("SELECT count(*) FROM documents").await, 0);
}

#[tokio::test]
async fn a_file_of_four_mebibytes_is_accepted() {
    let docent = Docent::start().await;
    let ada = docent.user("ada").await;
    let mut page = b"<p>Short.</p><!--".to_vec();
    page.resize(4 * 1024 * 1024 - 3, b'x');
    page.extend_from_slice(b"-->");
    let accepted = send(&docent, &ada, "?title=T", "text/html", &page).await;
    assert_eq!(ended(&docent, &ada, accepted).await["status"], "ready");
    assert_eq!(body(&docent).await, "Short.");
}
