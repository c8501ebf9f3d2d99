//! The life of a job against a model of it: whatever happens in whatever order, the rows do what the model says.

use std::time::Duration;

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use shared::db::jobs::{self, Cancellation, Claim, Completion, DeadLetter, Lease, Redrive, RetryPlan, Source, Spent};
use shared::domain::{Answer, FailureCode, Grounding, JobId, JobStatus, UserId};
use tokio::runtime::Runtime;

use crate::journey::QUESTION;
use crate::support::{Docent, User, text};

/// So long that none ends by itself during a test.
const LONG: Duration = Duration::from_secs(3600);

/// What can happen to a job. The number chooses one of the workers that ever had it: the last one, or a zombie.
#[derive(Debug, Clone, Copy)]
enum Event {
    /// Its message is delivered, for the first time or again.
    Deliver,
    Renew(usize),
    Complete(usize),
    Fail(usize),
    Defer(usize, bool),
    Cancel,
    LeaseRunsOut,
    RetryTimeComes,
    DeadlinePasses,
    MessageDies,
    Sweep,
    Redrive,
}

fn events() -> impl Strategy<Value = Vec<Event>> {
    let worker = || 0..3_usize;
    vec(
        prop_oneof![
            4 => Just(Event::Deliver),
            1 => worker().prop_map(Event::Renew),
            1 => worker().prop_map(Event::Complete),
            1 => worker().prop_map(Event::Fail),
            2 => (worker(), any::<bool>()).prop_map(|(worker, counts)| Event::Defer(worker, counts)),
            1 => Just(Event::Cancel),
            2 => Just(Event::LeaseRunsOut),
            2 => Just(Event::RetryTimeComes),
            1 => Just(Event::DeadlinePasses),
            1 => Just(Event::MessageDies),
            1 => Just(Event::Sweep),
            1 => Just(Event::Redrive),
        ],
        1..25,
    )
}

/// A job as the design says it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Model {
    status: JobStatus,
    attempt: i32,
    /// Which of the claims holds the lease.
    holder: Option<usize>,
    /// The lease has run out, or the retry's time has come.
    time_is_up: bool,
    deadline_passed: bool,
    answered: bool,
}

impl Model {
    fn new() -> Self {
        Self {
            status: JobStatus::Queued,
            attempt: 0,
            holder: None,
            time_is_up: false,
            deadline_passed: false,
            answered: false,
        }
    }

    fn is_worked_on(&self) -> bool {
        self.status == JobStatus::Active && !self.time_is_up
    }

    fn is_overdue(&self) -> bool {
        self.deadline_passed && !self.status.is_final() && !self.is_worked_on()
    }

    fn may_be_taken(&self) -> bool {
        !self.deadline_passed && !self.status.is_final() && (self.status == JobStatus::Queued || self.time_is_up)
    }

    fn holds(&self, claim: Option<usize>) -> bool {
        claim.is_some() && self.holder == claim
    }

    fn become_(&mut self, status: JobStatus) {
        self.status = status;
        self.holder = None;
        self.time_is_up = false;
    }
}

/// A job in the database, the claims on it so far, and what it should be.
struct Run<'a> {
    docent: &'a Docent,
    user: &'a User,
    job: JobId,
    claims: Vec<Lease>,
    model: Model,
}

