//! The compiled functions on a managed instance, where several events are under way in one process; and that the same
//! programs take one at a time everywhere else.

use std::sync::Arc;

use futures_util::future::{join_all, select_all};
use serde_json::{Value, json};
use tokio::sync::Semaphore;

use crate::journey::{LEASES, QUESTION};
use crate::support::{Docent, LIMIT, Reply, Sandbox, User, text, wait_for};

const AT_ONCE: usize = 4;
const ASK: (&str, &str) = ("POST", "/api/ask");

async fn started(docent: &Docent, function: &str, at_once: Option<usize>) -> Sandbox {
    let sandbox = Sandbox::start(function, docent.variables(), at_once).await;
    wait_for("the function to ask for work", || async {
        (sandbox.asking() == at_once.unwrap_or(1)).then_some(())
    })
    .await;
    sandbox
}

/// Asks several questions of their own; each answer under the number of its question.
async fn ask_several(sandbox: &Sandbox, ada: &User) -> Vec<(String, Value)> {
    let ask = async |number: usize| {
        let id = format!("request-{number}");
        let body = json!({"query": format!("{QUESTION} {number}")});
        let answer = sandbox.request(&id, ASK, &ada.token, Some(body)).await;
        (id, answer)
    };
    join_all((0..AT_ONCE).map(ask)).await
}

/// How many statements wait for the lock that a test holds.
const WAITING: &str =
    "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'";

/// All are accepted, each with an id of its own: the request's and the job's.
fn check(answers: &[(String, Value)]) {
    let mut jobs: Vec<String> = answers
        .iter()
        .map(|(id, answer)| {
            assert_eq!(answer["statusCode"], 202, "{answer}");
            assert_eq!(answer["headers"]["x-request-id"], json!(id), "{answer}");
            let body: Value = serde_json::from_str(answer["body"].as_str().unwrap()).unwrap();
            text(&body["jobId"])
        })
        .collect();
    jobs.sort();
    jobs.dedup();
    assert_eq!(jobs.len(), answers.len());
}

#[tokio::test]
async fn one_process_of_the_api_has_several_requests_under_way() {
    let docent = Docent::start().await;
    let ada = docent.user("ada").await;
    let sandbox = started(&docent, "api", Some(AT_ONCE)).await;
    let gate = docent.database.client().await;
    gate.batch_execute("BEGIN; LOCK TABLE jobs").await.unwrap();
    let open = async {
        wait_for("all requests to be at the database", || async {
            (docent.database.number(WAITING).await == 4).then_some(())
        })
        .await;
        assert_eq!((sandbox.asking(), sandbox.handed()), (0, AT_ONCE));
        gate.batch_execute("COMMIT").await.unwrap();
    };
    let (answers, ()) = tokio::join!(ask_several(&sandbox, &ada), open);
    check(&answers);
}

#[tokio::test]
async fn a_slow_request_holds_up_no_other_in_its_process() {
    let docent = Docent::start().await;
    let ada = docent.user("ada").await;
    let sandbox = started(&docent, "api", Some(2)).await;
    let gate = docent.database.client().await;
    gate.batch_execute("BEGIN; LOCK TABLE jobs").await.unwrap();
    let body = json!({"query": QUESTION});
    let slow = sandbox.request("slow", ASK, &ada.token, Some(body));
    let others = async {
        for number in 0..8 {
            let id = format!("quick-{number}");
            let answer = sandbox.request(&id, ("GET", "/health"), &ada.token, None).await;
            assert_eq!(
                (&answer["statusCode"], &answer["headers"]["x-request-id"]),
                (&json!(200), &json!(id))
            );
        }
        gate.batch_execute("COMMIT").await.unwrap();
    };
    let (slow, ()) = tokio::join!(slow, others);
    check(&[("slow".to_owned(), slow)]);
}

#[tokio::test]
async fn without_a_managed_instance_the_api_takes_one_request_after_the_other() {
    let docent = Docent::start().await;
    let ada = docent.user("ada").await;
    let sandbox = started(&docent, "api", None).await;
    let gate = docent.database.client().await;
    gate.batch_execute("BEGIN; LOCK TABLE jobs").await.unwrap();
    let open = async {
        wait_for("the first request to be at the database", || async {
            (docent.database.number(WAITING).await == 1).then_some(())
        })
        .await;
        assert_eq!((sandbox.asking(), sandbox.handed()), (0, 1));
        gate.batch_execute("COMMIT").await.unwrap();
    };
    let (answers, ()) = tokio::join!(ask_several(&sandbox, &ada), open);
    check(&answers);
    assert_eq!(sandbox.handed(), AT_ONCE);
}

