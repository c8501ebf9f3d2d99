//! Sessions: begun, refreshed, ended, and over at once wherever they were ended.

use std::time::Instant;

use axum::Router;
use axum::http::{Method, Request};
use futures_util::future::join_all;
use janitor::sweep;
use serde_json::{Value, json};

use crate::support::{Docent, FaultyWay, HttpReply, PASSWORD, User, Way, request, send, service, text, wait_for};

const REFRESH: &str = "/api/auth/refresh";
const SESSIONS: &str = "/api/users/me/sessions";

async fn refresh_at(router: &Router, refresh_token: &str) -> HttpReply {
    let body = json!({"refreshToken": refresh_token});
    send(router, request(Method::POST, REFRESH, None, Some(&body))).await
}

async fn refresh(docent: &Docent, refresh_token: &str) -> HttpReply {
    refresh_at(&docent.router, refresh_token).await
}

async fn status_at(router: &Router, token: &str) -> u16 {
    let me = request(Method::GET, "/api/users/me", Some(token), None);
    send(router, me).await.status.as_u16()
}

/// Signs in once more: the same user with another session.
async fn sign_in(docent: &Docent, user: &User) -> User {
    let body = json!({"email": user.email, "password": PASSWORD});
    let reply = docent
        .call(Method::POST, "/api/auth/login", "", Some(body))
        .await
        .expect(200);
    User {
        token: text(&reply["token"]),
        refresh_token: text(&reply["refreshToken"]),
        ..user.clone()
    }
}

/// As if so much time had passed since a token was spent.
async fn pass(docent: &Docent, seconds: u32) {
    let statement = format!(
        "UPDATE sessions SET spent_at = spent_at - interval '{seconds} seconds',
                             reissued_at = reissued_at - interval '{seconds} seconds'"
    );
    docent.database.execute(&statement).await;
}

fn refresh_token(reply: &Value) -> String {
    text(&reply["refreshToken"])
}

async fn assert_dead(docent: &Docent, user: &User, refresh_token: &str) {
    docent.get(user, "/api/users/me").await.expect(401);
    let refused = refresh(docent, refresh_token).await.expect(401);
    assert_eq!(refused["code"], "invalid_refresh_token");
}

#[tokio::test]
async fn a_session_is_refreshed_again_and_again() {
    let docent = Docent::start().await;
    let mut user = docent.user("ada").await;
    for _ in 0..3 {
        let reply = refresh(&docent, &user.refresh_token).await.expect(200);
        assert_eq!(reply["expiresIn"], 900);
        assert_ne!(refresh_token(&reply), user.refresh_token);
        user.refresh_token = refresh_token(&reply);
        user.token = text(&reply["token"]);
        docent.get(&user, "/api/users/me").await.expect(200);
    }
    assert_eq!(docent.database.number("SELECT count(*) FROM sessions").await, 1);
    let stored = docent.database.text("SELECT current_token::text FROM sessions").await;
    assert!(!stored.contains(&user.refresh_token), "only its digest is stored");
}

#[tokio::test]
async fn refreshing_moves_the_end_of_a_session_but_never_beyond_ninety_days() {
    let docent = Docent::start().await;
    let ada = docent.user("ada").await;
    let days = "SELECT round(extract(epoch FROM expires_at - now()) / 86400)::int8 FROM sessions";
    assert_eq!(docent.database.number(days).await, 30);
    docent
        .database
        .execute("UPDATE sessions SET expires_at = now() + interval '1 day'")
        .await;
    let next = refresh_token(&refresh(&docent, &ada.refresh_token).await.expect(200));
    assert_eq!(docent.database.number(days).await, 30);
    docent
        .database
        .execute("UPDATE sessions SET expires_at = now() + interval '1 day', ends_at = now() + interval '5 days'")
        .await;
    refresh(&docent, &next).await.expect(200);
    assert_eq!(docent.database.number(days).await, 5);
}

