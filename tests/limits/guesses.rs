//! How fast passwords can be guessed.

use axum::http::Method;
use futures_util::future::join_all;
use serde_json::{Value, json};

use super::{credentials, from, is_limited};
use crate::support::{Docent, HttpReply, PASSWORD, User, send, service};

/// What is the same for everybody: status, body without the request's id, headers without those of one request.
fn shape(reply: &HttpReply) -> (u16, Value, Vec<(String, String)>) {
    let mut body = reply.json();
    body["requestId"] = Value::Null;
    let mut headers: Vec<(String, String)> = reply
        .headers
        .iter()
        .filter(|(name, _)| name.as_str() != "x-request-id")
        .map(|(name, value)| (name.to_string(), value.to_str().unwrap().to_owned()))
        .collect();
    headers.sort();
    (reply.status.as_u16(), body, headers)
}

async fn sign_in(docent: &Docent, address: &str, email: &str, password: &str) -> HttpReply {
    let request = credentials("/api/auth/login", email, password);
    docent.send(from(address, request)).await
}

#[tokio::test]
async fn a_guesser_is_slowed_and_learns_nothing_about_who_has_an_account() {
    let docent = Docent::with(&[("RATE_LIMIT_SIGN_IN", "off")]).await;
    docent.user("ada").await;
    for _ in 0..5 {
        let known = sign_in(&docent, "192.0.2.1", "ada@example.com", "not the password").await;
        let unknown = sign_in(&docent, "192.0.2.1", "nobody@example.com", "not the password").await;
        assert_eq!(known.status, 401);
        let without_times = |reply: &HttpReply| {
            let (status, body, mut headers) = shape(reply);
            headers.retain(|(name, _)| name != "ratelimit-reset");
            (status, body, headers)
        };
        assert_eq!(without_times(&known), without_times(&unknown));
    }
    for email in ["ada@example.com", " ADA@example.com", "nobody@example.com"] {
        for password in ["not the password", PASSWORD] {
            let refused = sign_in(&docent, "192.0.2.1", email, password).await;
            assert!(is_limited(&refused), "{refused:?}");
            let wait: u64 = refused.header("retry-after").parse().unwrap();
            assert!(
                (1..=12).contains(&wait),
                "a minute's five come twelve seconds apart: {wait}"
            );
        }
    }
}

#[tokio::test]
async fn passwords_that_are_tried_at_once_are_no_more_than_those_tried_in_turn() {
    let docent = Docent::with(&[("RATE_LIMIT_SIGN_IN", "off")]).await;
    docent.user("ada").await;
    let sandboxes = [docent.another_sandbox().await, docent.another_sandbox().await];
    let guesses = (0..50).map(|number| {
        let request = credentials("/api/auth/login", "ada@example.com", &format!("guess number {number}"));
        send(&sandboxes[number % 2], from("192.0.2.1", request))
    });
    let replies = join_all(guesses).await;
    let looked_at = replies.iter().filter(|reply| reply.status == 401).count();
    // Hashing fifty would take long enough for the sixth to be let through.
    assert!((5..=6).contains(&looked_at), "{looked_at}");
    assert_eq!(replies.iter().filter(|reply| is_limited(reply)).count(), 50 - looked_at);
}

#[tokio::test]
async fn who_knows_the_password_is_never_slowed() {
    let docent = Docent::with(&[("RATE_LIMIT_SIGN_IN", "off")]).await;
    docent.user("ada").await;
    for _ in 0..8 {
        sign_in(&docent, "192.0.2.1", "ada@example.com", PASSWORD)
            .await
            .expect(200);
    }
}

#[tokio::test]
async fn a_stranger_cannot_lock_the_owner_out() {
    for redis in [service("TEST_REDIS_URL"), String::new()] {
        let docent = Docent::with(&[("RATE_LIMIT_SIGN_IN", "off"), ("REDIS_URL", &redis)]).await;
        docent.user("ada").await;
        let home = "2001:db8:a:b::1";
        sign_in(&docent, home, "ada@example.com", PASSWORD).await.expect(200);
        for _ in 0..5 {
            let guess = sign_in(&docent, "192.0.2.66", "ada@example.com", "not the password").await;
            assert_eq!(guess.status, 401);
        }
        assert!(is_limited(
            &sign_in(&docent, "192.0.2.66", "ada@example.com", PASSWORD).await
        ));
        sign_in(&docent, home, "ada@example.com", PASSWORD).await.expect(200);
        // From there guesses are limited all the same, and nothing is familiar to another account.
        for status in [401, 401, 401, 401, 401, 429] {
            let guess = sign_in(&docent, home, "ada@example.com", "not the password").await;
            assert_eq!(guess.status, status);
        }
        assert_eq!(
            sign_in(&docent, home, "bob@example.com", "not the password")
                .await
                .status,
            401
        );
    }
}

/// What the password is asked for besides signing in: a new one, and a key for a program.
async fn prove(docent: &Docent, user: &User, password: &str) -> [HttpReply; 2] {
    let change = json!({"password": "a brand new passphrase", "currentPassword": password});
    let wish = json!({"name": "a program", "scopes": ["ask"], "currentPassword": password});
    [
        docent
            .call(Method::PATCH, "/api/users/me", &user.token, Some(change))
            .await,
        docent.post(user, "/api/users/me/api-keys", wish).await,
    ]
}

#[tokio::test]
async fn a_thief_of_a_token_guesses_the_password_no_faster_than_anybody() {
    for redis in [service("TEST_REDIS_URL"), String::new()] {
        let docent = Docent::with(&[("REDIS_URL", &redis)]).await;
        let ada = docent.user("ada").await;
        for _ in 0..2 {
            for refused in prove(&docent, &ada, "not the password").await {
                let refused = refused.expect(422);
                assert!(refused["details"]["currentPassword"].is_array(), "{refused}");
            }
        }
        let wrong = json!({"email": ada.email, "password": "not the password"});
        docent.post(&ada, "/api/auth/login", wrong).await.expect(401);
        for password in ["not the password", PASSWORD] {
            for refused in prove(&docent, &ada, password).await {
                assert!(is_limited(&refused), "{refused:?}");
                let wait: u64 = refused.header("retry-after").parse().unwrap();
                assert!((1..=12).contains(&wait), "{wait}");
            }
        }
        let right = json!({"email": ada.email, "password": PASSWORD});
        assert!(is_limited(&docent.post(&ada, "/api/auth/login", right).await));
        assert_eq!(docent.database.number("SELECT count(*) FROM api_keys").await, 0);
    }
}

#[tokio::test]
async fn who_has_a_token_and_the_password_is_never_slowed() {
    let docent = Docent::start().await;
    let ada = docent.user("ada").await;
    for _ in 0..8 {
        let wish = json!({"name": "a program", "scopes": ["ask"], "currentPassword": PASSWORD});
        docent.post(&ada, "/api/users/me/api-keys", wish).await.expect(201);
    }
}
