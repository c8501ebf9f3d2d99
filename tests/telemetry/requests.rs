//! Requests.

use axum::http::Method;
use serde_json::json;

use super::{counts, line, lines, number};
use crate::delivery::prepared;
use crate::journey::QUESTION;
use crate::support::{Docent, Log, text};

/// As long as a line may be that is written for every request.
const MODEST: usize = 800;

#[tokio::test]
async fn a_hit_is_one_modest_line() {
    let (docent, ada) = prepared(&[]).await;
    docent.ask_and_finish(&ada, QUESTION).await;
    // The limits' and the session's marks are there from now on: the hit is one round trip to Redis and no more.
    docent.ask(&ada, QUESTION).await.expect(200);
    let log = Log::default();
    let guard = log.begin();
    let reply = docent.ask(&ada, QUESTION).await;
    drop(guard);
    let id = reply.header("x-request-id").to_owned();
    reply.expect(200);
    let line = line(&log, "request");
    assert_eq!(counts(&line), [("CacheHits", 1.0)]);
    for (field, value) in [
        ("Service", json!("api")),
        ("level", json!("INFO")),
        ("request_id", json!(id)),
        ("method", json!("POST")),
        ("route", json!("/api/ask")),
        ("status", json!(200)),
        ("user_id", json!(ada.id)),
        ("outcome", json!("cache_hit")),
    ] {
        assert_eq!(line[field], value, "{line}");
    }
    assert!(number(&line, "RequestMs") >= number(&line, "cache_ms"), "{line}");
    assert!(line["postgres_ms"].is_null() && line["queue_ms"].is_null(), "{line}");
    assert!(line["code"].is_null(), "{line}");
    let written = log.text();
    let length = written.lines().find(|line| line.contains("_aws")).unwrap().len();
    assert!(length <= MODEST, "{length} bytes: {written}");
}

#[tokio::test]
async fn a_question_is_accepted_joined_repeated_or_withdrawn() {
    let (docent, ada) = prepared(&[]).await;
    let grace = docent.user("grace").await;
    let log = Log::default();
    let guard = log.begin();
    let shared = json!({"query": QUESTION, "collections": ["00000000-0000-7000-8000-000000000001"]});
    let leader = docent.post(&ada, "/api/ask", shared.clone()).await.expect(202);
    let follower = docent.post(&grace, "/api/ask", shared).await.expect(202);
    let path = format!("/api/ask/{}", text(&leader["jobId"]));
    docent.delete(&ada, &path).await.expect(204);
    docent.delete(&ada, &path).await.expect(204);
    docent.get(&ada, &path).await.expect(200);
    drop(guard);
    let lines = lines(&log, "request");
    let told: Vec<_> = lines
        .iter()
        .map(|line| (line["outcome"].as_str(), counts(line)))
        .collect();
    let expected = [
        (Some("accepted"), vec![("CacheMisses", 1.0), ("Accepted", 1.0)]),
        (Some("joined"), vec![("CacheMisses", 1.0), ("Coalesced", 1.0)]),
        (Some("cancelled"), vec![("JobsCancelled", 1.0)]),
        (None, vec![]),
        (None, vec![]),
    ];
    assert_eq!(told, expected, "{lines:?}");
    assert_eq!(
        (&lines[0]["job_id"], &lines[0]["user_id"]),
        (&leader["jobId"], &json!(ada.id))
    );
    assert_eq!(
        (&lines[1]["job_id"], &lines[1]["leader"]),
        (&follower["jobId"], &leader["jobId"])
    );
    assert!(number(&lines[0], "postgres_ms") > 0.0 && number(&lines[0], "queue_ms") > 0.0);
    assert!(lines[1]["queue_ms"].is_null(), "a follower needs no message");
    assert_eq!(lines[4]["route"], "/api/ask/{id}");
}

#[tokio::test]
async fn who_is_turned_away_is_counted_with_the_reason() {
    let docent = Docent::with(&[("RATE_LIMIT_ASK", "1/h"), ("MAX_OPEN_JOBS_PER_USER", "1")]).await;
    let ada = docent.user("ada").await;
    let grace = docent.user("grace").await;
    let log = Log::default();
    let guard = log.begin();
    docent.ask(&ada, QUESTION).await.expect(202);
    docent.ask(&ada, "Another?").await.expect(429);
    drop(guard);
    let refused = &lines(&log, "request")[1];
    assert_eq!(
        (&refused["status"], &refused["code"]),
        (&json!(429), &json!("rate_limited"))
    );
    assert_eq!(counts(refused), [("RateLimited", 1.0)]);
    assert_eq!(refused["user_id"], ada.id, "{refused}");

    let open = docent.sandbox_with(&[("RATE_LIMIT_ASK", "1000/m")]).await;
    let log = Log::default();
    let guard = log.begin();
    for (question, status) in [(QUESTION, 202), ("Another?", 429)] {
        let request = crate::support::request(
            Method::POST,
            "/api/ask",
            Some(&grace.token),
            Some(&json!({"query": question})),
        );
        crate::support::send(&open, request).await.expect(status);
    }
    drop(guard);
    let refused = &lines(&log, "request")[1];
    assert_eq!(refused["code"], "too_many_open_jobs");
    assert_eq!(counts(refused), [("CacheMisses", 1.0), ("RateLimited", 1.0)]);
}

#[tokio::test]
async fn what_is_not_found_or_not_allowed_has_a_line_with_its_code_and_no_user() {
    let docent = Docent::with(&[("REDIS_URL", "")]).await;
    let log = Log::default();
    let guard = log.begin();
    docent.call(Method::GET, "/nothing/here", "", None).await.expect(404);
    docent
        .call(Method::GET, "/api/chats", "no token", None)
        .await
        .expect(401);
    drop(guard);
    let told: Vec<_> = lines(&log, "request")
        .iter()
        .map(|line| {
            assert!(line["user_id"].is_null() && counts(line).is_empty(), "{line}");
            (text(&line["route"]), text(&line["code"]))
        })
        .collect();
    let expected = [("(none)", "not_found"), ("/api/chats", "unauthorized")];
    assert_eq!(told, expected.map(|(route, code)| (route.to_owned(), code.to_owned())));
}
