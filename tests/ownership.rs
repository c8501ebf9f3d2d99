//! Nobody sees what is not theirs: what is foreign and what does not exist cannot be told apart.

use serde_json::json;
use uuid::Uuid;

use crate::journey::{LEASES, QUESTION};
use crate::support::Docent;

#[tokio::test]
async fn a_question_in_a_foreign_chat_writes_nothing() {
    let docent = Docent::start().await;
    let (ada, eve) = (docent.user("ada").await, docent.user("eve").await);
    docent.upload(&ada, "Operations", LEASES).await;
    docent.upload(&eve, "Operations", LEASES).await;
    let chat = docent.ask_and_finish(&ada, QUESTION).await["chatId"].clone();
    let rows = "SELECT (SELECT count(*) FROM jobs) + (SELECT count(*) FROM messages) + (SELECT count(*) FROM chats)";
    let before = docent.database.number(rows).await;
    let asked = json!({"query": QUESTION, "chatId": chat});
    docent.post(&eve, "/api/ask", asked.clone()).await.expect(404);
    assert_eq!(docent.database.number(rows).await, before, "a miss");
    // The same with an answer in the cache that Eve may see.
    docent.ask_and_finish(&eve, QUESTION).await;
    let before = docent.database.number(rows).await;
    docent.post(&eve, "/api/ask", asked).await.expect(404);
    assert_eq!(docent.database.number(rows).await, before, "a hit");
}

#[tokio::test]
async fn a_foreign_collection_cannot_be_searched() {
    let docent = Docent::start().await;
    let (ada, eve) = (docent.user("ada").await, docent.user("eve").await);
    docent.upload(&ada, "Operations", LEASES).await;
    let named = |ids: serde_json::Value| json!({"query": QUESTION, "collections": ids});
    docent.post(&eve, "/api/ask", named(json!([ada.id]))).await.expect(404);
    docent
        .post(&eve, "/api/ask", named(json!([Uuid::now_v7()])))
        .await
        .expect(404);
    docent.post(&eve, "/api/ask", named(json!([]))).await.expect(422);
    let own = docent.post(&eve, "/api/ask", named(json!([eve.id]))).await;
    assert_eq!(docent.finish(&eve, own).await["grounded"], "none");
}

#[tokio::test]
async fn lists_show_only_what_is_ones_own() {
    let docent = Docent::start().await;
    let (ada, eve) = (docent.user("ada").await, docent.user("eve").await);
    docent.upload(&ada, "Operations", LEASES).await;
    docent.ask(&ada, QUESTION).await.expect(202);
    assert_eq!(
        docent.get(&eve, "/api/documents").await.expect(200)["documents"],
        json!([])
    );
    assert_eq!(docent.get(&eve, "/api/chats").await.expect(200)["chats"], json!([]));
    assert_eq!(
        docent.get(&ada, "/api/documents").await.expect(200)["documents"]
            .as_array()
            .unwrap()
            .len(),
        1
    );
}
