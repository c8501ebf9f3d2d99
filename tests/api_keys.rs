//! Keys for programs.

use axum::http::Method;
use serde_json::{Value, json};

use crate::journey::{LEASES, QUESTION};
use crate::support::{Docent, HttpReply, PASSWORD, User, text};

const KEYS: &str = "/api/users/me/api-keys";

async fn make(docent: &Docent, user: &User, scopes: &[&str]) -> Value {
    let body = json!({"name": "a program", "scopes": scopes, "currentPassword": PASSWORD});
    docent.post(user, KEYS, body).await.expect(201)
}

async fn key(docent: &Docent, user: &User, scopes: &[&str]) -> String {
    text(&make(docent, user, scopes).await["secret"])
}

async fn get(docent: &Docent, key: &str, path: &str) -> HttpReply {
    docent.call(Method::GET, path, key, None).await
}

#[tokio::test]
async fn a_key_is_shown_once_and_its_secret_is_stored_nowhere() {
    let docent = Docent::start().await;
    let ada = docent.user("ada").await;
    let body = json!({
        "name": " nightly ", "scopes": ["documents:write", "ask", "ask"], "expiresInDays": 30, "currentPassword": PASSWORD,
    });
    let made = docent.post(&ada, KEYS, body).await.expect(201);
    let secret = text(&made["secret"]);
    assert!(secret.starts_with("docent_") && secret.len() == 56, "{secret}");
    assert_eq!(made["apiKey"]["name"], "nightly");
    assert_eq!(made["apiKey"]["scopes"], json!(["ask", "documents:write"]));
    assert_eq!(made["apiKey"]["lastUsedAt"], Value::Null);
    let days = "SELECT round(extract(epoch FROM expires_at - now()) / 86400)::int8 FROM api_keys";
    assert_eq!(docent.database.number(days).await, 30);
    let listed = docent.get(&ada, KEYS).await.expect(200);
    assert_eq!(listed, json!({"apiKeys": [made["apiKey"]]}));
    let row = docent.database.text("SELECT api_keys::text FROM api_keys").await;
    assert!(!row.contains(&secret[7..]), "{row}");
    assert!(!listed.to_string().contains("digest"), "{listed}");
}

#[tokio::test]
async fn a_key_asks_for_its_owner_and_its_use_is_noted() {
    let docent = Docent::start().await;
    let ada = docent.user("ada").await;
    let program = User {
        token: key(&docent, &ada, &["ask", "documents:read", "documents:write"]).await,
        ..ada.clone()
    };
    docent.upload(&program, "Operations", LEASES).await;
    assert_eq!(docent.ask_and_finish(&program, QUESTION).await["grounded"], "full");
    let chats = docent.get(&ada, "/api/chats").await.expect(200);
    assert_eq!(
        chats["chats"].as_array().unwrap().len(),
        1,
        "what a program asks is its owner's"
    );
    assert_ne!(
        docent.get(&ada, KEYS).await.expect(200)["apiKeys"][0]["lastUsedAt"],
        Value::Null
    );
}

#[tokio::test]
async fn a_key_does_what_its_scopes_say_and_nothing_else() {
    let docent = Docent::start().await;
    let ada = docent.user("ada").await;
    let upload = || Some(json!({"title": "Tea", "text": "Green tea.", "mediaType": "text/plain"}));
    let attempts: [(&str, Method, &str, Option<Value>); 5] = [
        ("ask", Method::POST, "/api/ask", Some(json!({"query": QUESTION}))),
        ("ask", Method::GET, "/api/chats", None),
        ("documents:read", Method::GET, "/api/documents", None),
        ("documents:write", Method::POST, "/api/documents", upload()),
        (
            "documents:write",
            Method::DELETE,
            "/api/documents/01a203ff-8a52-76a1-890b-92408312314a",
            None,
        ),
    ];
    for scope in ["ask", "documents:read", "documents:write"] {
        let key = key(&docent, &ada, &[scope]).await;
        for (needed, method, path, body) in &attempts {
            let reply = docent.call(method.clone(), path, &key, body.clone()).await;
            if *needed == scope {
                assert!(
                    ![401, 403].contains(&reply.status.as_u16()),
                    "{scope} {method} {path}: {reply:?}"
                );
            } else {
                assert_eq!(
                    reply.expect(403)["code"],
                    "insufficient_scope",
                    "{scope} {method} {path}"
                );
            }
        }
    }
}

#[tokio::test]
async fn no_key_reaches_the_account() {
    let docent = Docent::start().await;
    let ada = docent.user("ada").await;
    let key = key(&docent, &ada, &["ask", "documents:read", "documents:write"]).await;
    let id = "01a203ff-8a52-76a1-890b-92408312314a";
    let routes = [
        (Method::GET, "/api/users/me".to_owned(), None),
        (Method::PATCH, "/api/users/me".to_owned(), Some(json!({"name": "Eve"}))),
        (Method::DELETE, "/api/users/me".to_owned(), None),
        (Method::GET, "/api/users/me/sessions".to_owned(), None),
        (Method::DELETE, format!("/api/users/me/sessions/{id}"), None),
        (Method::GET, KEYS.to_owned(), None),
        (
            Method::POST,
            KEYS.to_owned(),
            Some(json!({"name": "more", "scopes": ["ask"], "currentPassword": PASSWORD})),
        ),
        (Method::DELETE, format!("{KEYS}/{id}"), None),
        (Method::POST, "/api/auth/logout".to_owned(), None),
    ];
    for (method, path, body) in routes {
        let refused = docent.call(method.clone(), &path, &key, body).await.expect(403);
        assert_eq!(refused["code"], "insufficient_scope", "{method} {path}");
    }
    assert_eq!(docent.database.number("SELECT count(*) FROM api_keys").await, 1);
}