#[tokio::test]
async fn of_fifty_refreshes_at_once_one_succeeds_and_a_replay_ends_the_family() {
    let docent = Docent::start().await;
    let ada = docent.user("ada").await;
    let routers = join_all((0..10).map(|_| docent.another_sandbox())).await;
    for router in &routers {
        assert_eq!(status_at(router, &ada.token).await, 200);
    }
    let refreshes = join_all((0..50).map(|n| refresh_at(&routers[n % 10], &ada.refresh_token)));
    // Each sandbox has one connection, and one of its refreshes waits for the session's row with it.
    let replies = docent.database.let_gather("sessions", 10, refreshes).await;
    let (won, lost): (Vec<_>, Vec<_>) = replies.into_iter().partition(|reply| reply.status == 200);
    assert_eq!(won.len(), 1);
    for reply in lost {
        assert_eq!(
            (reply.status.as_u16(), reply.header("retry-after")),
            (409, "2"),
            "{reply:?}"
        );
        assert_eq!(reply.json()["code"], "refresh_in_progress");
    }
    let won = won.into_iter().next().unwrap().expect(200);
    let heir = User {
        token: text(&won["token"]),
        ..ada.clone()
    };
    docent.get(&heir, "/api/users/me").await.expect(200);
    let next = refresh_token(&refresh(&docent, &refresh_token(&won)).await.expect(200));

    // Its successor was used: the first token in somebody's hands is stolen, however soon it comes.
    refresh(&docent, &ada.refresh_token).await.expect(401);
    let replayed = Instant::now();
    for router in &routers {
        assert_eq!(status_at(router, &heir.token).await, 401);
    }
    assert_dead(&docent, &heir, &next).await;
    assert!(replayed.elapsed().as_secs() < 1, "{:?}", replayed.elapsed());
}

#[tokio::test]
async fn a_token_that_comes_again_after_ten_seconds_ends_the_family() {
    let docent = Docent::start().await;
    let ada = docent.user("ada").await;
    let other = sign_in(&docent, &ada).await;
    let next = refresh_token(&refresh(&docent, &ada.refresh_token).await.expect(200));
    pass(&docent, 11).await;
    refresh(&docent, &ada.refresh_token).await.expect(401);
    assert_dead(&docent, &ada, &next).await;
    docent.get(&other, "/api/users/me").await.expect(200);
    refresh(&docent, &other.refresh_token).await.expect(200);
}

#[tokio::test]
async fn a_lost_response_is_made_good_once() {
    let docent = Docent::start().await;
    let ada = docent.user("ada").await;
    let lost = refresh_token(&refresh(&docent, &ada.refresh_token).await.expect(200));
    refresh(&docent, &ada.refresh_token).await.expect(409);
    pass(&docent, 3).await;
    let made_good = refresh_token(&refresh(&docent, &ada.refresh_token).await.expect(200));
    assert_ne!(made_good, lost);
    // The same moment once more.
    refresh(&docent, &ada.refresh_token).await.expect(409);
    pass(&docent, 3).await;
    let next = refresh_token(&refresh(&docent, &made_good).await.expect(200));
    docent.get(&ada, "/api/users/me").await.expect(200);

    let bob = docent.user("bob").await;
    refresh(&docent, &bob.refresh_token).await.expect(200);
    pass(&docent, 3).await;
    let made_good = refresh_token(&refresh(&docent, &bob.refresh_token).await.expect(200));
    pass(&docent, 3).await;
    refresh(&docent, &bob.refresh_token).await.expect(401);
    assert_dead(&docent, &bob, &made_good).await;
    refresh(&docent, &next).await.expect(200);
}

#[tokio::test]
async fn the_token_that_was_replaced_is_worth_nothing_and_using_it_ends_the_family() {
    let docent = Docent::start().await;
    let ada = docent.user("ada").await;
    let lost = refresh_token(&refresh(&docent, &ada.refresh_token).await.expect(200));
    pass(&docent, 3).await;
    let made_good = refresh_token(&refresh(&docent, &ada.refresh_token).await.expect(200));
    refresh(&docent, &lost).await.expect(401);
    assert_dead(&docent, &ada, &made_good).await;
}

#[tokio::test]
async fn what_is_no_refresh_token_is_refused() {
    let docent = Docent::start().await;
    let ada = docent.user("ada").await;
    let unknown = "A".repeat(43);
    for wrong in ["", "nonsense", &unknown, &ada.token, &format!("{}=", ada.refresh_token)] {
        let refused = refresh(&docent, wrong).await.expect(401);
        assert_eq!(refused["code"], "invalid_refresh_token", "{wrong}");
    }
    let body = Some(json!({}));
    docent.call(Method::POST, REFRESH, "", body).await.expect(422);
    docent.database.execute("UPDATE sessions SET expires_at = now()").await;
    refresh(&docent, &ada.refresh_token).await.expect(401);
}

#[tokio::test]
async fn signing_out_ends_this_session_and_no_other() {
    let docent = Docent::start().await;
    let ada = docent.user("ada").await;
    let other = sign_in(&docent, &ada).await;
    docent
        .call(Method::POST, "/api/auth/logout", &ada.token, None)
        .await
        .expect(204);
    assert_dead(&docent, &ada, &ada.refresh_token).await;
    docent
        .call(Method::POST, "/api/auth/logout", &ada.token, None)
        .await
        .expect(401);
    docent.get(&other, "/api/users/me").await.expect(200);
}

