//! Jobs that wait for one answer, while leaders and followers come, go and fail in any order: nobody is left behind.

use std::collections::BTreeMap;
use std::time::Duration;

use janitor::sweep;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use shared::db::jobs::{self, Claim, Completion, Lease, RetryPlan, Source, Spent};
use shared::domain::{Answer, FailureCode, Grounding, JobId, JobStatus};
use tokio::runtime::Runtime;

use crate::journey::QUESTION;
use crate::support::{Docent, User, text};

/// So long that none ends by itself during a test.
const LONG: Duration = Duration::from_secs(3600);
const OPEN: &str = "status IN ('queued', 'active', 'delayed')";

/// What can happen; the numbers choose a job, or a claim counted from the last one.
#[derive(Debug, Clone, Copy)]
enum Event {
    Ask,
    /// A worker takes it, and is not heard of again unless one of the next three says so.
    Take(usize),
    Complete(usize),
    Fail(usize, bool),
    Defer(usize),
    Cancel(usize),
    Delete(usize),
    Expire(usize),
    MessageDies(usize),
    Sweep,
}

fn events() -> impl Strategy<Value = Vec<Event>> {
    let job = || 0..6_usize;
    let claim = || 0..2_usize;
    vec(
        prop_oneof![
            4 => Just(Event::Ask),
            4 => job().prop_map(Event::Take),
            1 => claim().prop_map(Event::Complete),
            2 => (claim(), any::<bool>()).prop_map(|(claim, repeats)| Event::Fail(claim, repeats)),
            1 => claim().prop_map(Event::Defer),
            2 => job().prop_map(Event::Cancel),
            2 => job().prop_map(Event::Delete),
            1 => job().prop_map(Event::Expire),
            1 => job().prop_map(Event::MessageDies),
            1 => Just(Event::Sweep),
        ],
        1..20,
    )
}

struct Run<'a> {
    docent: &'a Docent,
    user: &'a User,
    jobs: Vec<JobId>,
    claims: Vec<Lease>,
    ended: BTreeMap<String, String>,
}

