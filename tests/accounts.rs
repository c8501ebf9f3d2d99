//! Accounts.

use axum::http::Method;
use serde_json::{Value, json};

use crate::journey::{LEASES, QUESTION};
use crate::support::{Docent, PASSWORD, text};

fn login(email: &str, password: &str) -> Option<Value> {
    Some(json!({"email": email, "password": password}))
}

#[tokio::test]
async fn an_account_can_be_made_and_signed_into() {
    let docent = Docent::start().await;
    let ada = docent.user("ada").await;
    let reply = docent
        .call(
            Method::POST,
            "/api/auth/login",
            "",
            login(" ADA@example.com ", PASSWORD),
        )
        .await
        .expect(200);
    assert_eq!(reply["user"]["id"], ada.id);
    let me = docent
        .call(Method::GET, "/api/users/me", &text(&reply["token"]), None)
        .await
        .expect(200);
    assert_eq!(
        (&me["user"]["email"], &me["user"]["role"]),
        (&json!("ada@example.com"), &json!("member"))
    );
    assert!(!me.to_string().contains("password"), "{me}");
}

#[tokio::test]
async fn an_address_makes_one_account_however_it_is_spelled() {
    let docent = Docent::start().await;
    docent.user("ada").await;
    let body = json!({"email": "Ada@Example.com", "password": PASSWORD});
    let reply = docent
        .call(Method::POST, "/api/auth/register", "", Some(body))
        .await
        .expect(409);
    assert_eq!(reply["code"], "email_taken");
}

#[tokio::test]
async fn a_wrong_password_and_an_unknown_address_read_the_same() {
    let docent = Docent::start().await;
    docent.user("ada").await;
    let mut wrong = docent
        .call(
            Method::POST,
            "/api/auth/login",
            "",
            login("ada@example.com", "not her password"),
        )
        .await
        .expect(401);
    let mut unknown = docent
        .call(Method::POST, "/api/auth/login", "", login("eve@example.com", PASSWORD))
        .await
        .expect(401);
    wrong["requestId"].take();
    unknown["requestId"].take();
    assert_eq!(wrong, unknown);
}

#[tokio::test]
async fn a_password_is_changed_only_with_the_current_one() {
    let docent = Docent::start().await;
    let ada = docent.user("ada").await;
    let change = async |body: Value| {
        docent
            .call(Method::PATCH, "/api/users/me", &ada.token, Some(body))
            .await
    };
    let new = "a brand new passphrase";
    change(json!({"password": new})).await.expect(422);
    let refused = change(json!({"password": new, "currentPassword": "wrong but long enough"}))
        .await
        .expect(422);
    assert!(refused["details"]["currentPassword"].is_array(), "{refused}");
    change(json!({"password": "short", "currentPassword": PASSWORD}))
        .await
        .expect(422);
    change(json!({"name": "Ada L.", "password": new, "currentPassword": PASSWORD}))
        .await
        .expect(200);
    docent
        .call(Method::POST, "/api/auth/login", "", login(&ada.email, PASSWORD))
        .await
        .expect(401);
    let signed_in = docent
        .call(Method::POST, "/api/auth/login", "", login(&ada.email, new))
        .await
        .expect(200);
    assert_eq!(signed_in["user"]["name"], "Ada L.");
}

#[tokio::test]
async fn a_deleted_account_takes_everything_of_its_user_along() {
    let docent = Docent::start().await;
    let ada = docent.user("ada").await;
    docent.upload(&ada, "Operations", LEASES).await;
    docent.ask_and_finish(&ada, QUESTION).await;
    docent.ask(&ada, QUESTION).await.expect(200);
    docent.delete(&ada, "/api/users/me").await.expect(204);
    for table in ["users", "documents", "passages", "chats", "messages", "jobs"] {
        assert_eq!(
            docent.database.number(&format!("SELECT count(*) FROM {table}")).await,
            0,
            "{table}"
        );
    }
    // The token is still signed well; what it names is gone.
    docent.get(&ada, "/api/users/me").await.expect(401);
    docent.ask(&ada, QUESTION).await.expect(401);
}

#[tokio::test]
async fn what_an_admin_gave_to_all_stays_when_the_admin_leaves() {
    let docent = Docent::start().await;
    let ada = docent.user("ada").await;
    docent.database.execute("UPDATE users SET role = 'admin'").await;
    let shared = "00000000-0000-7000-8000-000000000001";
    let body = json!({"title": "Handbook", "text": LEASES, "mediaType": "text/markdown", "collectionId": shared});
    docent.post(&ada, "/api/documents", body).await.expect(202);
    docent.queue.work_once(&docent.worker).await;
    docent.delete(&ada, "/api/users/me").await.expect(204);
    let bob = docent.user("bob").await;
    assert_eq!(docent.ask_and_finish(&bob, QUESTION).await["grounded"], "full");
}
