//! Whoever has too much in flight is told to wait, before anything is written.

use crate::journey::QUESTION;
use crate::support::{Docent, text};

#[tokio::test]
async fn a_user_has_so_many_open_jobs_and_no_more() {
    let docent = Docent::with(&[("MAX_OPEN_JOBS_PER_USER", "3")]).await;
    let ada = docent.user("ada").await;
    let mut jobs = Vec::new();
    for number in 0..3 {
        jobs.push(text(
            &docent.ask(&ada, &format!("{QUESTION} {number}")).await.expect(202)["jobId"],
        ));
    }
    let refused = docent.ask(&ada, QUESTION).await;
    assert_eq!(refused.header("retry-after"), "5");
    assert_eq!(refused.expect(429)["code"], "too_many_open_jobs");
    assert_eq!(
        docent.database.number("SELECT count(*) FROM chats").await,
        3,
        "nothing was written"
    );
    // Others are not concerned, and room comes back with every end.
    let bob = docent.user("bob").await;
    docent.ask(&bob, QUESTION).await.expect(202);
    docent.delete(&ada, &format!("/api/ask/{}", jobs[0])).await.expect(204);
    docent.ask(&ada, QUESTION).await.expect(202);
}

#[tokio::test]
async fn twenty_open_jobs_are_the_default() {
    let docent = Docent::start().await;
    let ada = docent.user("ada").await;
    for number in 0..20 {
        docent.ask(&ada, &format!("{QUESTION} {number}")).await.expect(202);
    }
    docent.ask(&ada, QUESTION).await.expect(429);
}

#[tokio::test]
async fn a_deployment_can_have_a_limit_too() {
    let docent = Docent::with(&[("MAX_OPEN_JOBS", "2")]).await;
    let ada = docent.user("ada").await;
    let bob = docent.user("bob").await;
    docent.ask(&ada, QUESTION).await.expect(202);
    docent.ask(&bob, QUESTION).await.expect(202);
    let refused = docent.ask(&docent.user("eve").await, QUESTION).await;
    assert_eq!(refused.header("retry-after"), "30");
    assert_eq!(refused.expect(503)["code"], "busy");
    assert_eq!(docent.database.number("SELECT count(*) FROM jobs").await, 2);
}

#[tokio::test]
async fn the_longer_the_queue_the_later_a_client_is_told_to_come_back() {
    let docent = Docent::with(&[("MAX_OPEN_JOBS_PER_USER", "0")]).await;
    let ada = docent.user("ada").await;
    assert_eq!(docent.ask(&ada, "first").await.header("retry-after"), "1");
    // A hundred more of the same kind.
    docent
        .database
        .execute(
            "INSERT INTO jobs (id, kind, owner_id, chat_id, question, collection_ids, answer_key, expires_at)
             SELECT gen_random_uuid(), kind, owner_id, chat_id, question, collection_ids, answer_key, expires_at
             FROM jobs, generate_series(1, 100)",
        )
        .await;
    assert_eq!(docent.ask(&ada, "second").await.header("retry-after"), "11");
}
