//! Parts go down, hang, and come back: what can go on does, what cannot says so soon.

use std::time::{Duration, Instant};

use serde_json::json;

use crate::journey::{LEASES, QUESTION};
use crate::support::{Database, Docent, FaultyWay, User, Way, service, text, wait_for};

async fn with_redis() -> (FaultyWay, Docent, User) {
    let (way, url) = FaultyWay::to(&service("TEST_REDIS_URL")).await;
    let docent = Docent::with(&[("REDIS_URL", &url), ("MAX_OPEN_JOBS_PER_USER", "0")]).await;
    let ada = docent.user("ada").await;
    docent.upload(&ada, "Operations", LEASES).await;
    (way, docent, ada)
}

async fn with_postgres() -> (FaultyWay, Docent, User) {
    let database = Database::create().await;
    let (way, url) = FaultyWay::to(&database.functions_url).await;
    let mut docent = Docent::with(&[("DATABASE_URL", &url)]).await;
    // Tests look at the rows past the broken way.
    docent.database = database;
    let ada = docent.user("ada").await;
    docent.upload(&ada, "Operations", LEASES).await;
    (way, docent, ada)
}

/// The longest of all but one of a hundred, which may have met something else.
fn ninety_ninth(mut times: Vec<Duration>) -> Duration {
    times.sort();
    times[times.len() - 2]
}

#[tokio::test]
async fn without_redis_asking_is_at_most_300_ms_slower() {
    for fault in [Way::Refused, Way::Silent] {
        let (way, docent, ada) = with_redis().await;
        let mut usual = Vec::new();
        let mut slow = Vec::new();
        for round in 0..200 {
            if round == 100 {
                way.set(fault);
            }
            let started = Instant::now();
            docent.ask(&ada, &format!("{QUESTION} {round}")).await.expect(202);
            if round < 100 { &mut usual } else { &mut slow }.push(started.elapsed());
        }
        let added = ninety_ninth(slow).saturating_sub(ninety_ninth(usual));
        assert!(added <= Duration::from_millis(300), "{fault:?}: {added:?} more");
    }
}

#[tokio::test]
async fn while_redis_hangs_few_requests_wait_for_it() {
    let (way, docent, ada) = with_redis().await;
    docent.ask(&ada, QUESTION).await.expect(202);
    way.set(Way::Silent);
    let started = Instant::now();
    docent.ask(&ada, "first").await.expect(202);
    assert!(started.elapsed() > Duration::from_millis(100), "this one has waited");
    let started = Instant::now();
    for number in 0..5 {
        docent.ask(&ada, &format!("soon after {number}")).await.expect(202);
    }
    let each = started.elapsed() / 5;
    assert!(each < Duration::from_millis(100), "and these have not: {each:?}");
}

#[tokio::test]
async fn a_job_is_done_while_redis_is_away_and_answers_come_from_it_when_it_is_back() {
    let (way, docent, ada) = with_redis().await;
    way.set(Way::Silent);
    assert_eq!(docent.ask_and_finish(&ada, QUESTION).await["status"], "completed");
    way.set(Way::Open);
    wait_for("the cache to be used again", || async {
        let question = format!("How long does the lease last, {}?", uuid::Uuid::new_v4());
        docent.ask_and_finish(&ada, &question).await;
        (docent.ask(&ada, &question).await.status == 200).then_some(())
    })
    .await;
}

#[tokio::test]
async fn without_postgres_asking_is_refused_within_three_seconds_and_nothing_is_half_done() {
    for fault in [Way::Refused, Way::Silent] {
        let (way, docent, ada) = with_postgres().await;
        let sent = docent.queue.len().await;
        // Once on a connection that was just used and is trusted, once on one that is looked at first.
        for rest in [Duration::ZERO, Duration::from_millis(1200)] {
            way.set(Way::Open);
            docent.get(&ada, "/api/chats").await.expect(200);
            tokio::time::sleep(rest).await;
            way.set(fault);
            let started = Instant::now();
            let refused = docent.ask(&ada, QUESTION).await;
            let time = started.elapsed();
            assert_eq!(
                (refused.status.as_u16(), refused.header("retry-after")),
                (503, "2"),
                "{fault:?}"
            );
            assert_eq!(refused.json()["code"], "unavailable");
            assert!(time <= Duration::from_secs(3), "{fault:?} after {rest:?}: {time:?}");
        }
        let written = "SELECT count(*) FROM jobs WHERE kind = 'answer_question'";
        assert_eq!(
            (docent.database.number(written).await, docent.queue.len().await),
            (0, sent)
        );
        way.set(Way::Open);
        let started = Instant::now();
        docent.ask(&ada, QUESTION).await.expect(202);
        assert!(
            started.elapsed() <= Duration::from_secs(1),
            "the first after its return works at once"
        );
    }
}

