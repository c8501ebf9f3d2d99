//! What BullMQ calls stalled jobs, River rescuing and Oban a lifeline: jobs whose worker is gone.

use std::time::Duration;

use janitor::sweep;
use serde_json::json;
use shared::db::jobs::{self, Claim};

use crate::delivery::{body, failed_ids, prepared, record};
use crate::journey::QUESTION;
use crate::support::{Docent, User, text};

/// Asks, and has a worker take the job that is never heard of again.
async fn abandoned(docent: &Docent, ada: &User, name: &str) -> String {
    let asked = docent.ask(ada, &format!("{QUESTION} {name}")).await.expect(202);
    let id = text(&asked["jobId"]);
    take(docent, &id).await;
    id
}

async fn take(docent: &Docent, id: &str) {
    let mut db = docent.worker.db.session().await.unwrap();
    let claim = jobs::claim(&mut db, id.parse().unwrap(), Duration::from_secs(30))
        .await
        .unwrap();
    assert!(matches!(claim, Claim::Mine(_)), "{claim:?}");
}

/// As if the lease had begun so many seconds earlier.
async fn age(docent: &Docent, id: &str, seconds: u32) {
    let times =
        ["lease_until", "resend_at"].map(|column| format!("{column} = {column} - interval '{seconds} seconds'"));
    docent
        .database
        .execute(&format!("UPDATE jobs SET {} WHERE id = '{id}'", times.join(", ")))
        .await;
}

/// BullMQ, stalled_jobs: "process stalled jobs when starting a queue": four jobs, and the attempt that was lost counts.
#[tokio::test]
async fn four_jobs_of_a_dead_worker_are_done_by_another() {
    let (docent, ada) = prepared(&[]).await;
    let mut jobs = Vec::new();
    for name in ["one", "two", "three", "four"] {
        jobs.push(abandoned(&docent, &ada, name).await);
    }
    let records = || jobs.iter().map(|id| record(id, &body(id))).collect::<Vec<_>>();
    assert_eq!(
        failed_ids(&docent, records()).await.len(),
        4,
        "each is still somebody's"
    );
    for id in &jobs {
        age(&docent, id, 31).await;
    }
    assert_eq!(failed_ids(&docent, records()).await, Vec::<String>::new());
    for id in &jobs {
        let job = docent.job(&ada, id).await;
        assert_eq!(
            (&job["status"], &job["attempt"]),
            (&json!("completed"), &json!(2)),
            "{job}"
        );
    }
}

/// BullMQ, stalled_jobs: "keeps stalledCounter": every worker that died is counted.
#[tokio::test]
async fn every_death_counts() {
    let (docent, ada) = prepared(&[]).await;
    let id = abandoned(&docent, &ada, "again and again").await;
    age(&docent, &id, 31).await;
    take(&docent, &id).await;
    age(&docent, &id, 31).await;
    failed_ids(&docent, vec![record("third", &body(&id))]).await;
    assert_eq!(docent.job(&ada, &id).await["attempt"], json!(3));
}

/// Oban, lifeline: what is within its time is left alone, what is past it is taken back, what has been tried often
/// enough is given up. The same three of River's `RescuesStuckJobs`, which also leaves alone what has ended.
#[tokio::test]
async fn only_what_is_past_its_time_is_rescued() {
    let (docent, ada) = prepared(&[]).await;
    let ended = text(&docent.ask_and_finish(&ada, QUESTION).await["jobId"]);
    let before = docent.job(&ada, &ended).await;
    let young = abandoned(&docent, &ada, "young").await;
    let old = abandoned(&docent, &ada, "old").await;
    let exhausted = abandoned(&docent, &ada, "exhausted").await;
    let tried = format!("UPDATE jobs SET attempt = 3 WHERE id = '{exhausted}'");
    docent.database.execute(&tried).await;
    // Their messages are lost with their worker.
    docent.queue.receive().await;
    for (id, seconds) in [(&young, 3), (&old, 120), (&exhausted, 120)] {
        age(&docent, id, seconds).await;
    }
    sweep::run(&docent.janitor).await.unwrap();
    docent.queue.work_once(&docent.worker).await;
    assert_eq!(docent.job(&ada, &young).await["status"], "active");
    assert_eq!(docent.job(&ada, &old).await["status"], "completed");
    let given_up = docent.job(&ada, &exhausted).await;
    assert_eq!(
        (&given_up["status"], &given_up["code"]),
        (&json!("failed"), &json!("attempts_exhausted"))
    );
    assert_eq!(docent.job(&ada, &ended).await, before);
}

/// River, `RescuesInBatches`: more than one statement takes at a time.
#[tokio::test]
async fn however_many_there_are_all_are_rescued() {
    let (docent, ada) = prepared(&[("MAX_OPEN_JOBS_PER_USER", "0")]).await;
    abandoned(&docent, &ada, "pattern").await;
    // Copies of its row, as a thousand questions would have left them.
    docent
        .database
        .execute(
            "CREATE TEMPORARY TABLE copies AS SELECT * FROM jobs WHERE status = 'active';
             UPDATE copies SET flight = NULL, leader_id = NULL;
             INSERT INTO jobs SELECT (jsonb_populate_record(copies, jsonb_build_object('id', gen_random_uuid()))).*
             FROM copies, generate_series(1, 1000);
             UPDATE jobs SET lease_until = now() - interval '2 minutes', resend_at = now() - interval '1 minute'
             WHERE status = 'active'",
        )
        .await;
    let mut rescued = 0;
    for _ in 0..100 {
        let counts = sweep::run(&docent.janitor).await.unwrap();
        rescued += counts.rescued;
        if counts.rescued == 0 {
            break;
        }
    }
    assert_eq!(rescued, 1001);
}
