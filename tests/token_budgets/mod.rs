//! How many tokens a user may spend.

mod settling;

use axum::http::Method;
use futures_util::future::join_all;
use serde_json::{Value, json};

use crate::delivery::prepared;
use crate::journey::QUESTION;
use crate::support::{CountingProxy, Database, Docent, HttpReply, User, request, send, text, wait_for};

/// What one question may cost with the settings of these tests: 500 of passages, 4,000 around them, 16 of an answer.
const WORST_CASE: u64 = 4_516;
/// What the scripted model says that each call costs.
const CALL: u64 = 1_100;

/// With room for so many questions a day.
async fn with_room_for(questions: u64, more: &[(&str, &str)]) -> (Docent, User) {
    let budget = (questions * WORST_CASE).to_string();
    let own = [
        ("RETRIEVAL_TOKENS", "500"),
        ("ANTHROPIC_MAX_TOKENS", "16"),
        ("MAX_OPEN_JOBS_PER_USER", "1000"),
        ("DAILY_TOKEN_BUDGET", budget.as_str()),
    ];
    prepared(&[&own, more].concat()).await
}

/// Of today: used and reserved.
async fn account(docent: &Docent, user: &User) -> (u64, u64) {
    let usage = docent.get(user, "/api/users/me/usage").await.expect(200);
    let tokens = |name: &str| usage["today"][name].as_u64().unwrap();
    (tokens("usedTokens"), tokens("reservedTokens"))
}

fn is_exhausted(reply: &HttpReply) -> bool {
    reply.status == 429 && reply.json()["code"] == "budget_exhausted"
}

#[tokio::test]
async fn fifty_at_once_never_reserve_more_than_there_is() {
    let (docent, ada) = with_room_for(3, &[]).await;
    // A sandbox has one connection, for which not all fifty would wait in patience.
    let sandboxes = join_all((0..10).map(|_| docent.another_sandbox())).await;
    for sandbox in &sandboxes {
        let path = "/api/chats";
        send(sandbox, request(Method::GET, path, Some(&ada.token), None))
            .await
            .expect(200);
    }
    let asked = (0..50).map(|number| {
        let body = json!({"query": format!("{QUESTION} {number}")});
        send(
            &sandboxes[number % 10],
            request(Method::POST, "/api/ask", Some(&ada.token), Some(&body)),
        )
    });
    // Nobody can store anything of hers until one has come in each sandbox: whoever counts before then, counts nothing.
    let replies = docent.database.let_gather("users", 10, join_all(asked)).await;
    assert_eq!(replies.iter().filter(|reply| reply.status == 202).count(), 3);
    assert_eq!(replies.iter().filter(|reply| is_exhausted(reply)).count(), 47);
    assert_eq!(account(&docent, &ada).await, (0, 3 * WORST_CASE));
    let chats = docent.database.number("SELECT count(*) FROM chats").await;
    assert_eq!(
        (docent.queue.len().await, chats),
        (3, 3),
        "nothing is left of those that were turned away"
    );
}

#[tokio::test]
async fn without_a_budget_nothing_is_reserved_and_all_is_counted() {
    let (docent, ada) = prepared(&[]).await;
    let accepted = docent.ask(&ada, QUESTION).await;
    assert_eq!(account(&docent, &ada).await, (0, 0));
    docent.finish(&ada, accepted).await;
    assert_eq!(account(&docent, &ada).await, (CALL, 0));
    let usage = docent.get(&ada, "/api/users/me/usage").await.expect(200);
    assert_eq!(usage["today"]["budgetTokens"], Value::Null);
}

