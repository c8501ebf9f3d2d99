//! How often things may be done.

mod addresses;
mod agreement;
mod guesses;

use axum::body::Body;
use axum::http::{HeaderValue, Method, Request};
use futures_util::future::join_all;
use lambda_http::RequestExt;
use lambda_http::request::RequestContext;
use serde_json::json;
use uuid::Uuid;

use crate::journey::QUESTION;
use crate::support::{
    CountingProxy, Docent, FaultyWay, HttpReply, PASSWORD, User, Way, request, send, service, text, wait_for,
};

/// A request as the gateway hands it on.
fn from(address: &str, mut request: Request<Body>) -> Request<Body> {
    let context: RequestContext = serde_json::from_value(json!({
        "routeKey": "$default", "stage": "$default", "timeEpoch": 0, "requestId": Uuid::new_v4().to_string(),
        "http": {"method": "GET", "path": "/", "protocol": "HTTP/1.1", "sourceIp": address, "userAgent": "test"},
    }))
    .unwrap();
    request.extensions_mut().insert(context);
    assert!(request.request_context_ref().is_some());
    request
}

fn credentials(path: &str, email: &str, password: &str) -> Request<Body> {
    let body = json!({"email": email, "password": password});
    request(Method::POST, path, None, Some(&body))
}

fn get(user: &User, path: &str) -> Request<Body> {
    request(Method::GET, path, Some(&user.token), None)
}

fn is_limited(reply: &HttpReply) -> bool {
    reply.status == 429 && reply.json()["code"] == "rate_limited"
}

const EACH: [(&str, &str); 5] = [
    ("RATE_LIMIT_ASK", "2/h"),
    ("RATE_LIMIT_POLL", "2/h"),
    ("RATE_LIMIT_UPLOAD", "2/h"),
    ("RATE_LIMIT_READ", "2/h"),
    ("RATE_LIMIT_WRITE", "2/h"),
];

#[tokio::test]
async fn each_kind_of_request_has_a_limit_of_its_own_and_says_how_far_it_is() {
    let docent = Docent::with(&EACH).await;
    let ada = docent.user("ada").await;
    let bob = docent.user("bob").await;
    let (nothing, upload) = (
        Uuid::new_v4(),
        json!({"title": "A", "text": "text", "mediaType": "text/plain"}),
    );
    let kinds = [
        (Method::POST, "/api/ask".to_owned(), Some(json!({"query": QUESTION}))),
        (Method::GET, format!("/api/ask/{nothing}"), None),
        (Method::POST, "/api/documents".to_owned(), Some(upload)),
        (Method::GET, "/api/chats".to_owned(), None),
        (Method::DELETE, format!("/api/chats/{nothing}"), None),
    ];
    for (method, path, body) in kinds {
        let call = async |user: &User| docent.call(method.clone(), &path, &user.token, body.clone()).await;
        for remaining in ["1", "0"] {
            let reply = call(&ada).await;
            assert!(!is_limited(&reply), "{method} {path}: {reply:?}");
            assert_eq!(
                (reply.header("ratelimit-limit"), reply.header("ratelimit-remaining")),
                ("2", remaining)
            );
        }
        let refused = call(&ada).await;
        assert!(is_limited(&refused), "{method} {path}: {refused:?}");
        let seconds = |name| refused.header(name).parse::<u64>().unwrap();
        assert_eq!(
            (refused.header("ratelimit-limit"), seconds("ratelimit-remaining")),
            ("2", 0)
        );
        assert!((1700..=1800).contains(&seconds("retry-after")), "{refused:?}");
        assert!((3500..=3600).contains(&seconds("ratelimit-reset")), "{refused:?}");
        assert!(!is_limited(&call(&bob).await), "somebody else's limit is not touched");
    }
}

#[tokio::test]
async fn pages_may_read_the_headers() {
    let docent = Docent::start().await;
    let ada = docent.user("ada").await;
    let mut request = get(&ada, "/api/chats");
    request
        .headers_mut()
        .insert("origin", HeaderValue::from_static("https://app.example.com"));
    let reply = docent.send(request).await;
    let exposed = reply.header("access-control-expose-headers").to_lowercase();
    for name in [
        "ratelimit-limit",
        "ratelimit-remaining",
        "ratelimit-reset",
        "retry-after",
    ] {
        assert!(exposed.contains(name), "{exposed}");
        assert!(name == "retry-after" || !reply.header(name).is_empty(), "{reply:?}");
    }
}

