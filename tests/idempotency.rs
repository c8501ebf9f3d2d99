//! `Idempotency-Key`: what is repeated is done once.

use axum::body::Body;
use axum::http::{Method, Request};
use futures_util::future::join_all;
use serde_json::{Value, json};

use crate::delivery::prepared;
use crate::journey::QUESTION;
use crate::support::{Docent, HttpReply, User, text};

fn keyed(user: &User, path: &str, key: &str, body: &str) -> Request<Body> {
    Request::builder()
        .method(Method::POST)
        .uri(path)
        .header("authorization", format!("Bearer {}", user.token))
        .header("content-type", "application/json")
        .header("idempotency-key", key)
        .body(Body::from(body.to_owned()))
        .unwrap()
}

async fn ask(docent: &Docent, user: &User, key: &str, body: &Value) -> HttpReply {
    docent.send(keyed(user, "/api/ask", key, &body.to_string())).await
}

#[tokio::test]
async fn twenty_of_one_key_at_once_are_one_job() {
    let (docent, ada) = prepared(&[]).await;
    let body = json!({"query": QUESTION});
    // The sandbox has one connection for all of them, so they come in parts.
    let mut jobs = Vec::new();
    for _ in 0..4 {
        let replies = join_all((0..5).map(|_| ask(&docent, &ada, "\"one\"", &body))).await;
        jobs.extend(replies.into_iter().map(|reply| text(&reply.expect(202)["jobId"])));
    }
    assert_eq!(jobs.len(), 20);
    assert!(jobs.iter().all(|job| *job == jobs[0]), "{jobs:?}");
    let counts = "SELECT count(*) FROM jobs WHERE kind = 'answer_question'";
    assert_eq!((docent.database.number(counts).await, docent.queue.len().await), (1, 1));
    assert_eq!(docent.database.number("SELECT count(*) FROM chats").await, 1);
}

#[tokio::test]
async fn sandboxes_that_take_a_key_at_once_make_one_job() {
    let (docent, ada) = prepared(&[]).await;
    let body = json!({"query": QUESTION});
    let routers = join_all((0..20).map(|_| docent.another_sandbox())).await;
    let replies = join_all(
        routers
            .iter()
            .map(|router| crate::support::send(router, keyed(&ada, "/api/ask", "one", &body.to_string()))),
    )
    .await;
    let jobs: Vec<_> = replies
        .into_iter()
        .map(|reply| text(&reply.expect(202)["jobId"]))
        .collect();
    assert!(jobs.iter().all(|job| *job == jobs[0]), "{jobs:?}");
    let counts = "SELECT count(*) FROM jobs WHERE kind = 'answer_question'";
    assert_eq!(docent.database.number(counts).await, 1);
}

#[tokio::test]
async fn a_repetition_after_the_answer_is_still_the_same_job() {
    let (docent, ada) = prepared(&[]).await;
    let body = json!({"query": QUESTION});
    let first = ask(&docent, &ada, "k", &body).await;
    let job = docent.finish(&ada, first).await;
    let again = ask(&docent, &ada, "k", &body).await.expect(202);
    assert_eq!(
        (&again["jobId"], &again["chatId"], &again["status"]),
        (&job["jobId"], &job["chatId"], &json!("completed"))
    );
    assert_eq!(docent.llm.calls(), 1);
    // The order of fields, quotes around the key and white space are the same request.
    let spelled = format!("{{ \"collections\" : null, \"query\": \"{QUESTION}\" }}");
    let again = docent
        .send(keyed(&ada, "/api/ask", "\"k\"", &spelled))
        .await
        .expect(202);
    assert_eq!(again["jobId"], job["jobId"]);
}

#[tokio::test]
async fn a_key_belongs_to_one_body_one_user_and_one_route() {
    let (docent, ada) = prepared(&[]).await;
    let job = ask(&docent, &ada, "k", &json!({"query": QUESTION})).await.expect(202)["jobId"].clone();
    let other = ask(&docent, &ada, "k", &json!({"query": "Something else?"}))
        .await
        .expect(422);
    assert_eq!(other["code"], "idempotency_key_reused");
    let bob = docent.user("bob").await;
    let of_bob = ask(&docent, &bob, "k", &json!({"query": QUESTION})).await.expect(202)["jobId"].clone();
    assert_ne!(of_bob, job);
    let upload = json!({"title": "t", "text": "A text.", "mediaType": "text/plain"}).to_string();
    docent
        .send(keyed(&ada, "/api/documents", "k", &upload))
        .await
        .expect(202);
}

#[tokio::test]
async fn a_key_that_led_to_nothing_is_free_again() {
    let (docent, ada) = prepared(&[]).await;
    let body = json!({"query": QUESTION, "chatId": uuid::Uuid::now_v7()});
    ask(&docent, &ada, "k", &body).await.expect(404);
    ask(&docent, &ada, "k", &json!({"query": QUESTION})).await.expect(202);
}

#[tokio::test]
async fn a_key_is_forgotten_after_a_day() {
    let (docent, ada) = prepared(&[]).await;
    let job = ask(&docent, &ada, "k", &json!({"query": QUESTION})).await.expect(202)["jobId"].clone();
    docent
        .database
        .execute("UPDATE idempotency_keys SET expires_at = expires_at - interval '1 day'")
        .await;
    let again = ask(&docent, &ada, "k", &json!({"query": "Something else?"}))
        .await
        .expect(202);
    assert_ne!(again["jobId"], job);
    docent
        .database
        .execute("UPDATE idempotency_keys SET expires_at = expires_at - interval '1 day'")
        .await;
    assert_eq!(janitor::sweep::run(&docent.janitor).await.unwrap().keys_purged, 1);
}

#[tokio::test]
async fn an_upload_is_repeated_like_a_question() {
    let (docent, ada) = prepared(&[]).await;
    let body = |title: &str| json!({"title": title, "text": "A text.", "mediaType": "text/plain"}).to_string();
    let first = docent
        .send(keyed(&ada, "/api/documents", "k", &body("t")))
        .await
        .expect(202);
    let again = docent
        .send(keyed(&ada, "/api/documents", "k", &body("t")))
        .await
        .expect(200);
    assert_eq!(again["document"]["id"], first["document"]["id"]);
    docent
        .send(keyed(&ada, "/api/documents", "k", &body("another")))
        .await
        .expect(422);
}

#[tokio::test]
async fn a_key_that_cannot_be_one_is_refused() {
    let (docent, ada) = prepared(&[]).await;
    for key in ["", "two words", &"k".repeat(256)] {
        let refused = ask(&docent, &ada, key, &json!({"query": QUESTION})).await.expect(400);
        assert_eq!(refused["code"], "invalid_idempotency_key", "{key:?}");
    }
}
