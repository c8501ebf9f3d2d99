//! The keys that access tokens are signed with.

use std::time::{Duration, Instant};

use axum::Router;
use axum::http::Method;
use serde_json::json;

use super::{chats, chats_of_many};
use crate::support::{Docent, FaultyWay, PASSWORD, Parameter, Readings, SECRET, User, Way, request, send, service};

const NEW_SECRET: &str = "Zt5wB3yXkQ8nE2rVh7Ls0GjDaJ4cMfPi6TuR";

/// A Docent whose signing keys are a parameter, and a user of it.
async fn signing(readings: &Readings) -> (Docent, User, Parameter) {
    let ring = Parameter::create(&format!("old:{SECRET}")).await;
    let settings = [
        ("JWT_SECRET", ""),
        ("JWT_SECRET_PARAMETER", ring.name.as_str()),
        ("AWS_ENDPOINT_URL", &readings.endpoint),
    ];
    let docent = Docent::with(&settings).await;
    let ada = docent.user("ada").await;
    readings.take();
    (docent, ada, ring)
}

async fn token_of(router: &Router, user: &User) -> String {
    let body = json!({"email": user.email, "password": PASSWORD});
    let reply = send(router, request(Method::POST, "/api/auth/login", None, Some(&body))).await;
    reply.expect(200)["token"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_token_of_a_new_key_is_known_in_every_sandbox_and_the_old_ones_still_count() {
    let readings = Readings::counted().await;
    let (docent, ada, ring) = signing(&readings).await;
    ring.put(&format!("new:{NEW_SECRET},old:{SECRET}")).await;
    let other = docent.sandbox_with(&[]).await;
    let token = token_of(&other, &ada).await;
    readings.take();
    for token in [&token, &ada.token, &token] {
        assert_eq!(chats(&docent.router, token).await, 200);
    }
    assert_eq!(readings.take(), 1);
    // It signs with the new one from now on.
    let new = format!("new:{NEW_SECRET}");
    let only_new = [("JWT_SECRET_PARAMETER", ""), ("JWT_SECRET", new.as_str())];
    let only_new = docent.sandbox_with(&only_new).await;
    let token = token_of(&docent.router, &ada).await;
    assert_eq!(chats(&only_new, &token).await, 200);
}

#[tokio::test]
async fn tokens_that_nobody_signed_cause_one_reading_and_a_leaked_key_ends_with_it() {
    let readings = Readings::counted().await;
    let (docent, ada, ring) = signing(&readings).await;
    let of_none = forged(&ada.token, "none", NEW_SECRET);
    let of_old = forged(&ada.token, "old", NEW_SECRET);
    let worthless = ["", "x", "a.b.c", &ada.token[..40]].map(str::to_owned);
    assert_eq!(chats_of_many(&docent.router, &worthless).await, [401; 4]);
    assert_eq!(readings.take(), 0, "what has not even the form of a token is no reason");

    ring.put(&format!("new:{NEW_SECRET}")).await;
    let many: Vec<String> = (0..100).flat_map(|_| [of_none.clone(), of_old.clone()]).collect();
    assert_eq!(chats_of_many(&docent.router, &many).await, [401; 200]);
    assert_eq!(chats_of_many(&docent.router, &many).await, [401; 200]);
    assert_eq!(readings.take(), 1);
    assert_eq!(
        chats(&docent.router, &ada.token).await,
        401,
        "its key is out of the ring"
    );
}

#[tokio::test]
async fn while_the_secrets_cannot_be_read_the_old_ones_count_and_a_bad_one_changes_nothing() {
    for bad in ["short", "old:short,new:shorter"] {
        let readings = Readings::counted().await;
        let (docent, ada, ring) = signing(&readings).await;
        ring.put(bad).await;
        assert_eq!(chats(&docent.router, &forged(&ada.token, "new", NEW_SECRET)).await, 401);
        assert_eq!(readings.take(), 1);
        assert_eq!(chats(&docent.router, &ada.token).await, 200);
    }
}

#[tokio::test]
async fn while_the_service_of_the_secrets_is_away_the_old_ones_count() {
    let (way, endpoint) = FaultyWay::to(&service("AWS_ENDPOINT_URL")).await;
    let ring = Parameter::create(&format!("old:{SECRET}")).await;
    let named = [
        ("JWT_SECRET", ""),
        ("JWT_SECRET_PARAMETER", ring.name.as_str()),
        ("AWS_ENDPOINT_URL", endpoint.as_str()),
    ];
    let docent = Docent::with(&named).await;
    let ada = docent.user("ada").await;
    for fault in [Way::Refused, Way::Silent] {
        let sandbox = docent.sandbox_with(&[]).await;
        way.set(fault);
        let started = Instant::now();
        assert_eq!(chats(&sandbox, &forged(&ada.token, "new", NEW_SECRET)).await, 401);
        assert!(started.elapsed() < Duration::from_secs(10), "{fault:?}");
        assert_eq!(chats(&sandbox, &ada.token).await, 200, "{fault:?}");
        way.set(Way::Open);
    }
}

#[tokio::test]
async fn a_value_that_was_given_itself_is_never_looked_up() {
    let readings = Readings::counted().await;
    let key = Parameter::create("a key").await;
    // One secret has a name, the ring has none.
    let docent = Docent::with(&[
        ("ANTHROPIC_API_KEY", ""),
        ("ANTHROPIC_API_KEY_PARAMETER", &key.name),
        ("AWS_ENDPOINT_URL", &readings.endpoint),
    ])
    .await;
    let ada = docent.user("ada").await;
    readings.take();
    let many = vec![forged(&ada.token, "none", NEW_SECRET); 20];
    assert_eq!(chats_of_many(&docent.router, &many).await, [401; 20]);
    assert_eq!(readings.take(), 0);
}

/// The user's own token, signed anew by another key.
fn forged(token: &str, kid: &str, secret: &str) -> String {
    let claims = token.split('.').nth(1).unwrap();
    let header = json!({"alg": "HS256", "typ": "at+jwt", "kid": kid}).to_string();
    let signed = format!("{}.{claims}", data_encoding::BASE64URL_NOPAD.encode(header.as_bytes()));
    let key = jsonwebtoken::EncodingKey::from_secret(secret.as_bytes());
    let signature = jsonwebtoken::crypto::sign(signed.as_bytes(), &key, jsonwebtoken::Algorithm::HS256).unwrap();
    format!("{signed}.{signature}")
}
