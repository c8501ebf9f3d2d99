//! Every error has one form, and every response the same headers.

use axum::body::Body;
use axum::http::{Method, Request};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::support::{Docent, HttpReply, User, request};

async fn ask_raw(docent: &Docent, user: &User, content_type: &str, body: &str) -> HttpReply {
    let request = Request::post("/api/ask")
        .header("authorization", format!("Bearer {}", user.token))
        .header("content-type", content_type)
        .body(Body::from(body.to_owned()))
        .unwrap();
    docent.send(request).await
}

#[tokio::test]
async fn every_refused_question_says_what_to_do() {
    let docent = Docent::start().await;
    let ada = docent.user("ada").await;
    let long = json!({"query": "ä".repeat(1001)}).to_string();
    let huge = json!({"query": "x".repeat(70 * 1024)}).to_string();
    let deep = format!("{{\"query\":{}1{}}}", "[".repeat(1000), "]".repeat(1000));
    let foreign_chat = json!({"query": "q", "chatId": Uuid::now_v7()}).to_string();
    let json = "application/json";
    let rows = [
        ("bad JSON", json, "{", 400, "invalid_json"),
        ("empty body", json, "", 400, "invalid_json"),
        ("lone surrogate", json, r#"{"query":"\ud800"}"#, 400, "invalid_json"),
        ("too deep", json, &deep, 400, "invalid_json"),
        (
            "not JSON by type",
            "text/plain",
            r#"{"query":"q"}"#,
            415,
            "unsupported_media_type",
        ),
        ("missing field", json, "{}", 422, "invalid_request"),
        ("wrong type", json, r#"{"query":1}"#, 422, "invalid_request"),
        ("array", json, "[]", 422, "invalid_request"),
        ("empty question", json, r#"{"query":"  "}"#, 422, "invalid_request"),
        ("NUL", json, r#"{"query":"a\u0000b"}"#, 422, "invalid_request"),
        ("1001 characters", json, &long, 422, "invalid_request"),
        ("70 KiB", json, &huge, 413, "payload_too_large"),
        (
            "chat that is no id",
            json,
            r#"{"query":"q","chatId":"x"}"#,
            422,
            "invalid_request",
        ),
        ("unknown chat", json, &foreign_chat, 404, "not_found"),
    ];
    for (what, content_type, body, status, code) in rows {
        let reply = ask_raw(&docent, &ada, content_type, body).await;
        assert_eq!(reply.status.as_u16(), status, "{what}: {reply:?}");
        let problem = reply.json();
        assert_eq!(problem["code"], code, "{what}");
        assert!(
            problem["error"].as_str().is_some_and(|text| text.len() > 10),
            "{what}: {problem}"
        );
        assert_eq!(problem["requestId"], reply.header("x-request-id"), "{what}");
    }
    assert_eq!(docent.database.number("SELECT count(*) FROM jobs").await, 0);
}

#[tokio::test]
async fn all_wrong_fields_are_named_at_once() {
    let docent = Docent::start().await;
    let body = json!({"email": "nobody", "password": "short", "name": ""});
    let mut problem = docent
        .call(Method::POST, "/api/auth/register", "", Some(body))
        .await
        .expect(422);
    problem["requestId"] = Value::from("(id)");
    insta::assert_json_snapshot!(problem, @r#"
    {
      "code": "invalid_request",
      "details": {
        "email": [
          "must be an e-mail address such as name@example.com"
        ],
        "name": [
          "must have 1 to 100 characters, or be left out"
        ],
        "password": [
          "must be at least 12 bytes long; a short sentence is a good password"
        ]
      },
      "error": "Some values cannot be accepted; see details.",
      "requestId": "(id)"
    }
    "#);
}

#[tokio::test]
async fn paths_methods_and_tokens_are_answered_in_the_same_form() {
    let docent = Docent::start().await;
    let ada = docent.user("ada").await;
    let rows = [
        (Method::GET, "/nowhere", ada.token.as_str(), 404, "not_found"),
        (Method::PUT, "/api/ask", &ada.token, 405, "method_not_allowed"),
        (Method::DELETE, "/health", "", 405, "method_not_allowed"),
        (Method::GET, "/api/users/me", "", 401, "unauthorized"),
        (Method::GET, "/api/users/me", "x.y.z", 401, "unauthorized"),
        (Method::GET, "/api/chats?limit=0", &ada.token, 422, "invalid_request"),
        (Method::GET, "/api/chats?cursor=x", &ada.token, 422, "invalid_request"),
        (Method::GET, "/api/ask/0190", &ada.token, 404, "not_found"),
    ];
    for (method, path, token, status, code) in rows {
        let problem = docent.call(method.clone(), path, token, None).await.expect(status);
        assert_eq!(problem["code"], code, "{method} {path}");
    }
    let unauthorized = docent.call(Method::GET, "/api/users/me", "", None).await;
    assert_eq!(unauthorized.header("www-authenticate"), "Bearer");
    assert!(
        docent
            .call(Method::PUT, "/health", "", None)
            .await
            .header("allow")
            .contains("GET")
    );
}

#[tokio::test]
async fn every_response_carries_the_security_headers() {
    let docent = Docent::start().await;
    let ada = docent.user("ada").await;
    let mut preflight = request(Method::OPTIONS, "/api/ask", None, None);
    preflight
        .headers_mut()
        .insert("origin", "https://app.example.com".parse().unwrap());
    preflight
        .headers_mut()
        .insert("access-control-request-method", "POST".parse().unwrap());
    let replies = [
        docent.call(Method::GET, "/health", "", None).await,
        docent.ask(&ada, "anything?").await,
        docent.call(Method::GET, "/nowhere", "", None).await,
        docent.call(Method::PUT, "/health", "", None).await,
        docent.get(&ada, "/api/ask/x").await,
        docent.call(Method::GET, "/api/chats", "", None).await,
        ask_raw(&docent, &ada, "application/json", &"x".repeat(70 * 1024)).await,
        ask_raw(&docent, &ada, "application/json", "{").await,
        docent.send(preflight).await,
    ];
    let statuses: Vec<u16> = replies.iter().map(|reply| reply.status.as_u16()).collect();
    assert_eq!(statuses, [200, 202, 404, 405, 404, 401, 413, 400, 200]);
    let names = [
        "content-security-policy",
        "cross-origin-opener-policy",
        "cross-origin-resource-policy",
        "origin-agent-cluster",
        "referrer-policy",
        "strict-transport-security",
        "x-content-type-options",
        "x-dns-prefetch-control",
        "x-download-options",
        "x-frame-options",
        "x-permitted-cross-domain-policies",
        "x-xss-protection",
    ];
    for reply in &replies {
        for name in names {
            assert_ne!(reply.header(name), "", "{name} is missing: {reply:?}");
        }
        assert_eq!(reply.header("cache-control"), "no-store");
        assert_eq!((reply.header("server"), reply.header("x-powered-by")), ("", ""));
    }
}

#[tokio::test]
async fn only_listed_origins_may_read_responses() {
    let docent = Docent::start().await;
    for (origin, allowed) in [
        ("https://app.example.com", true),
        ("https://evil.example.com", false),
        ("null", false),
        ("https://app.example.com.evil.com", false),
    ] {
        let mut get = request(Method::GET, "/health", None, None);
        get.headers_mut().insert("origin", origin.parse().unwrap());
        let reply = docent.send(get).await;
        assert_eq!(
            reply.header("access-control-allow-origin"),
            if allowed { origin } else { "" }
        );
        assert_eq!(reply.header("vary"), "origin");
        assert_eq!(reply.header("access-control-allow-credentials"), "");
    }
}

#[tokio::test]
async fn health_and_readiness_tell_the_state() {
    let docent = Docent::start().await;
    let health = docent.call(Method::GET, "/health", "", None).await.expect(200);
    assert_eq!(
        (&health["status"], &health["version"]),
        (&json!("ok"), &json!(env!("CARGO_PKG_VERSION")))
    );
    assert!(health["uptime"].is_u64());
    let ready = docent.call(Method::GET, "/ready", "", None).await.expect(200);
    assert_eq!(
        ready["dependencies"],
        json!({"postgres": "ok", "redis": "ok", "queue": "ok", "vectors": "not configured"})
    );
}

#[tokio::test]
async fn readiness_names_what_is_down_and_a_question_is_told_to_come_back() {
    let down = "127.0.0.1:1";
    let no_redis = Docent::with(&[("REDIS_URL", &format!("redis://{down}"))]).await;
    let ready = no_redis.call(Method::GET, "/ready", "", None).await.expect(200);
    assert_eq!(
        (&ready["status"], &ready["dependencies"]["redis"]),
        (&json!("degraded"), &json!("unavailable"))
    );
    let ada = no_redis.user("ada").await;
    assert_eq!(no_redis.ask(&ada, "does it work without Redis?").await.status, 202);

    let no_postgres = Docent::with(&[("DATABASE_URL", &format!("postgres://u:p@{down}/d"))]).await;
    let ready = no_postgres.call(Method::GET, "/ready", "", None).await.expect(503);
    assert_eq!(ready["dependencies"]["postgres"], "unavailable");
    let reply = no_postgres.ask(&ada, "does it work without Postgres?").await;
    assert_eq!((reply.status.as_u16(), reply.header("retry-after")), (503, "2"));
    assert_eq!(reply.json()["code"], "unavailable");
}
