//! A cached answer is served only while it is true, and only to those who may read what it came from.

use crate::journey::{LEASES, QUESTION};
use crate::support::{Docent, User, service, text};

async fn answered_once(docent: &Docent) -> (User, String) {
    let ada = docent.user("ada").await;
    let document = docent.upload(&ada, "Operations", LEASES).await;
    docent.ask_and_finish(&ada, QUESTION).await;
    docent.ask(&ada, QUESTION).await.expect(200);
    (ada, document)
}

async fn redis(docent: &Docent, pattern: &str) -> (redis::aio::MultiplexedConnection, Vec<String>) {
    let client = redis::Client::open(service("TEST_REDIS_URL")).unwrap();
    let mut connection = client.get_multiplexed_async_connection().await.unwrap();
    let keys: Vec<String> = redis::cmd("KEYS")
        .arg(format!("{}:{pattern}", docent.key_prefix))
        .query_async(&mut connection)
        .await
        .unwrap();
    (connection, keys)
}

#[tokio::test]
async fn a_new_document_ends_the_life_of_cached_answers() {
    let docent = Docent::start().await;
    let (ada, _) = answered_once(&docent).await;
    docent
        .upload(&ada, "News", "# Leases\n\nThe lease of a worker is now one minute.\n")
        .await;
    let job = docent.ask_and_finish(&ada, QUESTION).await;
    assert_eq!(job["source"], "llm", "{job}");
    assert_eq!(docent.llm.calls(), 2);
}

#[tokio::test]
async fn a_deleted_document_is_not_answered_from_any_more() {
    let docent = Docent::start().await;
    let (ada, document) = answered_once(&docent).await;
    docent
        .delete(&ada, &format!("/api/documents/{document}"))
        .await
        .expect(204);
    let job = docent.ask_and_finish(&ada, QUESTION).await;
    assert_eq!(job["grounded"], "none", "{job}");
    assert_eq!(docent.llm.calls(), 1);
}

#[tokio::test]
async fn an_answer_whose_versions_redis_has_forgotten_is_proven_by_postgres() {
    let docent = Docent::start().await;
    let (ada, _) = answered_once(&docent).await;
    let (mut connection, versions) = redis(&docent, "version:*").await;
    assert_eq!(versions.len(), 2, "{versions:?}");
    let _: i64 = redis::cmd("DEL")
        .arg(&versions)
        .query_async(&mut connection)
        .await
        .unwrap();
    assert_eq!(docent.ask(&ada, QUESTION).await.expect(200)["source"], "cache");
    let (_, versions) = redis(&docent, "version:*").await;
    assert_eq!(versions.len(), 2, "they are known again: {versions:?}");

    let (mut connection, versions) = redis(&docent, "version:*").await;
    let _: i64 = redis::cmd("DEL")
        .arg(&versions)
        .query_async(&mut connection)
        .await
        .unwrap();
    docent
        .database
        .execute("UPDATE collections SET version = version + 1")
        .await;
    assert_eq!(
        docent.ask(&ada, QUESTION).await.status,
        202,
        "the collection changed while Redis knew nothing"
    );
}

#[tokio::test]
async fn an_answer_is_not_served_while_its_collection_changes() {
    let docent = Docent::start().await;
    let (ada, _) = answered_once(&docent).await;
    let collection = ada.id.parse::<shared::domain::UserId>().unwrap().private_collection();
    let version = docent
        .database
        .number(&format!("SELECT version FROM collections WHERE id = '{collection}'"))
        .await;
    docent.worker.cache.mark_changing(collection, version + 1).await;
    // A reader that is late with what it read before the change must not undo the mark.
    docent
        .worker
        .cache
        .publish_versions(&[(collection, version)].into())
        .await;
    assert_eq!(docent.ask(&ada, QUESTION).await.status, 202);
    docent
        .worker
        .cache
        .publish_versions(&[(collection, version + 1)].into())
        .await;
    assert_eq!(
        docent.ask(&ada, QUESTION).await.status,
        202,
        "the answer is of the version before"
    );
}

#[tokio::test]
async fn an_answer_made_while_its_collection_changed_is_not_kept() {
    let docent = Docent::start().await;
    let ada = docent.user("ada").await;
    docent.upload(&ada, "Operations", LEASES).await;
    let permits = std::sync::Arc::new(tokio::sync::Semaphore::new(0));
    docent
        .llm
        .then(crate::support::Reply::QuoteWhenAllowed(permits.clone()));
    let accepted = docent.ask(&ada, QUESTION).await;
    let changed_in_between = async {
        crate::support::wait_for("the call", || async { (docent.llm.calls() == 1).then_some(()) }).await;
        docent
            .database
            .execute("UPDATE collections SET version = version + 1")
            .await;
        permits.add_permits(1);
    };
    let (job, ()) = tokio::join!(docent.finish(&ada, accepted), changed_in_between);
    assert_eq!(job["status"], "completed");
    let (_, answers) = redis(&docent, "answer:*").await;
    assert_eq!(answers.len(), 0, "{answers:?}");
}

#[tokio::test]
async fn another_users_answer_from_private_documents_is_not_served() {
    let docent = Docent::start().await;
    answered_once(&docent).await;
    let eve = docent.user("eve").await;
    let job = docent.ask_and_finish(&eve, QUESTION).await;
    assert_eq!((text(&job["grounded"]), docent.llm.calls()), ("none".to_owned(), 1));
}

#[tokio::test]
async fn a_question_answered_by_another_job_meanwhile_is_not_paid_again() {
    let docent = Docent::start().await;
    let ada = docent.user("ada").await;
    docent.upload(&ada, "Operations", LEASES).await;
    let first = docent.ask(&ada, QUESTION).await;
    docent.finish(&ada, first).await;
    // A second job for the same question, accepted before the first was done, as far as the worker can tell.
    let job = text(&docent.ask(&ada, "another question about a lease").await.expect(202)["jobId"]);
    docent
        .database
        .execute(&format!("UPDATE jobs SET question = '{QUESTION}' WHERE id = '{job}'"))
        .await;
    let done = crate::support::wait_for("the second job", || async {
        docent.queue.work_once(&docent.worker).await;
        let job = docent.job(&ada, &job).await;
        (job["status"] == "completed").then_some(job)
    })
    .await;
    assert_eq!((text(&done["source"]), docent.llm.calls()), ("cache".to_owned(), 1));
}
