//! While nothing is open the janitor leaves the database alone, so that one that pauses may do so; and it is awake again
//! before there is anything to do.

use axum::http::Method;
use janitor::trigger;
use redis::AsyncTypedCommands;
use serde_json::{Value, json};

use crate::delivery::prepared;
use crate::journey::QUESTION;
use crate::support::{CountingProxy, Database, Docent, service, text, wait_for};

async fn schedule(docent: &Docent) -> Value {
    trigger::handle(&docent.janitor, json!({"sweep": {}}), "test")
        .await
        .unwrap()
}

/// As if nobody had asked for some minutes.
async fn forget_the_busy_note(docent: &Docent) {
    let client = redis::Client::open(service("TEST_REDIS_URL")).unwrap();
    let mut redis = client.get_multiplexed_async_connection().await.unwrap();
    redis.del(format!("{}:idle", docent.key_prefix)).await.unwrap();
}

#[tokio::test]
async fn an_idle_deployment_is_not_looked_into() {
    let database = Database::create().await;
    let (postgres, url) = CountingProxy::to(&database.functions_url).await;
    let docent = Docent::with(&[("DATABASE_URL", &url)]).await;
    assert!(schedule(&docent).await["resent"].is_number(), "nobody has looked yet");
    postgres.take_turns();
    for _ in 0..3 {
        assert_eq!(schedule(&docent).await, Value::Null);
    }
    assert_eq!(postgres.take_turns(), 0);
}

#[tokio::test]
async fn what_may_begin_a_job_wakes_the_janitor_before_the_job_is_stored() {
    let (docent, ada) = prepared(&[]).await;
    let keyed = |query: &str| {
        let body = json!({"query": query});
        (Method::POST, "/api/ask", Some(body))
    };
    let upload = json!({"title": "Tea", "text": "Green tea is brewed for two minutes.", "mediaType": "text/plain"});
    for (method, path, body) in [keyed(QUESTION), (Method::POST, "/api/documents", Some(upload))] {
        set_idle(&docent).await;
        assert_eq!(schedule(&docent).await, Value::Null, "{path}");
        docent.call(method, path, &ada.token, body).await.expect(202);
        assert!(schedule(&docent).await.is_object(), "{path}");
        // A janitor that looked before the job was stored says so after it: its word does not count.
        docent.janitor.cache.note_idle().await;
        assert!(schedule(&docent).await.is_object(), "{path}");
    }
}

#[tokio::test]
async fn an_open_job_keeps_the_janitor_awake_however_long_ago_it_was_begun() {
    let (docent, ada) = prepared(&[]).await;
    let job = text(&docent.ask(&ada, QUESTION).await.expect(202)["jobId"]);
    forget_the_busy_note(&docent).await;
    for _ in 0..2 {
        assert!(schedule(&docent).await.is_object());
    }
    docent.queue.work_once(&docent.worker).await;
    assert_eq!(docent.job(&ada, &job).await["status"], "completed");
    // A run folds and purges what the job left behind; the one after it finds nothing to do.
    wait_for("a janitor that sleeps", || async {
        schedule(&docent).await.is_null().then_some(())
    })
    .await;
}

#[tokio::test]
async fn reading_and_polling_let_the_janitor_sleep() {
    let (docent, ada) = prepared(&[]).await;
    set_idle(&docent).await;
    for path in ["/api/chats", "/api/documents", "/api/users/me"] {
        docent.get(&ada, path).await.expect(200);
    }
    assert_eq!(schedule(&docent).await, Value::Null);
}

#[tokio::test]
async fn a_redrive_wakes_the_janitor() {
    let (docent, _) = prepared(&[]).await;
    set_idle(&docent).await;
    let count = json!({"redrive": {"dryRun": true}});
    trigger::handle(&docent.janitor, count, "test").await.unwrap();
    assert_eq!(schedule(&docent).await, Value::Null, "counting opens nothing");
    trigger::handle(&docent.janitor, json!({"redrive": {}}), "test")
        .await
        .unwrap();
    assert!(schedule(&docent).await.is_object());
}

#[tokio::test]
async fn without_redis_the_janitor_always_looks() {
    let docent = Docent::with(&[("REDIS_URL", "")]).await;
    for _ in 0..2 {
        assert!(schedule(&docent).await.is_object());
    }
}

async fn set_idle(docent: &Docent) {
    forget_the_busy_note(docent).await;
    docent.janitor.cache.note_idle().await;
}