#[tokio::test]
async fn a_new_day_and_a_new_month_bring_a_new_budget() {
    let month = (2 * WORST_CASE).to_string();
    let (docent, ada) = with_room_for(1, &[("MONTHLY_TOKEN_BUDGET", &month)]).await;
    docent.ask_and_finish(&ada, QUESTION).await;
    docent
        .database
        .execute("UPDATE token_usage SET input_tokens = 9000, output_tokens = 32")
        .await;
    let refused = docent.ask(&ada, "Something else about leases?").await;
    assert!(
        refused.json()["error"].as_str().unwrap().contains("of this month"),
        "{refused:?}"
    );
    let wait: i64 = refused.header("retry-after").parse().unwrap();
    assert!(wait > 0 && wait <= 31 * 86_400, "{refused:?}");
    docent
        .database
        .execute("UPDATE token_usage SET input_tokens = 1000, output_tokens = 0")
        .await;
    let refused = docent.ask(&ada, "Something else about leases?").await;
    assert!(
        refused.json()["error"].as_str().unwrap().contains("of this day"),
        "{refused:?}"
    );
    docent
        .database
        .execute(
            "UPDATE token_usage SET day = (date_trunc('month', now() AT TIME ZONE 'UTC') - interval '1 day')::date",
        )
        .await;
    let usage = docent.get(&ada, "/api/users/me/usage").await.expect(200);
    assert_eq!(
        (&usage["today"]["usedTokens"], &usage["month"]["usedTokens"]),
        (&json!(0), &json!(0))
    );
    docent.ask(&ada, "Something else about leases?").await.expect(202);
}

#[tokio::test]
async fn what_was_used_outlives_the_chats() {
    let (docent, ada) = with_room_for(2, &[]).await;
    let job = docent.ask_and_finish(&ada, QUESTION).await;
    docent
        .delete(&ada, &format!("/api/chats/{}", text(&job["chatId"])))
        .await
        .expect(204);
    assert_eq!(account(&docent, &ada).await, (CALL, 0));
}

#[tokio::test]
async fn a_keyed_question_that_is_turned_away_leaves_its_key_free() {
    let (docent, ada) = with_room_for(1, &[]).await;
    let ask = async |question: &str| {
        let body = json!({"query": question});
        let mut keyed = request(Method::POST, "/api/ask", Some(&ada.token), Some(&body));
        keyed.headers_mut().insert("idempotency-key", "one".parse().unwrap());
        docent.send(keyed).await
    };
    let open = docent.ask(&ada, QUESTION).await;
    assert!(is_exhausted(&ask("Something else about leases?").await));
    docent
        .delete(&ada, &format!("/api/ask/{}", text(&open.expect(202)["jobId"])))
        .await
        .expect(204);
    let made = text(&ask("A third thing about leases?").await.expect(202)["jobId"]);
    assert_eq!(
        text(&ask("A third thing about leases?").await.expect(202)["jobId"]),
        made
    );
    assert_eq!(account(&docent, &ada).await, (0, WORST_CASE));
}

#[tokio::test]
async fn accepting_with_a_budget_is_one_round_trip() {
    let database = Database::create().await;
    let (postgres, database_url) = CountingProxy::to(&database.functions_url).await;
    let settings = [
        ("DATABASE_URL", database_url.as_str()),
        ("DAILY_TOKEN_BUDGET", "100000000"),
    ];
    let docent = Docent::with(&settings).await;
    let ada = docent.user("ada").await;
    let turns = wait_for("an undisturbed count", || async {
        docent.ask(&ada, &format!("opening {}", uuid::Uuid::new_v4())).await;
        postgres.take_turns();
        let started = std::time::Instant::now();
        assert_eq!(
            docent
                .ask(&ada, &format!("counted {}", uuid::Uuid::new_v4()))
                .await
                .status,
            202
        );
        (started.elapsed() < std::time::Duration::from_millis(800)).then_some(postgres.take_turns())
    })
    .await;
    assert_eq!(turns, 1);
}

#[tokio::test]
async fn uploads_count_among_the_open_jobs() {
    let docent = Docent::with(&[("MAX_OPEN_JOBS_PER_USER", "1")]).await;
    let ada = docent.user("ada").await;
    let upload = async |text: &str| {
        let body = json!({"title": "A", "text": text, "mediaType": "text/plain"});
        docent.post(&ada, "/api/documents", body).await
    };
    upload("one").await.expect(202);
    let refused = upload("two").await;
    assert_eq!(
        (refused.status.as_u16(), &refused.json()["code"]),
        (429, &json!("too_many_open_jobs"))
    );
    // What is there already is not another job.
    upload("one").await.expect(200);
    assert_eq!(docent.database.number("SELECT count(*) FROM documents").await, 1);
    wait_for("the document", || async {
        docent.queue.work_once(&docent.worker).await;
        (upload("two").await.status == 202).then_some(())
    })
    .await;
}
