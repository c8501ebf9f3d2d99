//! One bad message in a batch of ten: its nine neighbours are done, and only ids of the batch are reported.

use std::time::Duration;

use anyhow::{Context, Result};
use futures_util::future::try_join_all;
use futures_util::{StreamExt, TryStreamExt, stream};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::audit::{Mark, audit};
use crate::environment::Environment;
use crate::figures::Figures;
use crate::lambda::Failure;
use crate::mapping::failed_ids;
use crate::model::Act;
use crate::world::{Wish, World};

const BATCH: usize = 10;
const WORKERS: usize = 4;
/// The user whose document cannot be read. The nine before ask the siblings' questions.
const VICTIM: usize = BATCH - 1;
/// How long an invocation may take: so short that one that hangs ends while we wait.
const TIMEOUT: Duration = Duration::from_secs(14);
/// When everything is to have ended, what cannot be done included.
const LIMIT: Duration = Duration::from_secs(150);

/// What is wrong with the tenth message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Poison {
    NotJson,
    UnknownJob,
    Panic,
    Hang,
    MissingId,
    WrongType,
}

impl Poison {
    const ALL: [Self; 6] = [
        Self::NotJson,
        Self::UnknownJob,
        Self::Panic,
        Self::Hang,
        Self::MissingId,
        Self::WrongType,
    ];
}

pub(crate) async fn run(environment: &Environment) -> Result<Vec<Figures>> {
    let mut wish = Wish::of("poison", WORKERS, 10);
    // Jobs that make the worker panic end when they have been tried often enough: sooner with a short lease.
    wish.settings = vec![("JOB_LEASE_SECONDS", "5"), ("MAX_OPEN_JOBS_PER_USER", "1000")];
    wish.janitor_period = Duration::from_secs(10);
    let world = World::create(environment, &wish).await?;
    let victim = world.users.get(VICTIM).context("find a user")?.id.clone();
    world.store_document(VICTIM, &victim).await?;
    world.mapping.pause(true);
    // A poller that is just waiting for messages gets none.
    tokio::time::sleep(Duration::from_secs(2)).await;
    warm_up(&world).await?;
    // What no code of Docent can write, and the search cannot read: that is where the worker panics.
    let unreadable = format!(
        "ALTER TABLE documents ALTER COLUMN title DROP NOT NULL;
         UPDATE documents SET title = NULL WHERE collection_id = '{victim}'"
    );
    world.database.execute(&unreadable).await?;
    let mark = Mark::now(&world);
    let cells = Poison::ALL
        .into_iter()
        .flat_map(|poison| (0..BATCH).map(move |at| (poison, at)));
    let world = &world;
    let outcomes: Vec<Outcome> = stream::iter(cells)
        .map(|(poison, at)| batch(world, poison, at))
        .buffer_unordered(WORKERS)
        .try_collect()
        .await?;
    world.mapping.pause(false);
    world.follow(LIMIT).await;
    let good = outcomes.iter().filter(|outcome| outcome.is_good()).count();
    let mut figures = audit(
        world,
        format!("poison: siblings done {good} of {}", outcomes.len()),
        mark,
    )
    .await?;
    for bad in outcomes.iter().filter(|outcome| !outcome.is_good()) {
        figures.violations.push(format!("{bad:?}"));
    }
    let log = std::fs::read_to_string(environment.logs.join("poison-worker.log")).context("read the worker's log")?;
    let panics = log.matches("\"outcome\":\"panic\"").count();
    figures.require(panics >= BATCH, || {
        format!("only {panics} jobs panicked: this poison has lost its strength")
    });
    Ok(vec![figures])
}

/// A sandbox's first batch opens all its connections, which an unoptimised build may not do in the time it has.
async fn warm_up(world: &World) -> Result<()> {
    let batches = (0..WORKERS).map(|_| async {
        let records: Vec<Value> = try_join_all((0..BATCH).map(|user| accepted(world, user)))
            .await?
            .iter()
            .map(|job| record(&body(job)))
            .collect();
        // What was not done is done when messages are delivered again.
        let _ = world.worker.invoke(&json!({ "Records": records })).await;
        Ok(())
    });
    try_join_all(batches).await.map(drop)
}

/// Asks a question; its job.
async fn accepted(world: &World, user: usize) -> Result<String> {
    let number = world.ask(user, &world.new_token()).await;
    let job = world.history.get(number).and_then(|asked| asked.job);
    job.context("a question was not accepted")
}

/// What became of a batch.
#[derive(Debug)]
#[expect(dead_code, reason = "printed by its Debug form when a promise is broken")]
struct Outcome {
    poison: Poison,
    at: usize,
    siblings_done: i64,
    foreign_ids: Vec<String>,
    failure: Option<Failure>,
}

impl Outcome {
    fn is_good(&self) -> bool {
        self.siblings_done == 9 && self.foreign_ids.is_empty() && self.failure.is_none()
    }
}

async fn batch(world: &World, poison: Poison, at: usize) -> Result<Outcome> {
    let siblings = try_join_all((0..BATCH - 1).map(|user| accepted(world, user))).await?;
    let mut records: Vec<Value> = siblings.iter().map(|job| record(&body(job))).collect();
    records.insert(at, poisoned(world, poison).await?);
    let ids: Vec<Value> = records.iter().map(|record| record["messageId"].clone()).collect();
    let response = world
        .worker
        .invoke_within(&json!({ "Records": records }), TIMEOUT)
        .await;
    let (reported, failure) = match response {
        Ok(response) => (failed_ids(&response).into_iter().cloned().collect(), None),
        Err(failure) => (Vec::new(), Some(failure)),
    };
    let foreign = reported.iter().filter(|id| id.is_null() || !ids.contains(id));
    let list = siblings.join("','");
    let done = format!("SELECT count(*) FROM jobs WHERE status = 'completed' AND id IN ('{list}')");
    Ok(Outcome {
        poison,
        at,
        siblings_done: world.database.number(&done).await?,
        foreign_ids: foreign.map(Value::to_string).collect(),
        failure,
    })
}

async fn poisoned(world: &World, poison: Poison) -> Result<Value> {
    let mut record = match poison {
        Poison::NotJson | Poison::MissingId => record("{not json"),
        Poison::UnknownJob => record(&body(&Uuid::now_v7().to_string())),
        Poison::WrongType => record(r#"{"v":"1","kind":7,"jobId":[]}"#),
        Poison::Panic | Poison::Hang => {
            let token = world.new_token();
            if poison == Poison::Hang {
                world.model.tell(&token, Act::Hang);
            }
            let user = if poison == Poison::Panic { VICTIM } else { 0 };
            let number = world.ask(user, &token).await;
            let job = world.history.get(number).and_then(|asked| asked.job);
            record(&body(&job.context("a question was not accepted")?))
        }
    };
    if let (Poison::MissingId, Some(fields)) = (poison, record.as_object_mut()) {
        fields.remove("messageId");
    }
    Ok(record)
}

/// As Lambda hands it over, without a receipt: what becomes of the message is seen in the response.
fn record(body: &str) -> Value {
    json!({"messageId": Uuid::new_v4(), "body": body, "attributes": {"ApproximateReceiveCount": "1"},
        "messageAttributes": {}, "eventSource": "aws:sqs", "awsRegion": "us-east-1"})
}

fn body(job: &str) -> String {
    json!({"v": 1, "kind": "answer_question", "jobId": job}).to_string()
}
