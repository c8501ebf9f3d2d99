//! Many ask the same at once: one answer is made and paid for, everybody gets it, and whoever leaves harms nobody else.

use std::sync::Arc;
use std::time::Duration;

use axum::http::Method;
use futures_util::future::join_all;
use serde_json::{Value, json};
use shared::db::jobs::{self, Claim, Completion, Source};
use shared::domain::{Answer, Grounding};
use tokio::sync::Semaphore;

use crate::journey::{LEASES, QUESTION};
use crate::support::{Docent, Reply, User, events, request, text, wait_for};

/// The one collection that everybody reads.
pub const SHARED: &str = "00000000-0000-7000-8000-000000000001";

/// Without Redis, so that no answer comes from the cache; with an admin, who has filled the shared collection.
pub async fn prepared(settings: &[(&str, &str)]) -> (Docent, User) {
    let settings: Vec<_> = [("REDIS_URL", ""), ("MAX_OPEN_JOBS_PER_USER", "0")]
        .into_iter()
        .chain(settings.iter().copied())
        .collect();
    let docent = Docent::with(&settings).await;
    let ada = docent.user("ada").await;
    docent.database.execute("UPDATE users SET role = 'admin'").await;
    upload_shared(&docent, &ada, LEASES).await;
    (docent, ada)
}

async fn upload_shared(docent: &Docent, admin: &User, text: &str) {
    let body = json!({"title": "Operations", "text": text, "mediaType": "text/markdown", "collectionId": SHARED});
    docent.post(admin, "/api/documents", body).await.expect(202);
    wait_for("the document to be ingested", || async {
        docent.queue.work_once(&docent.worker).await;
        let waiting = "SELECT count(*) FROM documents WHERE status = 'queued'";
        (docent.database.number(waiting).await == 0).then_some(())
    })
    .await;
}

/// Asks the shared collection; returns the job's id.
async fn ask(docent: &Docent, user: &User) -> String {
    let body = json!({"query": QUESTION, "collections": [SHARED]});
    text(&docent.post(user, "/api/ask", body).await.expect(202)["jobId"])
}

async fn users(docent: &Docent, count: usize) -> Vec<User> {
    join_all((0..count).map(|number| docent.user(Box::leak(format!("user-{number}").into_boxed_str())))).await
}

/// Works until all of these have ended; returns them.
async fn finish(docent: &Docent, jobs: &[(&User, String)]) -> Vec<Value> {
    wait_for("all jobs to end", || async {
        docent.queue.work_once(&docent.worker).await;
        let ended = "SELECT count(*) FROM jobs WHERE status IN ('queued', 'active', 'delayed')";
        (docent.database.number(ended).await == 0).then_some(())
    })
    .await;
    join_all(jobs.iter().map(|(user, job)| docent.job(user, job))).await
}

#[tokio::test]
async fn fifty_who_ask_the_same_at_once_get_fifty_answers_for_one_call() {
    let (docent, ada) = prepared(&[]).await;
    let others = users(&docent, 4).await;
    let askers: Vec<&User> = others.iter().chain([&ada]).cycle().take(50).collect();
    let ids = join_all(askers.iter().map(|asker| ask(&docent, asker))).await;
    assert_eq!(docent.queue.len().await, 1, "only the leader is sent");

    let jobs: Vec<_> = askers.iter().copied().zip(ids).collect();
    let ended = finish(&docent, &jobs).await;
    assert_eq!(docent.llm.calls(), 1);
    for (job, (asker, id)) in ended.iter().zip(&jobs) {
        assert_eq!(
            (&job["status"], &job["answer"]),
            (&json!("completed"), &ended[0]["answer"]),
            "{job}"
        );
        let chat = format!("/api/chats/{}/messages", text(&job["chatId"]));
        let messages = docent.get(asker, &chat).await.expect(200)["messages"].clone();
        let roles: Vec<_> = messages.as_array().unwrap().iter().map(|turn| &turn["role"]).collect();
        assert_eq!(roles, ["assistant", "user"], "newest first");
        assert_eq!(messages[0]["jobId"], *id, "each has messages of its own");
    }
    // Only one of them has paid.
    let paid = "SELECT count(*) FROM jobs WHERE usage IS NOT NULL AND kind = 'answer_question'";
    assert_eq!(docent.database.number(paid).await, 1);
}

