//! Postgres and Redis are talked to only over TLS that was verified, with real certificates.

use std::sync::Arc;

use axum::http::Method;
use rustls::ServerConfig;
use serde_json::json;

use crate::support::{Authority, Database, Docent, TlsDoor, service};

/// What a server may have to show that is not to be trusted.
fn untrustworthy(trusted: &Authority) -> [(&'static str, Arc<ServerConfig>); 4] {
    [
        ("another host", trusted.certify("db.example.com", 30)),
        ("another authority", Authority::new().certify("localhost", 30)),
        ("expired", trusted.certify("localhost", -1)),
        ("not valid yet", trusted.certify("localhost", 91)),
    ]
}

async fn state_of(settings: &[(&str, &str)], dependency: &str) -> String {
    let docent = Docent::with(settings).await;
    let ready = docent.call(Method::GET, "/ready", "", None).await.json();
    ready["dependencies"][dependency].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn both_are_used_through_a_certificate_that_is_right() {
    let authority = Authority::new();
    let (database, identity) = (Database::create().await, authority.certify("localhost", 30));
    let postgres = TlsDoor::before(&database.functions_url, identity.clone()).await;
    let redis = TlsDoor::before(&service("TEST_REDIS_URL"), identity).await;
    let file = authority.file.display().to_string();
    let docent = Docent::with(&[
        ("DATABASE_URL", &postgres.url),
        ("DATABASE_CA_FILE", &file),
        ("REDIS_URL", &redis.url),
        ("REDIS_CA_FILE", &file),
    ])
    .await;
    let ready = docent.call(Method::GET, "/ready", "", None).await.expect(200);
    assert_eq!(ready["status"], "ok", "{ready}");
    docent.user("ada").await;
    assert_eq!(database.number("SELECT count(*) FROM users").await, 1);
    assert!(postgres.opened() > 0 && redis.opened() > 0);
}

#[tokio::test]
async fn postgres_behind_a_wrong_certificate_hears_nothing() {
    let authority = Authority::new();
    let database = Database::create().await;
    let file = authority.file.display().to_string();
    for (what, identity) in untrustworthy(&authority) {
        let door = TlsDoor::before(&database.functions_url, identity).await;
        let settings = [("DATABASE_URL", door.url.as_str()), ("DATABASE_CA_FILE", &file)];
        assert_eq!(state_of(&settings, "postgres").await, "unavailable", "{what}");
        assert_eq!(door.opened(), 0, "{what}");
    }
}

#[tokio::test]
async fn redis_behind_a_wrong_certificate_hears_nothing() {
    let authority = Authority::new();
    let file = authority.file.display().to_string();
    for (what, identity) in untrustworthy(&authority) {
        let door = TlsDoor::before(&service("TEST_REDIS_URL"), identity).await;
        let settings = [("REDIS_URL", door.url.as_str()), ("REDIS_CA_FILE", &file)];
        assert_eq!(state_of(&settings, "redis").await, "unavailable", "{what}");
        assert_eq!(door.opened(), 0, "{what}");
    }
}

#[tokio::test]
async fn the_public_authorities_do_not_vouch_for_a_private_one() {
    let identity = Authority::new().certify("localhost", 30);
    let database = Database::create().await;
    let postgres = TlsDoor::before(&database.functions_url, identity.clone()).await;
    let redis = TlsDoor::before(&service("TEST_REDIS_URL"), identity).await;
    let settings = [("DATABASE_URL", postgres.url.as_str()), ("REDIS_URL", &redis.url)];
    let docent = Docent::with(&settings).await;
    let ready = docent.call(Method::GET, "/ready", "", None).await.expect(503);
    let expected =
        json!({"postgres": "unavailable", "redis": "unavailable", "queue": "ok", "vectors": "not configured"});
    assert_eq!(ready["dependencies"], expected);
    assert_eq!((postgres.opened(), redis.opened()), (0, 0));
}

/// The servers of these tests speak no TLS themselves: a client that asks for it must not go on without.
#[tokio::test]
async fn a_server_without_tls_is_not_talked_to() {
    let database = Database::create().await;
    let url = format!("{}?sslmode=verify-full", database.functions_url);
    assert_eq!(state_of(&[("DATABASE_URL", &url)], "postgres").await, "unavailable");
    let url = service("TEST_REDIS_URL").replacen("redis://", "rediss://", 1);
    assert_eq!(state_of(&[("REDIS_URL", &url)], "redis").await, "unavailable");
}