#[tokio::test]
async fn sessions_are_listed_and_can_be_ended_by_their_user_alone() {
    let docent = Docent::start().await;
    let (ada, bob) = (docent.user("ada").await, docent.user("bob").await);
    let login = Request::post("/api/auth/login")
        .header("content-type", "application/json")
        .header("user-agent", format!("Phone {}", "x".repeat(300)))
        .body(json!({"email": ada.email, "password": PASSWORD}).to_string().into());
    let phone = docent.send(login.unwrap()).await.expect(200);
    let listed = docent.get(&ada, SESSIONS).await.expect(200)["sessions"].clone();
    let [newest, oldest] = &listed.as_array().unwrap()[..] else {
        panic!("{listed}")
    };
    assert_eq!((&newest["current"], &oldest["current"]), (&json!(false), &json!(true)));
    assert_eq!(text(&newest["userAgent"]).len(), 200);
    assert_eq!(oldest["userAgent"], Value::Null);
    let mut fields: Vec<&String> = newest.as_object().unwrap().keys().collect();
    fields.sort();
    assert_eq!(
        fields,
        ["createdAt", "current", "expiresAt", "id", "lastUsedAt", "userAgent"]
    );

    let path = format!("{SESSIONS}/{}", text(&newest["id"]));
    let mut foreign = docent.delete(&bob, &path).await.expect(404);
    let mut missing = docent
        .delete(&bob, &format!("{SESSIONS}/{}", uuid::Uuid::now_v7()))
        .await
        .expect(404);
    foreign["requestId"].take();
    missing["requestId"].take();
    assert_eq!(foreign, missing);
    let phone = text(&phone["token"]);
    assert_eq!(status_at(&docent.router, &phone).await, 200);
    docent.delete(&ada, &path).await.expect(204);
    assert_eq!(status_at(&docent.router, &phone).await, 401);
    docent.delete(&ada, &path).await.expect(404);
    docent.get(&ada, "/api/users/me").await.expect(200);
}

#[tokio::test]
async fn a_new_password_ends_the_other_sessions() {
    let docent = Docent::start().await;
    let ada = docent.user("ada").await;
    let other = sign_in(&docent, &ada).await;
    let patch = async |body| {
        docent
            .call(Method::PATCH, "/api/users/me", &ada.token, Some(body))
            .await
    };
    patch(json!({"name": "Ada L."})).await.expect(200);
    docent.get(&other, "/api/users/me").await.expect(200);
    let body = json!({"password": "a brand new passphrase", "currentPassword": PASSWORD});
    patch(body).await.expect(200);
    assert_dead(&docent, &other, &other.refresh_token).await;
    docent.get(&ada, "/api/users/me").await.expect(200);
    refresh(&docent, &ada.refresh_token).await.expect(200);
}

#[tokio::test]
async fn a_deleted_account_has_no_sessions_anywhere() {
    let docent = Docent::start().await;
    let ada = docent.user("ada").await;
    let other = sign_in(&docent, &ada).await;
    let sandbox = docent.another_sandbox().await;
    assert_eq!(status_at(&sandbox, &other.token).await, 200);
    docent.delete(&ada, "/api/users/me").await.expect(204);
    for token in [&ada.token, &other.token] {
        assert_eq!(status_at(&sandbox, token).await, 401);
        for (method, path) in [
            (Method::GET, "/api/documents"),
            (Method::GET, "/api/chats"),
            (Method::GET, SESSIONS),
            (Method::POST, "/api/auth/logout"),
        ] {
            docent.call(method, path, token, None).await.expect(401);
        }
    }
    refresh(&docent, &other.refresh_token).await.expect(401);
}

#[tokio::test]
async fn without_redis_a_session_is_over_at_once_too() {
    let docent = Docent::with(&[("REDIS_URL", "")]).await;
    let ada = docent.user("ada").await;
    let other = sign_in(&docent, &ada).await;
    let sandbox = docent.another_sandbox().await;
    assert_eq!(status_at(&sandbox, &ada.token).await, 200);
    docent
        .call(Method::POST, "/api/auth/logout", &ada.token, None)
        .await
        .expect(204);
    assert_eq!(status_at(&sandbox, &ada.token).await, 401);
    let next = refresh_token(&refresh(&docent, &other.refresh_token).await.expect(200));
    pass(&docent, 11).await;
    refresh(&docent, &other.refresh_token).await.expect(401);
    assert_dead(&docent, &other, &next).await;
}

/// What Redis knows of sessions.
struct Standings {
    redis: redis::aio::MultiplexedConnection,
    prefix: String,
}

impl Standings {
    async fn of(docent: &Docent) -> Self {
        let client = redis::Client::open(service("TEST_REDIS_URL")).unwrap();
        Self {
            redis: client.get_multiplexed_async_connection().await.unwrap(),
            prefix: docent.key_prefix.clone(),
        }
    }

