//! Documents: accepted, ingested, listed, deleted, refused.

use axum::body::Body;
use axum::http::Request;
use serde_json::{Value, json};

use crate::journey::{LEASES, QUESTION};
use crate::support::{Docent, HttpReply, User, text};

const SHARED: &str = "00000000-0000-7000-8000-000000000001";

fn body(text: &str) -> Value {
    json!({"title": "Operations", "text": text, "mediaType": "text/plain"})
}

async fn raw(docent: &Docent, user: &User, bytes: impl Into<Vec<u8>>) -> HttpReply {
    let request = Request::post("/api/documents")
        .header("authorization", format!("Bearer {}", user.token))
        .header("content-type", "application/json")
        .body(Body::from(bytes.into()))
        .unwrap();
    docent.send(request).await
}

#[tokio::test]
async fn a_document_is_accepted_and_then_ready() {
    let docent = Docent::start().await;
    let ada = docent.user("ada").await;
    let source =
        json!({"title": "T", "text": LEASES, "mediaType": "text/markdown", "sourceUrl": "https://example.com/a"});
    let reply = docent.post(&ada, "/api/documents", source).await;
    let path = reply.header("location").to_owned();
    assert_eq!(reply.expect(202)["document"]["status"], "queued");
    docent.queue.work_once(&docent.worker).await;
    let document = docent.get(&ada, &path).await.expect(200)["document"].clone();
    assert_eq!(
        (&document["status"], &document["sourceUrl"]),
        (&json!("ready"), &json!("https://example.com/a"))
    );
    let stored = docent.database.number("SELECT count(*) FROM passages").await;
    assert!(stored > 0 && document["passages"] == stored, "{document}");
    let cited = docent.ask_and_finish(&ada, QUESTION).await;
    assert_eq!(cited["citations"][0]["sourceUrl"], "https://example.com/a");
}

#[tokio::test]
async fn the_same_text_again_does_not_wait_for_the_end_of_its_ingestion() {
    let docent = Docent::start().await;
    let ada = docent.user("ada").await;
    let first = docent.post(&ada, "/api/documents", body(LEASES)).await.expect(202);
    // What the transaction that stores passages holds until it ends.
    let ingestion = docent.database.client().await;
    let lock = "BEGIN; UPDATE documents SET status = 'ready'";
    ingestion.batch_execute(lock).await.unwrap();
    let second = docent.post(&ada, "/api/documents", body(LEASES)).await.expect(200);
    assert_eq!(second["document"], first["document"]);
    ingestion.batch_execute("COMMIT").await.unwrap();
}

#[tokio::test]
async fn the_same_text_again_is_the_document_that_is_there() {
    let docent = Docent::start().await;
    let ada = docent.user("ada").await;
    let first = docent.post(&ada, "/api/documents", body(LEASES)).await.expect(202);
    let second = docent.post(&ada, "/api/documents", body(LEASES)).await.expect(200);
    assert_eq!(first["document"]["id"], second["document"]["id"]);
    let eve = docent.user("eve").await;
    let of_eve = docent.post(&eve, "/api/documents", body(LEASES)).await.expect(202);
    assert_ne!(
        of_eve["document"]["id"], first["document"]["id"],
        "another collection, another document"
    );
}

#[tokio::test]
async fn the_same_text_twenty_times_at_once_is_one_document() {
    let docent = Docent::start().await;
    let ada = docent.user("ada").await;
    let uploads = (0..20).map(|_| docent.post(&ada, "/api/documents", body(LEASES)));
    let replies = futures_util::future::join_all(uploads).await;
    let accepted = replies.iter().filter(|reply| reply.status == 202).count();
    assert_eq!(
        (accepted, docent.database.number("SELECT count(*) FROM jobs").await),
        (1, 1)
    );
    assert!(
        replies.iter().all(|reply| reply.status == 202 || reply.status == 200),
        "{replies:?}"
    );
}

#[tokio::test]
async fn a_text_that_failed_is_tried_again_when_it_is_uploaded_again() {
    let docent = Docent::start().await;
    let ada = docent.user("ada").await;
    let first = docent.post(&ada, "/api/documents", body(LEASES)).await.expect(202);
    docent
        .database
        .execute("UPDATE documents SET status = 'failed', error_code = 'internal'")
        .await;
    let path = format!("/api/documents/{}", text(&first["document"]["id"]));
    assert_eq!(
        docent.get(&ada, &path).await.expect(200)["document"]["code"],
        "internal"
    );
    let again = docent.post(&ada, "/api/documents", body(LEASES)).await.expect(202);
    assert_eq!(again["document"]["id"], first["document"]["id"]);
}

