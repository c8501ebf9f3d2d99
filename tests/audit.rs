//! What an operator can read of who came in and what was changed, and what not even an operator reads there.

use axum::http::Method;
use serde_json::{Value, json};

use crate::support::{Docent, Log, PASSWORD, text};

const NEW_PASSWORD: &str = "a brand new passphrase";

/// The fields of all lines with this message.
fn lines(log: &Log, message: &str) -> Vec<Value> {
    let text = log.text();
    let all = text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let fields = all.map(|line| line["fields"].clone());
    fields.filter(|fields| fields["message"] == message).collect()
}

/// Like the lines, without the message.
fn line(message: &str, mut fields: Value) -> Value {
    fields["message"] = message.into();
    fields
}

#[tokio::test]
async fn accounts_passwords_and_refusals_have_a_line_without_anything_personal() {
    let log = Log::default();
    let guard = log.begin();
    let docent = Docent::start().await;
    let ada = docent.user("ada").await;
    for email in [" ADA@example.com", "nobody@example.com"] {
        let body = json!({"email": email, "password": "not the password"});
        docent
            .call(Method::POST, "/api/auth/login", "", Some(body))
            .await
            .expect(401);
    }
    for (current, status) in [("not the password", 422), (PASSWORD, 200)] {
        let body = json!({"password": NEW_PASSWORD, "currentPassword": current});
        docent
            .call(Method::PATCH, "/api/users/me", &ada.token, Some(body))
            .await
            .expect(status);
    }
    let body = json!({"name": "Ada L."});
    docent
        .call(Method::PATCH, "/api/users/me", &ada.token, Some(body))
        .await
        .expect(200);
    drop(guard);

    assert_eq!(
        lines(&log, "account"),
        [
            line("account", json!({"outcome": "created", "user_id": ada.id})),
            line(
                "account",
                json!({"outcome": "password changed", "user_id": ada.id, "sessions_ended": 0})
            ),
        ]
    );
    // Of `ada@example.com`, and of the other one.
    let refused = |account: &str| line("sign-in", json!({"outcome": "refused", "account": account}));
    assert_eq!(
        lines(&log, "sign-in"),
        [refused("b5fc85e55755"), refused("e788ea201469")]
    );
    let guessed = line("current password", json!({"outcome": "refused", "user_id": ada.id}));
    assert_eq!(lines(&log, "current password"), [guessed]);
    for secret in ["ada@", "ADA@", "nobody@", PASSWORD, NEW_PASSWORD, "not the password"] {
        assert!(!log.text().contains(secret), "{secret}");
    }
}

#[tokio::test]
async fn what_an_admin_puts_into_the_shared_collection_has_a_line() {
    let log = Log::default();
    let guard = log.begin();
    let docent = Docent::start().await;
    let ada = docent.user("ada").await;
    docent.database.execute("UPDATE users SET role = 'admin'").await;
    let upload = async |more: Value| {
        let mut body = json!({"title": "Tea", "text": "Green tea.", "mediaType": "text/plain"});
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        text(&docent.post(&ada, "/api/documents", body).await.expect(202)["document"]["id"])
    };
    upload(json!({})).await;
    let collection = shared::domain::collection::SHARED_COLLECTION;
    let document = upload(json!({"collectionId": collection})).await;
    drop(guard);
    let fields = json!({"outcome": "stored", "user_id": ada.id, "document_id": document});
    assert_eq!(lines(&log, "shared document"), [line("shared document", fields)]);
}