    async fn ask<T: redis::FromRedisValue>(&self, command: &str, key: &str) -> T {
        redis::cmd(command)
            .arg(key)
            .query_async(&mut self.redis.clone())
            .await
            .unwrap()
    }

    async fn keys(&self) -> Vec<String> {
        self.ask("KEYS", &format!("{}:standing:*", self.prefix)).await
    }
}

#[tokio::test]
async fn a_session_that_ended_while_redis_was_away_is_not_revived_by_its_return() {
    let (way, url) = FaultyWay::to(&service("TEST_REDIS_URL")).await;
    let docent = Docent::with(&[("REDIS_URL", &url)]).await;
    let ada = docent.user("ada").await;
    docent.get(&ada, "/api/users/me").await.expect(200);
    let standings = Standings::of(&docent).await;
    let [of_ada] = &standings.keys().await[..] else {
        panic!("one session is known")
    };
    way.set(Way::Refused);
    docent
        .call(Method::POST, "/api/auth/logout", &ada.token, None)
        .await
        .expect(204);
    docent.get(&ada, "/api/users/me").await.expect(401);

    // Redis could not be told. What it knew before lives for a minute at most, and is over here.
    let seconds: i64 = standings.ask("TTL", of_ada).await;
    assert!((1..=60).contains(&seconds), "{seconds}");
    let _: () = standings.ask("DEL", of_ada).await;
    let bob = docent.user("bob").await;
    way.set(Way::Open);
    wait_for("Redis to be asked again", || async {
        docent.get(&ada, "/api/users/me").await.expect(401);
        docent.get(&bob, "/api/users/me").await.expect(200);
        standings.keys().await.iter().any(|key| key != of_ada).then_some(())
    })
    .await;
    docent.get(&ada, "/api/users/me").await.expect(401);
    let told: Option<String> = standings.ask("GET", of_ada).await;
    assert_ne!(told.as_deref(), Some(format!("alive:{}", ada.id).as_str()));
}

#[tokio::test]
async fn a_mark_that_says_ended_outlives_every_note_that_says_alive() {
    let docent = Docent::start().await;
    let ada = docent.user("ada").await;
    docent.get(&ada, "/api/users/me").await.expect(200);
    let standings = Standings::of(&docent).await;
    let [of_ada] = &standings.keys().await[..] else {
        panic!("one session is known")
    };
    let alive: String = standings.ask("GET", of_ada).await;
    docent
        .call(Method::POST, "/api/auth/logout", &ada.token, None)
        .await
        .expect(204);
    let ended: String = standings.ask("GET", of_ada).await;
    assert_eq!((alive, ended.as_str()), (format!("alive:{}", ada.id), "ended"));
    assert!(standings.ask::<i64>("TTL", of_ada).await > 120);
}

#[tokio::test]
async fn signing_in_without_end_does_not_fill_the_table() {
    let docent = Docent::start().await;
    let ada = docent.user("ada").await;
    let kept = docent.database.text("SELECT id::text FROM sessions").await;
    let fill = "INSERT INTO sessions (id, owner_id, last_used_at, expires_at, ends_at, current_token)
                SELECT gen_random_uuid(), owner_id, now() - n * interval '1 hour', expires_at, ends_at, sha256(n::text::bytea)
                FROM sessions, generate_series(1, 49) AS n";
    docent.database.execute(fill).await;
    let idle = docent
        .database
        .text("SELECT id::text FROM sessions ORDER BY last_used_at LIMIT 1")
        .await;
    sign_in(&docent, &ada).await;
    let count = |id: &str| format!("SELECT count(*) FROM sessions WHERE id = '{id}'");
    assert_eq!(docent.database.number("SELECT count(*) FROM sessions").await, 50);
    assert_eq!(
        docent.database.number(&count(&idle)).await,
        0,
        "the one that was idle for longest"
    );
    assert_eq!(docent.database.number(&count(&kept)).await, 1);
}

#[tokio::test]
async fn the_janitor_deletes_sessions_that_have_expired() {
    let docent = Docent::start().await;
    let ada = docent.user("ada").await;
    docent
        .database
        .execute("UPDATE sessions SET expires_at = now() - interval '1 second'")
        .await;
    let bob = docent.user("bob").await;
    docent.get(&bob, "/api/users/me").await.expect(200);
    assert_eq!(sweep::run(&docent.janitor).await.unwrap().sessions_purged, 1);
    assert_eq!(docent.database.number("SELECT count(*) FROM refresh_tokens").await, 1);
    refresh(&docent, &ada.refresh_token).await.expect(401);
    refresh(&docent, &bob.refresh_token).await.expect(200);
}