#[tokio::test]
async fn who_asks_during_the_call_gets_its_answer() {
    let (docent, ada) = prepared(&[]).await;
    let permits = Arc::new(Semaphore::new(0));
    docent.llm.then(Reply::QuoteWhenAllowed(permits.clone()));
    let leader = ask(&docent, &ada).await;
    let bob = docent.user("bob").await;
    let join = async {
        wait_for("the call", || async { (docent.llm.calls() == 1).then_some(()) }).await;
        let follower = ask(&docent, &bob).await;
        let waiting = docent.job(&bob, &follower).await;
        assert_eq!((&waiting["status"], &waiting["attempt"]), (&json!("queued"), &json!(0)));
        permits.add_permits(1);
        follower
    };
    let (_, follower) = tokio::join!(docent.queue.work_once(&docent.worker), join);
    let ended = finish(&docent, &[(&ada, leader), (&bob, follower)]).await;
    assert!(ended.iter().all(|job| job["status"] == "completed"), "{ended:?}");
    assert_eq!(
        (&ended[0]["source"], &ended[1]["source"]),
        (&json!("llm"), &json!("cache"))
    );
    assert_eq!(docent.llm.calls(), 1);
}

#[tokio::test]
async fn another_state_of_the_documents_is_another_question() {
    let (docent, ada) = prepared(&[]).await;
    let before = ask(&docent, &ada).await;
    let held = docent.queue.receive().await;
    upload_shared(
        &docent,
        &ada,
        "# Leases\n\nThe lease of a worker is twenty seconds by now.\n",
    )
    .await;
    let after = ask(&docent, &ada).await;
    let leads = format!("SELECT count(*) FROM jobs WHERE id IN ('{before}', '{after}') AND leader_id IS NULL");
    assert_eq!((docent.database.number(&leads).await, held.records.len()), (2, 1));
}

#[tokio::test]
async fn a_leader_whose_worker_dies_in_its_call_still_answers_everybody() {
    let (docent, ada) = prepared(&[("JOB_LEASE_SECONDS", "2")]).await;
    let leader = ask(&docent, &ada).await;
    let mut db = docent.worker.db.session().await.unwrap();
    let claim = jobs::claim(&mut db, leader.parse().unwrap(), Duration::from_secs(2)).await;
    drop(db);
    assert!(matches!(claim, Ok(Claim::Mine(_))));
    let others = users(&docent, 5).await;
    let ids = join_all(others.iter().map(|asker| ask(&docent, asker))).await;
    let jobs: Vec<_> = others.iter().zip(ids).chain([(&ada, leader)]).collect();
    let ended = finish(&docent, &jobs).await;
    assert!(ended.iter().all(|job| job["status"] == "completed"), "{ended:?}");
    assert_eq!(docent.llm.calls(), 1);
}

#[tokio::test]
async fn a_leader_that_is_cancelled_hands_its_call_on() {
    let (docent, ada) = prepared(&[("JOB_LEASE_SECONDS", "2")]).await;
    let permits = Arc::new(Semaphore::new(0));
    docent.llm.then(Reply::QuoteWhenAllowed(permits.clone()));
    let leader = ask(&docent, &ada).await;
    let others = users(&docent, 3).await;
    let ids = join_all(others.iter().map(|asker| ask(&docent, asker))).await;
    let cancel = async {
        wait_for("the call", || async { (docent.llm.calls() == 1).then_some(()) }).await;
        docent.delete(&ada, &format!("/api/ask/{leader}")).await.expect(204);
        // Long enough for the watch and for a heartbeat to find out, if the call were nobody's now.
        tokio::time::sleep(Duration::from_millis(2500)).await;
        permits.add_permits(1);
    };
    tokio::join!(docent.queue.work_once(&docent.worker), cancel);
    let jobs: Vec<_> = others.iter().zip(ids).collect();
    let ended = finish(&docent, &jobs).await;
    assert!(ended.iter().all(|job| job["status"] == "completed"), "{ended:?}");
    assert_eq!(docent.job(&ada, &leader).await["status"], "cancelled");
    assert_eq!(docent.llm.calls(), 1, "the call was not dropped");
    let written = "SELECT count(*) FROM messages";
    assert_eq!(docent.database.number(written).await, 6, "none for the one who left");
}

