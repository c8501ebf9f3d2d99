//! Passwords: which are taken, how they are kept, and what an attacker can learn from a refusal.

use std::time::{Duration, Instant};

use axum::http::Method;
use serde_json::json;

use crate::support::{CountingProxy, Database, Docent, HttpReply, PASSWORD, service, wait_for};

async fn sign_in(docent: &Docent, email: &str, password: &str) -> HttpReply {
    let body = json!({"email": email, "password": password});
    docent.call(Method::POST, "/api/auth/login", "", Some(body)).await
}

#[tokio::test]
async fn a_common_password_or_ones_own_name_is_refused_when_it_is_set() {
    let docent = Docent::start().await;
    let ada = docent.user("ada").await;
    for password in [
        "password1234",
        "Administrator1!",
        "grace.hopper@example.com",
        "GraceHopper1906",
        "swordfish",
    ] {
        let body = json!({"email": "grace.hopper@example.com", "name": "Grace Hopper", "password": password});
        let refused = docent
            .call(Method::POST, "/api/auth/register", "", Some(body))
            .await
            .expect(422);
        assert!(refused["details"]["password"].is_array(), "{password}: {refused}");
        assert!(!refused.to_string().contains(password), "{refused}");
    }
    for password in ["iloveyou1234", "ada@example.com"] {
        let body = json!({"password": password, "currentPassword": PASSWORD});
        let refused = docent
            .call(Method::PATCH, "/api/users/me", &ada.token, Some(body))
            .await
            .expect(422);
        assert!(refused["details"]["password"].is_array(), "{password}: {refused}");
    }
    sign_in(&docent, &ada.email, PASSWORD).await.expect(200);
}

#[tokio::test]
async fn one_password_may_be_typed_in_several_ways() {
    let docent = Docent::start().await;
    let body = json!({"email": "ada@example.com", "password": "un cafe\u{301} noir, merci"});
    docent
        .call(Method::POST, "/api/auth/register", "", Some(body))
        .await
        .expect(201);
    sign_in(&docent, "ada@example.com", "un caf\u{e9} noir, merci")
        .await
        .expect(200);
    sign_in(&docent, "ada@example.com", "un cafe\u{301} noir, merci")
        .await
        .expect(200);
    sign_in(&docent, "ada@example.com", "un cafe noir, merci")
        .await
        .expect(401);
}

#[tokio::test]
async fn an_old_hash_is_renewed_when_its_user_signs_in() {
    let docent = Docent::start().await;
    let ada = docent.user("ada").await;
    // `correct horse battery staple` with 8 MiB and one pass.
    let old = "$argon2id$v=19$m=8192,t=1,p=1$DVb+sdkRl9N8Pjl6VUtuOg$i3rbssPXLrwyF9i5tf8X55C+KzZyLtDu7upMPjuudvc";
    docent
        .database
        .execute(&format!("UPDATE users SET password_hash = '{old}'"))
        .await;
    sign_in(&docent, &ada.email, "not the right password").await.expect(401);
    assert_eq!(docent.database.text("SELECT password_hash FROM users").await, old);
    sign_in(&docent, &ada.email, PASSWORD).await.expect(200);
    let renewed = docent.database.text("SELECT password_hash FROM users").await;
    assert!(renewed.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{renewed}");
    sign_in(&docent, &ada.email, PASSWORD).await.expect(200);
    assert_eq!(docent.database.text("SELECT password_hash FROM users").await, renewed);
}

#[tokio::test]
async fn an_unknown_address_costs_as_many_round_trips_as_a_wrong_password() {
    let database = Database::create().await;
    let (postgres, database_url) = CountingProxy::to(&database.functions_url).await;
    let (redis, redis_url) = CountingProxy::to(&service("TEST_REDIS_URL")).await;
    let docent = Docent::with(&[("DATABASE_URL", &database_url), ("REDIS_URL", &redis_url)]).await;
    let ada = docent.user("ada").await;
    // A kept connection that has rested is asked whether it still lives, so an attempt opens what the next one uses, and on a
    // busy machine it may have to be counted again.
    let counted = async |email: String| {
        wait_for("an undisturbed count", || async {
            docent.get(&ada, "/api/users/me").await.expect(200);
            postgres.take_turns();
            redis.take_turns();
            let started = Instant::now();
            sign_in(&docent, &email, "not the right password").await.expect(401);
            let turns = (postgres.take_turns(), redis.take_turns());
            (started.elapsed() < Duration::from_millis(800)).then_some(turns)
        })
        .await
    };
    let wrong = counted(ada.email.clone()).await;
    let unknown = counted("nobody@example.com".to_owned()).await;
    assert_eq!(wrong, unknown);
    assert_eq!(wrong, (1, 1), "(Postgres, Redis): the account, and the limits");
}

/// How long each takes, in turn, 300 times. It measures a machine and not only the code, so it is run by hand on one that
/// does nothing else, as a release: `cargo xtask test` starts the services; with their addresses in `TEST_DATABASE_URL` and
/// `TEST_REDIS_URL`: `cargo test --release -p tests -- --ignored unknown_address_takes_as_long`
#[tokio::test]
#[ignore = "measures time, which only a machine at rest can tell"]
async fn an_unknown_address_takes_as_long_as_a_wrong_password() {
    let docent = Docent::start().await;
    let mut times = [Vec::new(), Vec::new()];
    for number in 0..300 {
        // An account each, so that nobody runs into the limit of guesses.
        let user = docent.user(&format!("user-{number}")).await;
        let mut both = [(0, user.email), (1, format!("nobody-{number}@example.com"))];
        // Neither is always the one that comes after a registration, with all that it left in caches.
        both.rotate_left(number % 2);
        for (kind, email) in both {
            let started = Instant::now();
            sign_in(&docent, &email, "not the right password").await.expect(401);
            times[kind].push(started.elapsed());
        }
    }
    let [wrong, unknown] = times.map(|mut times| {
        times.sort();
        times[times.len() / 2].as_secs_f64()
    });
    let apart = (wrong - unknown).abs() / wrong;
    eprintln!("medians: {wrong:.5} s and {unknown:.5} s");
    assert!(apart < 0.05, "medians: {wrong:.4} s and {unknown:.4} s");
}
