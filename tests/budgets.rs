//! Round trips, counted on the wire. A change that adds one has to say so here.

use crate::journey::{LEASES, QUESTION};
use crate::support::{CountingProxy, Database, Docent, service, wait_for};

#[tokio::test]
async fn a_question_costs_five_round_trips_to_postgres_and_three_to_redis_and_a_hit_costs_one() {
    let database = Database::create().await;
    let (postgres, database_url) = CountingProxy::to(&database.functions_url).await;
    let (redis, redis_url) = CountingProxy::to(&service("TEST_REDIS_URL")).await;
    let docent = Docent::with(&[("DATABASE_URL", &database_url), ("REDIS_URL", &redis_url)]).await;
    let ada = docent.user("ada").await;
    docent.upload(&ada, "Operations", LEASES).await;

    // One question to open every connection; a kept connection that has rested is asked whether it still lives, so
    // what is counted has to follow closely, and on a busy machine may have to be counted again.
    docent.ask_and_finish(&ada, QUESTION).await;
    let counted = wait_for("an undisturbed count", || async {
        docent.ask(&ada, &format!("opening {}", uuid::Uuid::new_v4())).await;
        docent.queue.work_once(&docent.worker).await;
        postgres.take_turns();
        redis.take_turns();
        let started = std::time::Instant::now();
        let question = format!("How long is a lease, {}?", uuid::Uuid::new_v4());
        assert_eq!(docent.ask(&ada, &question).await.status, 202);
        let accepted = (postgres.take_turns(), redis.take_turns());
        docent.queue.work_once(&docent.worker).await;
        let worked = (postgres.take_turns(), redis.take_turns());
        docent.ask(&ada, &question).await.expect(200);
        let hit = (postgres.take_turns(), redis.take_turns());
        (started.elapsed() < std::time::Duration::from_millis(800)).then_some((accepted, worked, hit))
    })
    .await;
    assert_eq!(
        counted,
        ((1, 1), (4, 2), (0, 1)),
        "(Postgres, Redis) of: accepting, working, a hit"
    );
}

#[tokio::test]
async fn a_poll_costs_one_round_trip_to_postgres_and_one_to_redis() {
    let database = Database::create().await;
    let (postgres, database_url) = CountingProxy::to(&database.functions_url).await;
    let (redis, redis_url) = CountingProxy::to(&service("TEST_REDIS_URL")).await;
    let docent = Docent::with(&[("DATABASE_URL", &database_url), ("REDIS_URL", &redis_url)]).await;
    let ada = docent.user("ada").await;
    let job = docent.ask(&ada, QUESTION).await.expect(202)["jobId"]
        .as_str()
        .unwrap()
        .to_owned();
    let turns = wait_for("an undisturbed count", || async {
        docent.job(&ada, &job).await;
        postgres.take_turns();
        redis.take_turns();
        let started = std::time::Instant::now();
        docent.job(&ada, &job).await;
        let turns = (postgres.take_turns(), redis.take_turns());
        (started.elapsed() < std::time::Duration::from_millis(800)).then_some(turns)
    })
    .await;
    assert_eq!(turns, (1, 1));
}

#[tokio::test]
async fn no_connection_is_held_during_a_call_to_the_model() {
    let docent = Docent::with(&[("WORKER_CONCURRENCY", "1")]).await;
    let ada = docent.user("ada").await;
    docent.upload(&ada, "Operations", LEASES).await;
    let permits = std::sync::Arc::new(tokio::sync::Semaphore::new(0));
    docent
        .llm
        .then(crate::support::Reply::QuoteWhenAllowed(permits.clone()));
    let accepted = docent.ask(&ada, QUESTION).await;
    // The worker's pool has one connection. While the model thinks, somebody else can have it.
    let probe = async {
        wait_for("the call", || async { (docent.llm.calls() == 1).then_some(()) }).await;
        let free = docent.worker.db.session().await.is_ok();
        permits.add_permits(1);
        free
    };
    let (_, free) = tokio::join!(docent.finish(&ada, accepted), probe);
    assert!(free);
}