impl Run<'_> {
    /// The last claim, the one before, or the one before that.
    fn claim(&self, back: usize) -> Option<usize> {
        self.claims.len().checked_sub(back + 1)
    }

    async fn set(&self, change: &str) {
        let statement = format!("UPDATE jobs SET {change} WHERE id = '{}'", self.job);
        self.docent.database.execute(&statement).await;
    }

    async fn happen(&mut self, event: Event) {
        match event {
            Event::Deliver => self.deliver().await,
            Event::Renew(back) => self.renew(back).await,
            Event::Complete(back) => self.complete(back).await,
            Event::Fail(back) => self.fail(back).await,
            Event::Defer(back, counts) => self.defer(back, counts).await,
            Event::Cancel => self.cancel().await,
            Event::LeaseRunsOut => {
                self.set("lease_until = now() - interval '1 second'").await;
                self.model.time_is_up |= self.model.status == JobStatus::Active;
            }
            Event::RetryTimeComes => {
                self.set("next_attempt_at = now() - interval '1 second'").await;
                self.model.time_is_up |= self.model.status == JobStatus::Delayed;
            }
            Event::DeadlinePasses => {
                self.set("expires_at = now() - interval '1 second'").await;
                self.model.deadline_passed = true;
            }
            Event::MessageDies => self.die().await,
            Event::Sweep => self.sweep().await,
            Event::Redrive => self.redrive().await,
        }
    }

    async fn deliver(&mut self) {
        let mut db = self.docent.worker.db.session().await.unwrap();
        let claim = jobs::claim(&mut db, self.job, LONG).await.unwrap();
        match claim {
            Claim::Mine(mine) => {
                assert!(self.model.may_be_taken(), "{:?}", self.model);
                self.model.become_(JobStatus::Active);
                self.model.attempt += 1;
                self.model.holder = Some(self.claims.len());
                self.claims.push(mine.lease);
                assert_eq!(mine.attempt, self.model.attempt);
            }
            Claim::Expired => {
                assert!(self.model.is_overdue(), "{:?}", self.model);
                self.model.become_(JobStatus::Expired);
            }
            Claim::Finished(status) => assert_eq!(status, self.model.status),
            Claim::HeldFor(_) => assert!(!self.model.status.is_final() && !self.model.may_be_taken()),
            Claim::Unknown => panic!("the job is there"),
        }
    }

    async fn renew(&mut self, back: usize) {
        let Some(claim) = self.claim(back) else { return };
        let mut db = self.docent.worker.db.session().await.unwrap();
        let renewed = jobs::renew(&mut db, &self.claims[claim], LONG).await.unwrap();
        assert_eq!(renewed, self.model.holds(Some(claim)));
        if renewed {
            self.model.time_is_up = false;
        }
    }

    async fn complete(&mut self, back: usize) {
        let Some(claim) = self.claim(back) else { return };
        let answer = Answer {
            text: format!("by claim {claim}"),
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
        let mut db = self.docent.worker.db.session().await.unwrap();
        let stored = jobs::complete_answer(&mut db, &self.claims[claim], &done)
            .await
            .unwrap();
        assert_eq!(
            stored.is_some(),
            self.model.holds(Some(claim)) && !self.model.is_overdue()
        );
        if stored.is_some() {
            assert!(!self.model.answered, "one job, one answer");
            self.model.become_(JobStatus::Completed);
            self.model.answered = true;
        }
    }

    async fn fail(&mut self, back: usize) {
        let Some(claim) = self.claim(back) else { return };
        let mut db = self.docent.worker.db.session().await.unwrap();
        let failed = jobs::fail(&mut db, &self.claims[claim], FailureCode::Internal, &Spent::default())
            .await
            .unwrap();
        assert_eq!(
            failed.is_some(),
            self.model.holds(Some(claim)) && !self.model.is_overdue()
        );
        if failed.is_some() {
            self.model.become_(JobStatus::Failed);
        }
    }

    async fn defer(&mut self, back: usize, attempt_counts: bool) {
        let Some(claim) = self.claim(back) else { return };
        let plan = RetryPlan {
            after: LONG,
            attempt_counts,
        };
        let mut db = self.docent.worker.db.session().await.unwrap();
        let deferred = jobs::defer(&mut db, &self.claims[claim], &plan, &Spent::default())
            .await
            .unwrap();
        assert_eq!(deferred, self.model.holds(Some(claim)));
        if deferred {
            self.model.become_(JobStatus::Delayed);
            self.model.attempt -= i32::from(!attempt_counts);
        }
    }

    async fn cancel(&mut self) {
        let owner: UserId = self.user.id.parse().unwrap();
        let mut db = self.docent.worker.db.session().await.unwrap();
        let cancelled = jobs::cancel(&mut db, owner, self.job).await.unwrap();
        let expected = match self.model.status {
            _ if self.model.is_overdue() => Cancellation::Ended(JobStatus::Expired),
            JobStatus::Cancelled => Cancellation::Already,
            status if status.is_final() => Cancellation::Ended(status),
            status => Cancellation::Cancelled {
                is_worked_on: status == JobStatus::Active,
                heir: None,
            },
        };
        if matches!(expected, Cancellation::Cancelled { .. }) {
            self.model.become_(JobStatus::Cancelled);
        }
        assert_eq!(cancelled, expected);
    }

    async fn die(&mut self) {
        let mut db = self.docent.worker.db.session().await.unwrap();
        let buried = jobs::bury(&mut db, self.job).await.unwrap();
        let expected = match self.model {
            model if model.status.is_final() => DeadLetter::NothingToDo,
            model if model.is_worked_on() || model.is_overdue() => DeadLetter::Held,
            _ => DeadLetter::Failed { jobs: 1, heir: None },
        };
        if buried == (DeadLetter::Failed { jobs: 1, heir: None }) {
            self.model.become_(JobStatus::Failed);
        }
        assert_eq!(buried, expected);
    }

    async fn sweep(&mut self) {
        let mut db = self.docent.worker.db.session().await.unwrap();
        jobs::sweep(&mut db, 100).await.unwrap();
        if self.model.is_overdue() {
            self.model.become_(JobStatus::Expired);
        }
    }

    async fn redrive(&mut self) {
        let mut db = self.docent.worker.db.session().await.unwrap();
        let which = Redrive {
            code: None,
            since: None,
            limit: 100,
        };
        let redriven = jobs::redrive(&mut db, &which).await.unwrap();
        assert_eq!(redriven.jobs, usize::from(self.model.status == JobStatus::Failed));
        if redriven.jobs == 1 {
            self.model.become_(JobStatus::Queued);
            self.model.attempt = 0;
            // As much time as it had, which may have been none.
            self.set("expires_at = now() + interval '1 hour'").await;
            self.model.deadline_passed = false;
        }
    }

    /// The row, and its messages, as the model says.
    async fn check(&self, before: JobStatus, event: Event) {
        let after = self.model.status;
        assert!(
            before == after || before.may_become(after),
            "{before:?} -> {after:?} by {event:?}"
        );
        let client = self.docent.database.client().await;
        let row = client
            .query_one(
                "SELECT status, attempt, lease_token IS NOT NULL AS leased, resend_at IS NOT NULL AS looked_after,
                        (SELECT count(*) FROM messages WHERE job_id = jobs.id) AS messages
                 FROM jobs WHERE id = $1",
                &[&self.job.uuid()],
            )
            .await
            .unwrap();
        let seen: (&str, i32, bool, bool, i64) = (row.get(0), row.get(1), row.get(2), row.get(3), row.get(4));
        let is_open = !after.is_final();
        let messages = if self.model.answered { 2 } else { 0 };
        let expected = (
            after.as_str(),
            self.model.attempt,
            after == JobStatus::Active,
            is_open,
            messages,
        );
        assert_eq!(seen, expected, "after {event:?}");
    }
}

async fn live(docent: &Docent, user: &User, events: &[Event]) {
    // Jobs of earlier runs would be swept and driven again along with this one.
    docent.database.execute("DELETE FROM jobs; DELETE FROM messages").await;
    let accepted = docent.ask(user, QUESTION).await.expect(202);
    let mut run = Run {
        docent,
        user,
        job: text(&accepted["jobId"]).parse().unwrap(),
        claims: Vec::new(),
        model: Model::new(),
    };
    for event in events {
        let before = run.model.status;
        run.happen(*event).await;
        run.check(before, *event).await;
    }
}

#[test]
fn whatever_happens_in_whatever_order_a_job_does_what_the_model_says() {
    let runtime = Runtime::new().unwrap();
    let (docent, ada) = runtime.block_on(async {
        let docent = Docent::start().await;
        let ada = docent.user("ada").await;
        (docent, ada)
    });
    let config = Config {
        cases: 80,
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
