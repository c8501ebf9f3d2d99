//! What clients' addresses are counted by.

use std::time::{Duration, Instant};

use axum::http::Method;
use futures_util::future::join_all;
use shared::domain::ApiKeySecret;

use super::{credentials, from, get, is_limited};
use crate::support::{CountingProxy, Docent, PASSWORD, User, request, send, wait_for};

#[tokio::test]
async fn an_address_is_what_the_gateway_says_and_no_header() {
    let docent = Docent::with(&[("RATE_LIMIT_ADDRESS", "2/h")]).await;
    let (ada, bob) = (docent.user("ada").await, docent.user("bob").await);
    let ask = async |user: &User, address: &str, claimed: &str| {
        let mut request = get(user, "/api/chats");
        for name in ["x-forwarded-for", "forwarded", "x-real-ip"] {
            request.headers_mut().insert(name, claimed.parse().unwrap());
        }
        docent.send(from(address, request)).await
    };
    assert_eq!(ask(&ada, "192.0.2.1", "198.51.100.1").await.status, 200);
    assert_eq!(ask(&bob, "192.0.2.1", "198.51.100.2").await.status, 200);
    assert!(is_limited(&ask(&ada, "192.0.2.1", "198.51.100.3").await));
    assert!(is_limited(&ask(&bob, "::ffff:192.0.2.1", "198.51.100.3").await));
    assert_eq!(ask(&ada, "192.0.2.2", "192.0.2.1").await.status, 200);
    for (address, status) in [
        ("2001:db8::1", 200),
        ("2001:db8::2", 200),
        ("2001:db8::3", 429),
        ("2001:db8:0:1::1", 200),
    ] {
        assert_eq!(ask(&ada, address, "198.51.100.3").await.status, status, "{address}");
    }
    for _ in 0..3 {
        docent.get(&ada, "/api/chats").await.expect(200);
    }
}

#[tokio::test]
async fn keys_that_nobody_has_are_looked_up_only_as_often_as_an_address_may_ask() {
    let database = crate::support::Database::create().await;
    let (postgres, database_url) = CountingProxy::to(&database.functions_url).await;
    let docent = Docent::with(&[("DATABASE_URL", &database_url), ("RATE_LIMIT_ADDRESS", "2/h")]).await;
    let guess = async || {
        let key = ApiKeySecret::generate().unwrap().reveal();
        let request = request(Method::GET, "/api/chats", Some(&key), None);
        docent.send(from("192.0.2.1", request)).await
    };
    assert_eq!([guess().await.status, guess().await.status], [401, 401]);
    postgres.take_turns();
    assert!(is_limited(&guess().await));
    assert_eq!(postgres.take_turns(), 0);
}

#[tokio::test]
async fn an_address_makes_few_accounts_and_tries_few_passwords() {
    let settings = [("RATE_LIMIT_SIGN_UP", "1/h"), ("RATE_LIMIT_SIGN_IN", "2/h")];
    let docent = Docent::with(&settings).await;
    let sign_up = async |address: &str, email: &str| {
        let request = credentials("/api/auth/register", email, PASSWORD);
        docent.send(from(address, request)).await.status.as_u16()
    };
    assert_eq!(sign_up("192.0.2.1", "a@example.com").await, 201);
    assert_eq!(sign_up("192.0.2.1", "b@example.com").await, 429);
    assert_eq!(sign_up("192.0.2.2", "b@example.com").await, 201);
    for (number, status) in [(1, 401), (2, 401), (3, 429)] {
        let request = credentials("/api/auth/login", &format!("{number}@example.com"), "not the password");
        assert_eq!(docent.send(from("192.0.2.1", request)).await.status, status);
    }
}

#[tokio::test]
async fn whether_it_is_ready_is_asked_only_as_often_as_an_address_may_ask() {
    let docent = Docent::with(&[("RATE_LIMIT_ADDRESS", "2/h")]).await;
    let ask = async |address: &str, path: &str| {
        let request = request(Method::GET, path, None, None);
        docent.send(from(address, request)).await
    };
    for status in [200, 200, 429] {
        assert_eq!(ask("192.0.2.1", "/ready").await.status, status);
    }
    let refused = ask("192.0.2.1", "/ready").await;
    assert!(
        is_limited(&refused) && !refused.header("retry-after").is_empty(),
        "{refused:?}"
    );
    assert_eq!(ask("192.0.2.2", "/ready").await.status, 200);
    for _ in 0..3 {
        assert_eq!(ask("192.0.2.1", "/health").await.status, 200, "that costs nothing");
    }
}

#[tokio::test]
async fn who_ask_at_once_whether_it_is_ready_are_answered_by_one_look() {
    let database = crate::support::Database::create().await;
    let (postgres, database_url) = CountingProxy::to(&database.functions_url).await;
    let docent = Docent::with(&[("DATABASE_URL", &database_url)]).await;
    let ready = || send(&docent.router, request(Method::GET, "/ready", None, None));
    let looked = wait_for("twenty answers within a second of the look", || async {
        let started = Instant::now();
        postgres.take_turns();
        ready().await.expect(200);
        if postgres.take_turns() == 0 {
            return None;
        }
        for reply in join_all((0..20).map(|_| ready())).await {
            reply.expect(200);
        }
        let turns = postgres.take_turns();
        (started.elapsed() < Duration::from_secs(1)).then_some(turns)
    })
    .await;
    assert_eq!(looked, 0);
    wait_for("another look, because an answer is not kept for longer", || async {
        ready().await.expect(200);
        (postgres.take_turns() > 0).then_some(())
    })
    .await;
}