#[tokio::test]
async fn a_deleted_key_is_worth_nothing_in_every_sandbox() {
    for redis in [None, Some("")] {
        let settings: Vec<(&str, &str)> = redis.map(|url| ("REDIS_URL", url)).into_iter().collect();
        let docent = Docent::with(&settings).await;
        let (ada, bob) = (docent.user("ada").await, docent.user("bob").await);
        let made = make(&docent, &ada, &["ask"]).await;
        let (secret, path) = (text(&made["secret"]), format!("{KEYS}/{}", text(&made["apiKey"]["id"])));
        let sandbox = docent.another_sandbox().await;
        let chats = || crate::support::request(Method::GET, "/api/chats", Some(&secret), None);
        crate::support::send(&sandbox, chats()).await.expect(200);
        get(&docent, &secret, "/api/chats").await.expect(200);
        docent.delete(&bob, &path).await.expect(404);
        get(&docent, &secret, "/api/chats").await.expect(200);
        docent.delete(&ada, &path).await.expect(204);
        crate::support::send(&sandbox, chats()).await.expect(401);
        get(&docent, &secret, "/api/chats").await.expect(401);
        docent.delete(&ada, &path).await.expect(404);
    }
}

#[tokio::test]
async fn a_key_ends_with_its_time_and_with_its_account() {
    let docent = Docent::start().await;
    let (ada, bob) = (docent.user("ada").await, docent.user("bob").await);
    let expired = key(&docent, &ada, &["ask"]).await;
    docent.database.execute("UPDATE api_keys SET expires_at = now()").await;
    get(&docent, &expired, "/api/chats").await.expect(401);
    let orphan = key(&docent, &bob, &["ask"]).await;
    get(&docent, &orphan, "/api/chats").await.expect(200);
    docent.delete(&bob, "/api/users/me").await.expect(204);
    get(&docent, &orphan, "/api/chats").await.expect(401);
}

#[tokio::test]
async fn nobody_has_more_than_twenty() {
    let docent = Docent::start().await;
    let ada = docent.user("ada").await;
    let fill = "INSERT INTO api_keys (id, owner_id, digest, name, scopes)
                SELECT gen_random_uuid(), users.id, sha256(n::text::bytea), 'a key', '{ask}'
                FROM users, generate_series(1, 18) AS n";
    docent.database.execute(fill).await;
    let body = || json!({"name": "one more", "scopes": ["ask"], "currentPassword": PASSWORD});
    let sandbox = docent.another_sandbox().await;
    let post = || crate::support::request(Method::POST, KEYS, Some(&ada.token), Some(&body()));
    let replies = futures_util::future::join_all((0..6).map(|n| {
        let router = if n % 2 == 0 { &docent.router } else { &sandbox };
        crate::support::send(router, post())
    }))
    .await;
    let made = replies.iter().filter(|reply| reply.status == 201).count();
    assert_eq!(made, 2, "{replies:?}");
    let refused = docent.post(&ada, KEYS, body()).await.expect(409);
    assert_eq!(refused["code"], "too_many_api_keys");
}

#[tokio::test]
async fn what_cannot_be_a_key_is_refused_by_name() {
    let docent = Docent::start().await;
    let ada = docent.user("ada").await;
    for (field, mut body) in [
        (
            "currentPassword",
            json!({"name": "a", "scopes": ["ask"], "currentPassword": "x".repeat(1025)}),
        ),
        ("name", json!({"name": "", "scopes": ["ask"]})),
        ("name", json!({"name": "x".repeat(101), "scopes": ["ask"]})),
        ("name", json!({"scopes": ["ask"]})),
        ("scopes", json!({"name": "a", "scopes": []})),
        ("scopes", json!({"name": "a", "scopes": ["admin"]})),
        (
            "expiresInDays",
            json!({"name": "a", "scopes": ["ask"], "expiresInDays": 0}),
        ),
        (
            "expiresInDays",
            json!({"name": "a", "scopes": ["ask"], "expiresInDays": 366}),
        ),
        (
            "expiresInDays",
            json!({"name": "a", "scopes": ["ask"], "expiresInDays": -1}),
        ),
    ] {
        let fields = body.as_object_mut().unwrap();
        fields.entry("currentPassword").or_insert(json!(PASSWORD));
        let refused = docent.post(&ada, KEYS, body.clone()).await.expect(422);
        assert!(refused["details"][field].is_array(), "{body}: {refused}");
    }
}

#[tokio::test]
async fn a_key_is_made_only_with_the_password() {
    let docent = Docent::start().await;
    let ada = docent.user("ada").await;
    for current in [
        None,
        Some(json!(null)),
        Some(json!("not the password")),
        Some(json!("")),
    ] {
        let mut body = json!({"name": "a program", "scopes": ["ask"]});
        if let Some(current) = current {
            body["currentPassword"] = current;
        }
        let refused = docent.post(&ada, KEYS, body.clone()).await.expect(422);
        assert!(refused["details"]["currentPassword"].is_array(), "{body}: {refused}");
    }
    assert_eq!(docent.database.number("SELECT count(*) FROM api_keys").await, 0);
    make(&docent, &ada, &["ask"]).await;
}