#[tokio::test]
async fn what_cannot_be_ingested_is_refused_at_the_door() {
    let docent = Docent::start().await;
    let ada = docent.user("ada").await;
    let rows: [(Vec<u8>, u16, &str); 7] = [
        (body("").to_string().into_bytes(), 422, "text"),
        (body(" \n\t ").to_string().into_bytes(), 422, "text"),
        (body("a\0b").to_string().into_bytes(), 422, "text"),
        (body(&"x".repeat(1024 * 1024 + 1)).to_string().into_bytes(), 413, ""),
        (body(&"x".repeat(5 * 1024 * 1024)).to_string().into_bytes(), 413, ""),
        (
            b"{\"title\":\"T\",\"text\":\"\xff\xfe\",\"mediaType\":\"text/plain\"}".to_vec(),
            400,
            "",
        ),
        (
            br#"{"title":"T","text":"a","mediaType":"application/pdf"}"#.to_vec(),
            422,
            "mediaType",
        ),
    ];
    for (bytes, status, field) in rows {
        let reply = raw(&docent, &ada, bytes).await.expect(status);
        assert!(
            field.is_empty() || reply["details"][field].is_array(),
            "{field}: {reply}"
        );
    }
    assert_eq!(docent.database.number("SELECT count(*) FROM documents").await, 0);
}

#[tokio::test]
async fn a_text_of_exactly_one_mebibyte_is_ingested() {
    let docent = Docent::start().await;
    let ada = docent.user("ada").await;
    let sentence = "The quick brown fox jumps over the lazy dog again. ";
    let text: String = sentence.chars().cycle().take(1024 * 1024).collect();
    docent.upload(&ada, "Long", &text).await;
    let covered = docent
        .database
        .number("SELECT max(end_character)::int8 FROM passages")
        .await;
    assert!(covered >= 1024 * 1024 - 2, "{covered}");
}

#[tokio::test]
async fn only_an_admin_writes_the_shared_collection_and_everybody_reads_it() {
    let docent = Docent::start().await;
    let (ada, bob) = (docent.user("ada").await, docent.user("bob").await);
    let mut new = body(LEASES);
    new["collectionId"] = json!(SHARED);
    docent.post(&bob, "/api/documents", new.clone()).await.expect(404);
    docent
        .database
        .execute("UPDATE users SET role = 'admin' WHERE email = 'ada@example.com'")
        .await;
    let stored = docent.post(&ada, "/api/documents", new).await.expect(202);
    let path = format!("/api/documents/{}", text(&stored["document"]["id"]));
    docent.queue.work_once(&docent.worker).await;
    docent.get(&bob, &path).await.expect(200);
    assert_eq!(docent.ask_and_finish(&bob, QUESTION).await["grounded"], "full");
    docent.delete(&bob, &path).await.expect(404);
    docent.delete(&ada, &path).await.expect(204);
}

#[tokio::test]
async fn a_document_deleted_before_it_was_ingested_is_let_go() {
    let docent = Docent::start().await;
    let ada = docent.user("ada").await;
    let stored = docent.post(&ada, "/api/documents", body(LEASES)).await.expect(202);
    docent
        .delete(&ada, &format!("/api/documents/{}", text(&stored["document"]["id"])))
        .await
        .expect(204);
    docent.queue.work_once(&docent.worker).await;
    assert_eq!(docent.queue.len().await, 0);
    assert_eq!(docent.database.number("SELECT count(*) FROM passages").await, 0);
}

#[tokio::test]
async fn a_document_whose_job_was_never_done_is_failed_and_can_be_uploaded_again() {
    let docent = Docent::start().await;
    let ada = docent.user("ada").await;
    let first = docent.post(&ada, "/api/documents", body(LEASES)).await.expect(202);
    let path = format!("/api/documents/{}", text(&first["document"]["id"]));
    let long_ago = "UPDATE jobs SET expires_at = now() - interval '1 second';
        UPDATE documents SET created_at = now() - interval '1 hour'";
    docent.database.execute(long_ago).await;
    let document = docent.get(&ada, &path).await.expect(200)["document"].clone();
    assert_eq!(
        (&document["status"], &document["code"]),
        (&json!("failed"), &json!("document_expired")),
        "{document}"
    );
    docent.post(&ada, "/api/documents", body(LEASES)).await.expect(202);
    docent.queue.work_once(&docent.worker).await;
    assert_eq!(docent.get(&ada, &path).await.expect(200)["document"]["status"], "ready");
}

#[tokio::test]
async fn an_admin_can_try_the_failed_document_of_another_admin_again() {
    let docent = Docent::start().await;
    let (ada, bob) = (docent.user("ada").await, docent.user("bob").await);
    docent.database.execute("UPDATE users SET role = 'admin'").await;
    let mut new = body(LEASES);
    new["collectionId"] = json!(SHARED);
    docent.post(&ada, "/api/documents", new.clone()).await.expect(202);
    docent
        .database
        .execute("DELETE FROM jobs; UPDATE documents SET status = 'failed', error_code = 'internal'")
        .await;
    let again = docent.post(&bob, "/api/documents", new).await.expect(202);
    docent.queue.work_once(&docent.worker).await;
    let path = format!("/api/documents/{}", text(&again["document"]["id"]));
    assert_eq!(docent.get(&bob, &path).await.expect(200)["document"]["status"], "ready");
}
