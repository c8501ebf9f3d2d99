//! Powertools' idempotency, where the record is the job's row and the response the stored answer.

use std::sync::Arc;
use std::time::Duration;

use redis::AsyncCommands;
use serde_json::json;
use shared::db::jobs::{self, Claim};
use shared::domain::JobId;
use tokio::sync::Semaphore;

use crate::delivery::{body, failed_ids, prepared, record};
use crate::journey::QUESTION;
use crate::support::{Reply, service, text, wait_for};

/// `test_idempotent_lambda_in_progress_with_cache`, `test_in_progress_never_saved_to_cache`.
#[tokio::test]
async fn what_is_in_progress_is_never_in_the_cache() {
    let (docent, ada) = prepared(&[]).await;
    let permits = Arc::new(Semaphore::new(0));
    docent.llm.then(Reply::QuoteWhenAllowed(permits.clone()));
    let first = docent.ask(&ada, QUESTION).await.expect(202);
    let record = record("message", &body(&text(&first["jobId"])));
    let work = failed_ids(&docent, vec![record]);
    let meanwhile = async {
        wait_for("the call", || async { (docent.llm.calls() == 1).then_some(()) }).await;
        let again = docent.ask(&ada, QUESTION).await.status;
        permits.add_permits(1);
        again
    };
    let (failed, again) = tokio::join!(work, meanwhile);
    assert_eq!((failed, again.as_u16()), (vec![], 202));
    assert_eq!(docent.ask(&ada, QUESTION).await.status, 200, "now it is answered");
}

/// `test_idempotent_lambda_expired`.
#[tokio::test]
async fn an_answer_that_has_expired_is_made_again() {
    let (docent, ada) = prepared(&[("CACHE_TTL_SECONDS", "1")]).await;
    docent.ask_and_finish(&ada, QUESTION).await;
    wait_for("the answer to expire", || async {
        (docent.ask(&ada, QUESTION).await.status == 202).then_some(())
    })
    .await;
}

/// `test_idempotent_lambda_expired_during_request`.
#[tokio::test]
async fn a_job_that_expires_while_it_is_worked_on_stays_expired() {
    let (docent, ada) = prepared(&[]).await;
    let permits = Arc::new(Semaphore::new(0));
    docent.llm.then(Reply::QuoteWhenAllowed(permits.clone()));
    let id = text(&docent.ask(&ada, QUESTION).await.expect(202)["jobId"]);
    let work = failed_ids(&docent, vec![record("message", &body(&id))]);
    let expire = async {
        wait_for("the call", || async { (docent.llm.calls() == 1).then_some(()) }).await;
        let past = "expires_at = now() - interval '1 second', lease_until = now() - interval '1 second'";
        docent
            .database
            .execute(&format!("UPDATE jobs SET {past} WHERE id = '{id}'"))
            .await;
        assert_eq!(docent.job(&ada, &id).await["status"], "expired");
        permits.add_permits(1);
    };
    tokio::join!(work, expire);
    assert_eq!(docent.job(&ada, &id).await["status"], "expired");
    assert_eq!(docent.database.number("SELECT count(*) FROM messages").await, 0);
}

/// `test_idempotent_persistence_exception_getting`.
#[tokio::test]
async fn a_job_that_cannot_be_read_is_not_worked_on_and_comes_back() {
    let (docent, ada) = prepared(&[]).await;
    let id = text(&docent.ask(&ada, QUESTION).await.expect(202)["jobId"]);
    docent.database.execute("ALTER TABLE jobs RENAME TO away").await;
    let failed = failed_ids(&docent, vec![record("message", &body(&id))]).await;
    docent.database.execute("ALTER TABLE away RENAME TO jobs").await;
    assert_eq!((failed, docent.llm.calls()), (vec!["message".to_owned()], 0));
    assert_eq!(
        failed_ids(&docent, vec![record("again", &body(&id))]).await,
        Vec::<String>::new()
    );
    assert_eq!(docent.job(&ada, &id).await["status"], "completed");
}

/// A trigger that refuses to let a job become this.
fn refuse(status: &str) -> String {
    format!(
        "CREATE OR REPLACE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$
         BEGIN RAISE EXCEPTION 'refused by the test'; END $$;
         CREATE TRIGGER refuse BEFORE UPDATE ON jobs FOR EACH ROW WHEN (NEW.status = '{status}')
         EXECUTE FUNCTION refuse();"
    )
}