#[tokio::test]
async fn without_the_queue_a_question_is_accepted_and_soon() {
    let (way, endpoint) = FaultyWay::to(&service("AWS_ENDPOINT_URL")).await;
    let docent = Docent::with(&[("AWS_ENDPOINT_URL", &endpoint)]).await;
    let ada = docent.user("ada").await;
    for fault in [Way::Refused, Way::Silent] {
        way.set(fault);
        let started = Instant::now();
        docent.ask(&ada, &format!("{QUESTION} {fault:?}")).await.expect(202);
        assert!(
            started.elapsed() < Duration::from_secs(3),
            "{fault:?}: {:?}",
            started.elapsed()
        );
    }
}

#[tokio::test]
async fn a_thawed_sandbox_answers_its_first_request() {
    let database = Database::create().await;
    let (postgres, database_url) = FaultyWay::to(&database.functions_url).await;
    let (redis, redis_url) = FaultyWay::to(&service("TEST_REDIS_URL")).await;
    let (queue, endpoint) = FaultyWay::to(&service("AWS_ENDPOINT_URL")).await;
    let docent = Docent::with(&[
        ("DATABASE_URL", &database_url),
        ("REDIS_URL", &redis_url),
        ("AWS_ENDPOINT_URL", &endpoint),
    ])
    .await;
    let ada = docent.user("ada").await;
    docent.upload(&ada, "Operations", LEASES).await;
    for round in 0..5 {
        let job = docent.ask_and_finish(&ada, &format!("{QUESTION} {round}")).await;
        assert_eq!(job["status"], "completed", "{job}");
        // All connections end while it is frozen, some without a word.
        for way in [&postgres, &redis, &queue] {
            way.cut();
        }
        tokio::time::sleep(Duration::from_millis(1100)).await;
        let started = Instant::now();
        let hit = docent.ask(&ada, &format!("{QUESTION} {round}")).await;
        assert_eq!(
            hit.expect(200)["source"],
            "cache",
            "round {round}: Redis was asked again at once"
        );
        let job = docent.ask_and_finish(&ada, &format!("{QUESTION} after {round}")).await;
        assert_eq!(
            (&job["status"], &job["attempt"]),
            (&json!("completed"), &json!(1)),
            "{job}"
        );
        assert!(started.elapsed() < Duration::from_secs(5), "{:?}", started.elapsed());
    }
}

#[tokio::test]
async fn an_answer_that_was_paid_for_is_stored_when_the_database_is_back() {
    let (way, docent, ada) = with_postgres().await;
    let permits = std::sync::Arc::new(tokio::sync::Semaphore::new(0));
    docent
        .llm
        .then(crate::support::Reply::QuoteWhenAllowed(permits.clone()));
    let id = text(&docent.ask(&ada, QUESTION).await.expect(202)["jobId"]);
    let outage = async {
        wait_for("the call", || async { (docent.llm.calls() == 1).then_some(()) }).await;
        way.set(Way::Refused);
        permits.add_permits(1);
        tokio::time::sleep(Duration::from_millis(700)).await;
        way.set(Way::Open);
    };
    tokio::join!(docent.queue.work_once(&docent.worker), outage);
    let job = docent.job(&ada, &id).await;
    assert_eq!(
        (&job["status"], &job["attempt"], docent.llm.calls()),
        (&json!("completed"), &json!(1), 1),
        "{job}"
    );
}