impl Run<'_> {
    async fn happen(&mut self, event: Event) {
        match event {
            Event::Ask => {
                let reply = self.docent.ask(self.user, QUESTION).await.expect(202);
                self.jobs.push(text(&reply["jobId"]).parse().unwrap());
            }
            Event::Sweep => drop(sweep::run(&self.docent.janitor).await.unwrap()),
            Event::Complete(back) | Event::Fail(back, _) | Event::Defer(back) => {
                if let Some(at) = self.claims.len().checked_sub(back + 1) {
                    self.happen_to_claim(event, self.claims[at]).await;
                }
            }
            Event::Take(number)
            | Event::Cancel(number)
            | Event::Delete(number)
            | Event::Expire(number)
            | Event::MessageDies(number) => {
                if let Some(job) = self.jobs.get(number) {
                    self.happen_to_job(event, *job).await;
                }
            }
        }
    }

    async fn happen_to_claim(&self, event: Event, lease: Lease) {
        let mut db = self.docent.worker.db.session().await.unwrap();
        let spent = Spent::default();
        match event {
            Event::Complete(_) => drop(jobs::complete_answer(&mut db, &lease, &done(&answer())).await.unwrap()),
            Event::Fail(_, repeats) => {
                let code = if repeats {
                    FailureCode::LlmRefused
                } else {
                    FailureCode::Internal
                };
                jobs::fail(&mut db, &lease, code, &spent).await.unwrap();
            }
            _ => {
                let plan = RetryPlan {
                    after: LONG,
                    attempt_counts: true,
                };
                jobs::defer(&mut db, &lease, &plan, &spent).await.unwrap();
            }
        }
    }

    async fn happen_to_job(&mut self, event: Event, job: JobId) {
        let mut db = self.docent.worker.db.session().await.unwrap();
        let statement = match event {
            Event::Take(_) => {
                if let Claim::Mine(mine) = jobs::claim(&mut db, job, LONG).await.unwrap() {
                    self.claims.push(mine.lease);
                }
                return;
            }
            Event::Cancel(_) => {
                let owner = self.user.id.parse().unwrap();
                jobs::cancel(&mut db, owner, job).await.unwrap();
                return;
            }
            Event::MessageDies(_) => {
                jobs::bury(&mut db, job).await.unwrap();
                return;
            }
            Event::Delete(_) => format!("DELETE FROM chats WHERE id = (SELECT chat_id FROM jobs WHERE id = '{job}')"),
            _ => format!("UPDATE jobs SET expires_at = now() WHERE id = '{job}'"),
        };
        self.docent.database.execute(&statement).await;
    }

    /// What holds at every moment.
    async fn check(&mut self, event: Event) {
        let rows = self.docent.database.client().await;
        let rows = rows.query("SELECT id::text, status FROM jobs", &[]).await.unwrap();
        let now: BTreeMap<String, String> = rows.iter().map(|row| (row.get(0), row.get(1))).collect();
        for (job, status) in &self.ended {
            // A deleted one is gone.
            assert_eq!(
                now.get(job).unwrap_or(status),
                status,
                "a final state changed by {event:?}"
            );
        }
        let is_final = |status: &str| status.parse::<JobStatus>().unwrap().is_final();
        self.ended = now.into_iter().filter(|(_, status)| is_final(status)).collect();
        let chained = format!(
            "SELECT count(*) FROM jobs f JOIN jobs l ON l.id = f.leader_id
             WHERE f.{OPEN} AND l.{OPEN} AND l.leader_id IS NOT NULL"
        );
        assert_eq!(
            self.docent.database.number(&chained).await,
            0,
            "a follower leads by {event:?}"
        );
    }

    /// Workers that were not heard of are dead, and time passes: everything comes to its end.
    async fn come_to_an_end(&self) {
        for _ in 0..40 {
            let time = format!(
                "UPDATE jobs SET resend_at = now(), next_attempt_at = now(),
                     lease_until = CASE WHEN lease_token IS NOT NULL THEN now() END WHERE {OPEN}"
            );
            self.docent.database.execute(&time).await;
            sweep::run(&self.docent.janitor).await.unwrap();
            self.docent.queue.work_once(&self.docent.worker).await;
            let open = format!("SELECT count(*) FROM jobs WHERE {OPEN}");
            if self.docent.database.number(&open).await == 0 {
                return;
            }
        }
        panic!("a job never ends");
    }

    async fn check_turns(&self) {
        let wrong = "SELECT count(*) FROM jobs j WHERE
            (SELECT count(*) FROM messages m WHERE m.job_id = j.id) <> CASE j.status WHEN 'completed' THEN 2 ELSE 0 END";
        assert_eq!(
            self.docent.database.number(wrong).await,
            0,
            "who was answered has two turns, others none"
        );
    }
}

fn answer() -> Answer {
    Answer {
        text: "An answer.".to_owned(),
        citations: vec![],
        grounded: Grounding::None,
        model: "m".to_owned(),
        truncated: false,
    }
}

fn done(answer: &Answer) -> Completion<'_> {
    Completion {
        answer,
        usage: None,
        calls: 0,
        source: Source::Llm,
    }
}

async fn live(docent: &Docent, user: &User, events: &[Event]) {
    docent.database.execute("DELETE FROM jobs; DELETE FROM messages").await;
    let mut run = Run {
        docent,
        user,
        jobs: Vec::new(),
        claims: Vec::new(),
        ended: BTreeMap::new(),
    };
    run.happen(Event::Ask).await;
    for event in events {
        run.happen(*event).await;
        run.check(*event).await;
    }
    run.come_to_an_end().await;
    run.check_turns().await;
}

#[test]
fn whoever_comes_and_goes_nobody_is_left_behind() {
    let runtime = Runtime::new().unwrap();
    let settings = [
        ("LLM_PROVIDER", "extractive"),
        ("REDIS_URL", ""),
        ("MAX_OPEN_JOBS_PER_USER", "0"),
    ];
    let (docent, ada) = runtime.block_on(async {
        let docent = Docent::with(&settings).await;
        let ada = docent.user("ada").await;
        (docent, ada)
    });
    let config = Config {
        cases: 60,
        failure_persistence: None,
        ..Config::default()
    };
    let outcome = TestRunner::new(config).run(&events(), |events| {
        runtime.block_on(live(&docent, &ada, &events));
        Ok(())
    });
    if let Err(failure) = outcome {
        panic!("{failure}");
    }
}
