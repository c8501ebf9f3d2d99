//! What ends a session or an API key marks it before that is committed and once more after: no request of it is let through
//! in between, whatever becomes of the first mark.

use axum::Router;
use axum::http::{Method, Request};
use serde_json::{Value, json};

use crate::support::{Docent, PASSWORD, User, request, send, service, text, wait_for};

/// While somebody holds this lock, what deletes a session or a key waits when it is about to be committed.
const HOLD_COMMITS: &str = "
    CREATE FUNCTION hold() RETURNS trigger LANGUAGE plpgsql AS
        $$ BEGIN PERFORM pg_advisory_xact_lock(7); RETURN NULL; END $$;
    CREATE CONSTRAINT TRIGGER hold AFTER DELETE ON sessions DEFERRABLE INITIALLY DEFERRED
        FOR EACH ROW EXECUTE FUNCTION hold();
    CREATE CONSTRAINT TRIGGER hold AFTER DELETE ON api_keys DEFERRABLE INITIALLY DEFERRED
        FOR EACH ROW EXECUTE FUNCTION hold();";

/// A credential that is about to end, and where Redis keeps how it stands.
struct Doomed {
    docent: Docent,
    sandbox: Router,
    redis: redis::aio::MultiplexedConnection,
    standing: String,
    credential: String,
}

/// The second session of somebody, with all its tokens.
async fn second_session(docent: &Docent, user: &User) -> (User, String) {
    let body = json!({"email": user.email, "password": PASSWORD});
    let begun = docent.post(user, "/api/auth/login", body).await.expect(200);
    let second = User {
        token: text(&begun["token"]),
        refresh_token: text(&begun["refreshToken"]),
        ..user.clone()
    };
    let sessions = docent.get(&second, "/api/users/me/sessions").await.expect(200)["sessions"].clone();
    let current = sessions.as_array().unwrap().iter().find(|it| it["current"] == true);
    (second, text(&current.unwrap()["id"]))
}

impl Doomed {
    async fn new(docent: Docent, id: &str, credential: &str) -> Self {
        let client = redis::Client::open(service("TEST_REDIS_URL")).unwrap();
        docent.database.execute(HOLD_COMMITS).await;
        Self {
            sandbox: docent.another_sandbox().await,
            redis: client.get_multiplexed_async_connection().await.unwrap(),
            standing: format!("{}:standing:{id}", docent.key_prefix),
            credential: credential.to_owned(),
            docent,
        }
    }

    async fn ask<T: redis::FromRedisValue>(&self, command: &str) -> T {
        let mut command = redis::cmd(command);
        command.arg(&self.standing);
        command.query_async(&mut self.redis.clone()).await.unwrap()
    }

    /// In another sandbox than the one that ends it.
    async fn status(&self) -> u16 {
        let chats = request(Method::GET, "/api/chats", Some(&self.credential), None);
        send(&self.sandbox, chats).await.status.as_u16()
    }

    async fn ends_by(&self, ending: Request<axum::body::Body>, status: u16) {
        let holder = self.docent.database.client().await;
        holder.batch_execute("SELECT pg_advisory_lock(7)").await.unwrap();
        let router = self.docent.router.clone();
        let ended = tokio::spawn(async move { send(&router, ending).await });
        wait_for("the mark before the commit", || async {
            let standing: Option<String> = self.ask("GET").await;
            (standing.as_deref() == Some("ended")).then_some(())
        })
        .await;
        assert!(!ended.is_finished());

        // The mark may run out while the commit waits. Then somebody finds a session alive, and notes that. Whoever asks
        // Postgres for a key waits for the commit.
        let _: i64 = self.ask("DEL").await;
        if !self.credential.starts_with("docent_") {
            assert_eq!(self.status().await, 200);
            let noted: Option<String> = self.ask("GET").await;
            assert!(noted.is_some_and(|noted| noted.starts_with("alive:")));
        }
        holder.batch_execute("SELECT pg_advisory_unlock(7)").await.unwrap();
        let reply = ended.await.unwrap();
        assert_eq!(reply.status.as_u16(), status, "{reply:?}");
        let standing: Option<String> = self.ask("GET").await;
        assert_eq!(standing.as_deref(), Some("ended"));
        assert_eq!(self.status().await, 401);
    }
}

fn call(method: Method, path: &str, token: &str, body: Option<Value>) -> Request<axum::body::Body> {
    request(
        method,
        path,
        Some(token).filter(|token| !token.is_empty()),
        body.as_ref(),
    )
}

#[tokio::test]
async fn a_session_that_its_user_ends_is_marked_before_the_commit_and_after() {
    for is_own in [true, false] {
        let docent = Docent::start().await;
        let ada = docent.user("ada").await;
        let (second, id) = second_session(&docent, &ada).await;
        let doomed = Doomed::new(docent, &id, &second.token).await;
        let ending = if is_own {
            call(Method::POST, "/api/auth/logout", &second.token, None)
        } else {
            call(
                Method::DELETE,
                &format!("/api/users/me/sessions/{id}"),
                &ada.token,
                None,
            )
        };
        doomed.ends_by(ending, 204).await;
    }
}

#[tokio::test]
async fn a_session_that_a_new_password_ends_is_marked_before_the_commit_and_after() {
    let docent = Docent::start().await;
    let ada = docent.user("ada").await;
    let (second, id) = second_session(&docent, &ada).await;
    let doomed = Doomed::new(docent, &id, &second.token).await;
    let body = json!({"password": "a brand new passphrase", "currentPassword": PASSWORD});
    let ending = call(Method::PATCH, "/api/users/me", &ada.token, Some(body));
    doomed.ends_by(ending, 200).await;
}

#[tokio::test]
async fn a_session_whose_token_comes_again_is_marked_before_the_commit_and_after() {
    let docent = Docent::start().await;
    let ada = docent.user("ada").await;
    let (second, id) = second_session(&docent, &ada).await;
    let spent = json!({"refreshToken": second.refresh_token});
    let refresh = || call(Method::POST, "/api/auth/refresh", "", Some(spent.clone()));
    docent.send(refresh()).await.expect(200);
    let long_ago = "UPDATE sessions SET spent_at = spent_at - interval '11 seconds'";
    docent.database.execute(long_ago).await;
    let doomed = Doomed::new(docent, &id, &second.token).await;
    doomed.ends_by(refresh(), 401).await;
}

#[tokio::test]
async fn a_session_of_a_deleted_account_is_marked_before_the_commit_and_after() {
    let docent = Docent::start().await;
    let ada = docent.user("ada").await;
    let (second, id) = second_session(&docent, &ada).await;
    let doomed = Doomed::new(docent, &id, &second.token).await;
    let ending = call(Method::DELETE, "/api/users/me", &ada.token, None);
    doomed.ends_by(ending, 204).await;
}

#[tokio::test]
async fn a_deleted_key_is_marked_before_the_commit_and_after() {
    let docent = Docent::start().await;
    let ada = docent.user("ada").await;
    let wish = json!({"name": "script", "scopes": ["ask"], "currentPassword": PASSWORD});
    let made = docent.post(&ada, "/api/users/me/api-keys", wish).await.expect(201);
    let id = text(&made["apiKey"]["id"]);
    let doomed = Doomed::new(docent, &id, &text(&made["secret"])).await;
    let ending = call(
        Method::DELETE,
        &format!("/api/users/me/api-keys/{id}"),
        &ada.token,
        None,
    );
    doomed.ends_by(ending, 204).await;
}
