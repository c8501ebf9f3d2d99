//! Chats hold every turn, in order, once.

use axum::http::Method;
use serde_json::{Value, json};

use crate::journey::{LEASES, QUESTION};
use crate::support::{Docent, text};

fn roles(messages: &Value) -> Vec<&str> {
    messages["messages"]
        .as_array()
        .unwrap()
        .iter()
        .map(|message| message["role"].as_str().unwrap())
        .collect()
}

#[tokio::test]
async fn a_chat_holds_question_and_answer_newest_first() {
    let docent = Docent::start().await;
    let ada = docent.user("ada").await;
    docent.upload(&ada, "Operations", LEASES).await;
    let job = docent.ask_and_finish(&ada, QUESTION).await;
    let path = format!("/api/chats/{}/messages", text(&job["chatId"]));
    let messages = docent.get(&ada, &path).await.expect(200);
    assert_eq!(roles(&messages), ["assistant", "user"]);
    assert_eq!(messages["messages"][0]["content"], job["answer"]);
    assert_eq!(messages["messages"][0]["citations"], job["citations"]);
    assert_eq!(messages["messages"][1]["content"], QUESTION);
}

#[tokio::test]
async fn a_cache_hit_in_a_chat_is_recorded_before_it_is_answered() {
    let docent = Docent::start().await;
    let ada = docent.user("ada").await;
    docent.upload(&ada, "Operations", LEASES).await;
    let job = docent.ask_and_finish(&ada, QUESTION).await;
    let chat = text(&job["chatId"]);
    let hit = docent
        .post(&ada, "/api/ask", json!({"query": QUESTION, "chatId": chat}))
        .await
        .expect(200);
    assert_eq!(hit["chatId"], chat);
    let messages = docent
        .get(&ada, &format!("/api/chats/{chat}/messages"))
        .await
        .expect(200);
    assert_eq!(roles(&messages), ["assistant", "user", "assistant", "user"]);
    assert_eq!(messages["messages"][0]["jobId"], Value::Null);
}

#[tokio::test]
async fn a_second_question_goes_on_in_its_chat() {
    let docent = Docent::start().await;
    let ada = docent.user("ada").await;
    docent.upload(&ada, "Operations", LEASES).await;
    let first = docent.ask_and_finish(&ada, QUESTION).await;
    let body = json!({"query": "When do backups run?", "chatId": first["chatId"]});
    let accepted = docent.post(&ada, "/api/ask", body).await;
    let second = docent.finish(&ada, accepted).await;
    assert_eq!(second["chatId"], first["chatId"]);
    let chats = docent.get(&ada, "/api/chats").await.expect(200);
    assert_eq!(chats["chats"].as_array().unwrap().len(), 1);
    assert_eq!(chats["chats"][0]["title"], QUESTION);
}

#[tokio::test]
async fn pages_follow_each_other_without_gap_or_repetition() {
    let docent = Docent::start().await;
    let ada = docent.user("ada").await;
    for number in 0..5 {
        docent.ask(&ada, &format!("question {number}")).await.expect(202);
    }
    let mut seen = Vec::new();
    let mut path = "/api/chats?limit=2".to_owned();
    loop {
        let page = docent.get(&ada, &path).await.expect(200);
        seen.extend(
            page["chats"]
                .as_array()
                .unwrap()
                .iter()
                .map(|chat| text(&chat["title"])),
        );
        match page["nextCursor"].as_str() {
            Some(cursor) => path = format!("/api/chats?limit=2&cursor={cursor}"),
            None => break,
        }
    }
    assert_eq!(
        seen,
        ["question 4", "question 3", "question 2", "question 1", "question 0"]
    );
}

#[tokio::test]
async fn a_deleted_chat_takes_its_messages_and_jobs_along() {
    let docent = Docent::start().await;
    let ada = docent.user("ada").await;
    docent.upload(&ada, "Operations", LEASES).await;
    let job = docent.ask_and_finish(&ada, QUESTION).await;
    let chat = format!("/api/chats/{}", text(&job["chatId"]));
    docent.delete(&ada, &chat).await.expect(204);
    docent.delete(&ada, &chat).await.expect(404);
    docent.get(&ada, &format!("{chat}/messages")).await.expect(404);
    docent
        .get(&ada, &format!("/api/ask/{}", text(&job["jobId"])))
        .await
        .expect(404);
    assert_eq!(docent.database.number("SELECT count(*) FROM messages").await, 0);
}

#[tokio::test]
async fn a_question_whose_chat_is_deleted_meanwhile_is_let_go() {
    let docent = Docent::start().await;
    let ada = docent.user("ada").await;
    let accepted = docent.ask(&ada, QUESTION).await.expect(202);
    let chat = format!("/api/chats/{}", text(&accepted["chatId"]));
    docent.call(Method::DELETE, &chat, &ada.token, None).await.expect(204);
    docent.queue.work_once(&docent.worker).await;
    assert_eq!(docent.queue.len().await, 0, "its message is acknowledged");
}