#[tokio::test]
async fn of_a_hundred_at_once_exactly_as_many_pass_as_may() {
    let docent = Docent::with(&[("RATE_LIMIT_READ", "10/h")]).await;
    let ada = docent.user("ada").await;
    let sandboxes = [docent.another_sandbox().await, docent.another_sandbox().await];
    let all = (0..100).map(|number| send(&sandboxes[number % 2], get(&ada, "/api/chats")));
    let replies = join_all(all).await;
    assert_eq!(replies.iter().filter(|reply| reply.status == 200).count(), 10);
    assert_eq!(replies.iter().filter(|reply| is_limited(reply)).count(), 90);
}

#[tokio::test]
async fn a_limited_question_reaches_neither_postgres_nor_the_queue_whatever_the_cache_holds() {
    let database = crate::support::Database::create().await;
    let (postgres, database_url) = CountingProxy::to(&database.functions_url).await;
    let docent = Docent::with(&[("DATABASE_URL", &database_url), ("RATE_LIMIT_ASK", "3/h")]).await;
    let ada = docent.user("ada").await;
    docent.upload(&ada, "Operations", crate::journey::LEASES).await;
    docent.ask_and_finish(&ada, QUESTION).await;
    for _ in 0..2 {
        docent.ask(&ada, QUESTION).await.expect(200);
    }
    postgres.take_turns();
    for question in [QUESTION, "Something that nobody has asked?"] {
        assert!(is_limited(&docent.ask(&ada, question).await));
    }
    assert_eq!((postgres.take_turns(), docent.queue.len().await), (0, 0));
}

#[tokio::test]
async fn a_bad_token_and_a_malformed_id_cost_no_round_trip() {
    let (redis, redis_url) = CountingProxy::to(&service("TEST_REDIS_URL")).await;
    let docent = Docent::with(&[("REDIS_URL", &redis_url)]).await;
    let ada = docent.user("ada").await;
    docent.get(&ada, "/api/chats").await.expect(200);
    redis.take_turns();
    docent
        .call(Method::GET, "/api/chats", "no-token", None)
        .await
        .expect(401);
    docent
        .call(Method::GET, "/api/ask/no-id", "no-token", None)
        .await
        .expect(401);
    docent.get(&ada, "/api/ask/no-id").await.expect(404);
    assert_eq!(redis.take_turns(), 0);
}

#[tokio::test]
async fn what_has_ended_is_refused_as_that_and_takes_nothing() {
    let docent = Docent::with(&[("RATE_LIMIT_READ", "2/h")]).await;
    let ada = docent.user("ada").await;
    let body = json!({"email": ada.email, "password": PASSWORD});
    let begun = docent.post(&ada, "/api/auth/login", body).await.expect(200);
    let stolen = User {
        token: text(&begun["token"]),
        ..ada.clone()
    };
    docent.post(&stolen, "/api/auth/logout", json!({})).await.expect(204);
    let kinds = async |user: &User| {
        let asked = docent.ask(user, QUESTION).await.status.as_u16();
        (docent.get(user, "/api/chats").await.status.as_u16(), asked)
    };
    for _ in 0..3 {
        assert_eq!(kinds(&stolen).await, (401, 401));
    }
    for status in [200, 200, 429] {
        assert_eq!(kinds(&ada).await, (status, 202));
    }
    assert_eq!(kinds(&stolen).await, (401, 401));
}

#[tokio::test]
async fn without_redis_each_sandbox_counts_for_itself() {
    let docent = Docent::with(&[("REDIS_URL", ""), ("RATE_LIMIT_READ", "2/h")]).await;
    let ada = docent.user("ada").await;
    let another = docent.another_sandbox().await;
    for sandbox in [&docent.router, &another] {
        let mut seen = Vec::new();
        for _ in 0..3 {
            let reply = send(sandbox, get(&ada, "/api/chats")).await;
            seen.push((reply.status.as_u16(), reply.header("ratelimit-remaining").to_owned()));
        }
        assert_eq!(
            seen,
            [(200, "1".to_owned()), (200, "0".to_owned()), (429, "0".to_owned())]
        );
    }
}

#[tokio::test]
async fn while_redis_fails_the_sandbox_counts_for_itself() {
    let (way, redis_url) = FaultyWay::to(&service("TEST_REDIS_URL")).await;
    let docent = Docent::with(&[("REDIS_URL", &redis_url), ("RATE_LIMIT_READ", "2/h")]).await;
    let ada = docent.user("ada").await;
    docent.get(&ada, "/api/chats").await.expect(200);
    way.set(Way::Refused);
    for status in [200, 200, 429] {
        docent.get(&ada, "/api/chats").await.expect(status);
    }
    way.set(Way::Open);
    wait_for("the shared count, which had one left", || async {
        let reply = docent.get(&ada, "/api/chats").await;
        (reply.status == 200).then_some(())
    })
    .await;
    docent.get(&ada, "/api/chats").await.expect(429);
}