#[tokio::test]
async fn when_nobody_is_left_the_call_is_dropped() {
    let (docent, ada) = prepared(&[]).await;
    docent.llm.then(Reply::Hang);
    let leader = ask(&docent, &ada).await;
    let bob = docent.user("bob").await;
    let follower = ask(&docent, &bob).await;
    let cancel = async {
        wait_for("the call", || async { (docent.llm.calls() == 1).then_some(()) }).await;
        docent.delete(&ada, &format!("/api/ask/{leader}")).await.expect(204);
        docent.delete(&bob, &format!("/api/ask/{follower}")).await.expect(202);
    };
    let both = async { tokio::join!(docent.queue.work_once(&docent.worker), cancel) };
    tokio::time::timeout(Duration::from_secs(20), both)
        .await
        .expect("the hanging call ends with the last who waits");
}

#[tokio::test]
async fn a_follower_is_cancelled_alone() {
    let (docent, ada) = prepared(&[]).await;
    let leader = ask(&docent, &ada).await;
    let others = users(&docent, 2).await;
    let ids = join_all(others.iter().map(|asker| ask(&docent, asker))).await;
    docent
        .delete(&others[0], &format!("/api/ask/{}", ids[0]))
        .await
        .expect(204);
    let jobs = [
        (&ada, leader),
        (&others[0], ids[0].clone()),
        (&others[1], ids[1].clone()),
    ];
    let states: Vec<_> = finish(&docent, &jobs)
        .await
        .iter()
        .map(|job| text(&job["status"]))
        .collect();
    assert_eq!(states, ["completed", "cancelled", "completed"]);
    assert_eq!(docent.llm.calls(), 1);
}

#[tokio::test]
async fn leaders_that_leave_before_their_turn_leave_the_others_an_answer() {
    for (leaving, status) in [("job", 204), ("chat", 204), ("account", 204)] {
        let (docent, ada) = prepared(&[]).await;
        let bob = docent.user("bob").await;
        let leader = ask(&docent, &bob).await;
        let jobs = [(&ada, ask(&docent, &ada).await), (&ada, ask(&docent, &ada).await)];
        let path = match leaving {
            "job" => format!("/api/ask/{leader}"),
            "chat" => format!("/api/chats/{}", text(&docent.job(&bob, &leader).await["chatId"])),
            _ => "/api/users/me".to_owned(),
        };
        docent.delete(&bob, &path).await.expect(status);
        let ended = finish(&docent, &jobs).await;
        assert!(
            ended.iter().all(|job| job["status"] == "completed"),
            "{leaving}: {ended:?}"
        );
        assert_eq!(docent.llm.calls(), 1, "{leaving}");
    }
}

#[tokio::test]
async fn a_leader_deleted_in_its_call_is_succeeded_at_once() {
    let (docent, ada) = prepared(&[]).await;
    docent.llm.then(Reply::Hang);
    let bob = docent.user("bob").await;
    ask(&docent, &bob).await;
    let follower = ask(&docent, &ada).await;
    let leave = async {
        wait_for("the call", || async { (docent.llm.calls() == 1).then_some(()) }).await;
        docent.delete(&bob, "/api/users/me").await.expect(204);
    };
    tokio::join!(docent.queue.work_once(&docent.worker), leave);
    let ended = finish(&docent, &[(&ada, follower)]).await;
    assert_eq!((&ended[0]["status"], docent.llm.calls()), (&json!("completed"), 2));
}