/// `test_idempotent_lambda_save_inprogress_error`.
#[tokio::test]
async fn a_job_that_cannot_be_taken_is_not_worked_on() {
    let (docent, ada) = prepared(&[]).await;
    let id = text(&docent.ask(&ada, QUESTION).await.expect(202)["jobId"]);
    docent.database.execute(&refuse("active")).await;
    let failed = failed_ids(&docent, vec![record("message", &body(&id))]).await;
    assert_eq!((failed, docent.llm.calls()), (vec!["message".to_owned()], 0));
    assert_eq!(docent.job(&ada, &id).await["status"], "queued");
}

/// `test_idempotent_persistence_exception_updating`, `test_idempotent_persistence_exception_deleting`.
#[tokio::test]
async fn an_end_that_cannot_be_written_down_is_reached_later_and_once() {
    for (status, reply) in [
        ("completed", Reply::Quote),
        ("failed", Reply::Status(400, vec![], String::new())),
    ] {
        let (docent, ada) = prepared(&[("JOB_LEASE_SECONDS", "2")]).await;
        docent.llm.then(reply);
        let id = text(&docent.ask(&ada, QUESTION).await.expect(202)["jobId"]);
        docent.database.execute(&refuse(status)).await;
        let failed = failed_ids(&docent, vec![record("message", &body(&id))]).await;
        assert_eq!(failed, ["message"], "{status}");
        assert!(["active", "delayed"].contains(&docent.job(&ada, &id).await["status"].as_str().unwrap()));
        docent.database.execute("DROP TRIGGER refuse ON jobs").await;
        wait_for("the job to end", || async {
            failed_ids(&docent, vec![record("again", &body(&id))]).await;
            (docent.job(&ada, &id).await["status"] == "completed").then_some(())
        })
        .await;
        assert_eq!(
            docent.database.number("SELECT count(*) FROM messages").await,
            2,
            "{status}"
        );
    }
}

/// `test_redis_key_corrupted`.
#[tokio::test]
async fn a_cached_answer_that_cannot_be_read_is_none() {
    let (docent, ada) = prepared(&[]).await;
    docent.ask_and_finish(&ada, QUESTION).await;
    let mut redis = redis::Client::open(service("TEST_REDIS_URL"))
        .unwrap()
        .get_multiplexed_async_connection()
        .await
        .unwrap();
    let keys: Vec<String> = redis.keys(format!("{}:*answer*", docent.key_prefix)).await.unwrap();
    assert_eq!(keys.len(), 1, "{keys:?}");
    let () = redis.set(&keys[0], b"\xff{not an answer").await.unwrap();
    let again = docent.ask(&ada, QUESTION).await;
    assert_eq!(again.status, 202);
    assert_eq!(docent.finish(&ada, again).await["status"], "completed");
}

/// `test_redis_orphan_record_race_condition`: as `of_many_workers_that_take_a_job_at_once_one_wins`, when the job has
/// been a dead worker's.
#[tokio::test]
async fn of_many_that_find_a_dead_workers_job_one_takes_it() {
    let (docent, ada) = prepared(&[]).await;
    for round in 0..5 {
        let accepted = docent.ask(&ada, &format!("{QUESTION} {round}")).await.expect(202);
        let id: JobId = text(&accepted["jobId"]).parse().unwrap();
        let claim = || async {
            let mut db = docent.worker.db.session().await.unwrap();
            jobs::claim(&mut db, id, Duration::from_secs(30)).await.unwrap()
        };
        assert!(matches!(claim().await, Claim::Mine(_)));
        let dead = format!("UPDATE jobs SET lease_until = now() - interval '1 second' WHERE id = '{id}'");
        docent.database.execute(&dead).await;
        let claims = futures_util::future::join_all((0..50).map(|_| claim())).await;
        let mine = claims.iter().filter(|claim| matches!(claim, Claim::Mine(_))).count();
        assert_eq!(mine, 1, "round {round}");
        assert_eq!(docent.job(&ada, &id.to_string()).await["attempt"], json!(2));
    }
}
