//! The password of the functions at Redis.

use std::time::Duration;

use axum::http::Method;
use redis::ConnectionLike;
use serde_json::json;
use shared::cache::Cache;
use shared::config::{CacheConfig, Env};
use uuid::Uuid;

use super::chats_of_many;
use crate::journey::{LEASES, QUESTION};
use crate::support::{Docent, HttpReply, Parameter, Readings, request, send, service, wait_for};

/// A user of Redis with a password that can be changed, and the URL of that user.
struct CacheUser(String);

impl CacheUser {
    fn create() -> Self {
        let user = Self(format!("rotated-{}", Uuid::new_v4()));
        user.admin(&["ACL", "SETUSER", &user.0, "on", ">old", "~*", "+@all"]);
        user
    }

    fn admin(&self, command: &[&str]) {
        let mut redis = redis::Client::open(service("TEST_REDIS_URL")).unwrap();
        redis.req_command(redis::cmd(command[0]).arg(&command[1..])).unwrap();
    }

    fn url(&self, password: &str) -> String {
        let way = format!("redis://{}:{password}@", self.0);
        service("TEST_REDIS_URL").replacen("redis://", &way, 1)
    }

    /// Whoever was logged in has to log in again.
    fn change_password(&self, password: &str) {
        self.admin(&["ACL", "SETUSER", &self.0, "resetpass", &format!(">{password}")]);
        self.admin(&["CLIENT", "KILL", "USER", &self.0]);
    }
}

#[tokio::test]
async fn the_cache_comes_back_with_the_new_password_and_no_question_fails_meanwhile() {
    let user = CacheUser::create();
    let url = Parameter::create(&user.url("old")).await;
    let settings = [("REDIS_URL", ""), ("REDIS_URL_PARAMETER", url.name.as_str())];
    let docent = Docent::with(&[settings[0], settings[1], ("MAX_OPEN_JOBS_PER_USER", "0")]).await;
    let ada = docent.user("ada").await;
    docent.upload(&ada, "Operations", LEASES).await;
    docent.ask_and_finish(&ada, QUESTION).await;
    let source = |reply: HttpReply| reply.json()["source"].clone();
    assert_eq!(source(docent.ask(&ada, QUESTION).await), "cache");

    let readings = Readings::counted().await;
    let named = [
        settings[0],
        settings[1],
        ("AWS_ENDPOINT_URL", readings.endpoint.as_str()),
    ];
    let early = docent.sandbox_with(&named).await;
    readings.take();
    user.change_password("new");
    let body = json!({"query": QUESTION});
    for _ in 0..3 {
        assert_eq!(chats_of_many(&early, &vec![ada.token.clone(); 10]).await, [200; 10]);
        let ask = request(Method::POST, "/api/ask", Some(&ada.token), Some(&body));
        assert_eq!(send(&early, ask).await.status, 202, "without a cache it is a job");
        // Redis is left alone for a second after a failure: only then can it be refused again.
        tokio::time::sleep(Duration::from_millis(1100)).await;
    }
    assert_eq!(readings.take(), 1);

    url.put(&user.url("new")).await;
    wait_for("the cache to come back", || async {
        let reply = docent.ask(&ada, QUESTION).await;
        assert!(reply.status == 200 || reply.status == 202, "{reply:?}");
        (source(reply) == "cache").then_some(())
    })
    .await;
}

/// The client keeps to the refusal of its first connection. A password that counts again has to be enough nevertheless.
#[tokio::test]
async fn a_cache_whose_password_was_wrong_for_a_while_comes_back() {
    let user = CacheUser::create();
    let mut env = Env::new([("REDIS_URL".to_owned(), user.url("old"))]);
    let cache = Cache::connect(&CacheConfig::from_env(&mut env)).unwrap();
    cache.ping().await.unwrap();
    user.change_password("new");
    wait_for("a refusal", || async { cache.ping().await.err() }).await;
    assert!(cache.ping().await.is_err());
    user.change_password("old");
    wait_for("the cache to come back", || async { cache.ping().await.ok() }).await;
}