/// Two batches of one question each, and a model that answers nobody before the test says so.
async fn two_batches() -> (Docent, Arc<Semaphore>, [Value; 2], User, [String; 2]) {
    two_batches_with(&[]).await
}

async fn two_batches_with(settings: &[(&str, &str)]) -> (Docent, Arc<Semaphore>, [Value; 2], User, [String; 2]) {
    let docent = Docent::with(settings).await;
    let ada = docent.user("ada").await;
    docent.upload(&ada, "Operations", LEASES).await;
    let permits = Arc::new(Semaphore::new(0));
    let mut batches = Vec::new();
    let mut jobs = Vec::new();
    for question in [QUESTION, "When do backups run?"] {
        docent.llm.then(Reply::QuoteWhenAllowed(permits.clone()));
        jobs.push(text(&docent.ask(&ada, question).await.expect(202)["jobId"]));
        let batch = wait_for("the message", || async {
            let event = docent.queue.receive().await;
            (!event.records.is_empty()).then_some(event)
        })
        .await;
        batches.push(serde_json::to_value(batch).unwrap());
    }
    let (batches, jobs) = (batches.try_into().unwrap(), jobs.try_into().unwrap());
    (docent, permits, batches, ada, jobs)
}

async fn check_answered(docent: &Docent, ada: &User, jobs: &[String]) {
    for job in jobs {
        assert_eq!(docent.job(ada, job).await["status"], "completed");
    }
}

#[tokio::test]
async fn one_process_of_the_worker_has_two_batches_under_way() {
    let (docent, permits, [first, second], ada, jobs) = two_batches().await;
    let sandbox = started(&docent, "worker", Some(AT_ONCE)).await;
    let allow = async {
        wait_for("both calls to the model", || async {
            (docent.llm.calls() == 2).then_some(())
        })
        .await;
        permits.add_permits(2);
    };
    let (first, second, ()) = tokio::join!(sandbox.invoke(first), sandbox.invoke(second), allow);
    for answer in [first, second] {
        assert_eq!(answer, json!({"batchItemFailures": []}));
    }
    check_answered(&docent, &ada, &jobs).await;
}

/// One batch asks for all which jobs were taken away. Another has to go on with it when that one has ended.
#[tokio::test]
async fn a_cancelled_job_is_noticed_after_the_batch_beside_it_has_ended() {
    // The lease is renewed too rarely to be what notices it.
    let (docent, permits, [first, second], ada, jobs) = two_batches_with(&[("JOB_LEASE_SECONDS", "300")]).await;
    let sandbox = started(&docent, "worker", Some(2)).await;
    let both = async {
        let batches = [first, second].map(|batch| Box::pin(sandbox.invoke(batch)));
        let (answer, _, left) = select_all(batches).await;
        assert_eq!(answer, json!({"batchItemFailures": []}));
        for job in &jobs {
            if docent.job(&ada, job).await["status"] != "completed" {
                let path = format!("/api/ask/{job}");
                docent.delete(&ada, &path).await;
            }
        }
        tokio::time::timeout(LIMIT, join_all(left))
            .await
            .expect("the call to be dropped")
    };
    let allow = async {
        wait_for("both calls to the model", || async {
            (docent.llm.calls() == 2).then_some(())
        })
        .await;
        permits.add_permits(1);
    };
    let (answers, ()) = tokio::join!(both, allow);
    assert_eq!(answers.len(), 1);
    let mut ends = Vec::new();
    for job in &jobs {
        ends.push(text(&docent.job(&ada, job).await["status"]));
    }
    ends.sort();
    assert_eq!(ends, ["cancelled", "completed"]);
}

#[tokio::test]
async fn without_a_managed_instance_the_worker_takes_one_batch_after_the_other() {
    let (docent, permits, [first, second], ada, jobs) = two_batches().await;
    let sandbox = started(&docent, "worker", None).await;
    let allow = async {
        wait_for("the first call to the model", || async {
            (docent.llm.calls() == 1).then_some(())
        })
        .await;
        assert_eq!((sandbox.asking(), sandbox.handed()), (0, 1));
        permits.add_permits(2);
    };
    let (first, second, ()) = tokio::join!(sandbox.invoke(first), sandbox.invoke(second), allow);
    for answer in [first, second] {
        assert_eq!(answer, json!({"batchItemFailures": []}));
    }
    assert_eq!(docent.llm.calls(), 2);
    check_answered(&docent, &ada, &jobs).await;
}