#[tokio::test]
async fn a_leader_that_fails_is_succeeded_unless_the_others_would_fail_as_well() {
    let rows = [
        // The leader's only attempt, with its three calls, fails for a reason that may pass.
        (
            Reply::Status(500, vec![], "{}".to_owned()),
            3,
            ["failed", "completed", "completed"],
            4,
        ),
        (
            Reply::Events(events::answer("No.", &[], "refusal")),
            1,
            ["failed", "failed", "failed"],
            1,
        ),
    ];
    for (reply, times, expected, calls) in rows {
        let (docent, ada) = prepared(&[("JOB_MAX_ATTEMPTS", "1")]).await;
        for _ in 0..times {
            docent.llm.then(reply.clone());
        }
        let jobs = [
            (&ada, ask(&docent, &ada).await),
            (&ada, ask(&docent, &ada).await),
            (&ada, ask(&docent, &ada).await),
        ];
        let states: Vec<_> = finish(&docent, &jobs)
            .await
            .iter()
            .map(|job| text(&job["status"]))
            .collect();
        assert_eq!(
            (states, docent.llm.calls()),
            (expected.map(str::to_owned).to_vec(), calls)
        );
    }
}

#[tokio::test]
async fn a_leader_that_expires_is_succeeded() {
    let (docent, ada) = prepared(&[]).await;
    let leader = ask(&docent, &ada).await;
    let follower = ask(&docent, &ada).await;
    let overdue = format!("UPDATE jobs SET expires_at = now() WHERE id = '{leader}'");
    docent.database.execute(&overdue).await;
    // Nobody follows one who will not answer: this one goes alone.
    let alone = ask(&docent, &ada).await;
    let ended = finish(&docent, &[(&ada, leader), (&ada, follower), (&ada, alone)]).await;
    let states: Vec<_> = ended.iter().map(|job| text(&job["status"])).collect();
    assert_eq!(states, ["expired", "completed", "completed"]);
}

#[tokio::test]
async fn who_joins_at_the_moment_of_the_answer_is_answered_or_leads_anew() {
    let (docent, ada) = prepared(&[]).await;
    for round in 0..25 {
        let leader = ask(&docent, &ada).await;
        let mut db = docent.worker.db.session().await.unwrap();
        let claim = jobs::claim(&mut db, leader.parse().unwrap(), Duration::from_secs(30)).await;
        let Ok(Claim::Mine(mine)) = claim else {
            panic!("{claim:?}")
        };
        let answer = Answer {
            text: "An answer.".to_owned(),
            citations: vec![],
            grounded: Grounding::None,
            model: "m".to_owned(),
            truncated: false,
        };
        let done = Completion {
            answer: &answer,
            usage: None,
            calls: 1,
            source: Source::Llm,
        };
        // Each from a sandbox of its own, so that they are at it at the same time.
        let sandboxes = join_all((0..6).map(|_| docent.another_sandbox())).await;
        let body = json!({"query": QUESTION, "collections": [SHARED]});
        let joining = join_all(sandboxes.iter().map(|sandbox| {
            let request = request(Method::POST, "/api/ask", Some(&ada.token), Some(&body));
            crate::support::send(sandbox, request)
        }));
        let ending = async {
            tokio::time::sleep(Duration::from_millis(round)).await;
            jobs::complete_answer(&mut db, &mine.lease, &done).await.unwrap()
        };
        let (replies, stored) = tokio::join!(joining, ending);
        assert!(stored.is_some() && replies.into_iter().all(|reply| reply.status == 202));
        let left = "SELECT count(*) FROM jobs f JOIN jobs l ON l.id = f.leader_id
                    WHERE f.status = 'queued' AND l.status = 'completed'";
        assert_eq!(
            docent.database.number(left).await,
            0,
            "round {round}: somebody follows nobody"
        );
        docent
            .database
            .execute("DELETE FROM jobs WHERE kind = 'answer_question'")
            .await;
    }
}
