//! Many people ask the same at the same moment: one call, even if the worker that makes it is killed.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use futures_util::future::join_all;
use serde_json::json;

use crate::audit::{Mark, audit};
use crate::environment::Environment;
use crate::figures::Figures;
use crate::model::Act;
use crate::world::{SHARED_COLLECTION, Wish, World};

const QUESTIONS: usize = 50;
const USERS: usize = 10;
/// From the kill to the last answer.
const PROMISE: Duration = Duration::from_secs(45);
const LIMIT: Duration = Duration::from_secs(120);

pub(crate) async fn run(environment: &Environment) -> Result<Vec<Figures>> {
    let world = World::create(environment, &Wish::of("single-flight", 4, USERS)).await?;
    Ok(vec![undisturbed(&world).await?, with_the_leader_killed(&world).await?])
}

async fn undisturbed(world: &World) -> Result<Figures> {
    let mark = Mark::now(world);
    let token = world.new_token();
    world.model.tell(&token, Act::Slowly);
    ask_all(world, &token).await;
    world.follow(LIMIT).await;
    let mut figures = audit(world, format!("single flight, {QUESTIONS} at once"), mark).await?;
    require_one_answer_each(&mut figures, 1);
    Ok(figures)
}

async fn with_the_leader_killed(world: &World) -> Result<Figures> {
    let mark = Mark::now(world);
    let begun = world.history.len();
    let token = world.new_token();
    world.model.tell(&token, Act::DrawOut);
    ask_all(world, &token).await;
    let called = async {
        while world.model.calls_for(&token) == 0 {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(LIMIT, called).await.context("wait for the call")?;
    let jobs: Vec<String> = world
        .history
        .since(begun)
        .into_iter()
        .filter_map(|asked| asked.job)
        .collect();
    if !jobs.iter().any(|job| world.worker.kill_the_one_with(job)) {
        bail!("no worker works on any of the questions");
    }
    let killed = Instant::now();
    world.follow(LIMIT).await;
    let mut figures = audit(world, "single flight, leader killed".to_owned(), mark).await?;
    require_one_answer_each(&mut figures, 2);
    let ends = world.history.since(begun).into_iter().filter_map(|asked| asked.end);
    figures.recoveries = ends.map(|end| end.at.saturating_duration_since(killed)).collect();
    let longest = figures.recoveries.iter().max().copied().unwrap_or_default();
    figures.require(longest <= PROMISE, || {
        format!("the last answer came {longest:?} after the kill")
    });
    Ok(figures)
}

fn require_one_answer_each(figures: &mut Figures, calls: usize) {
    let completed = figures.ended.get("completed").copied().unwrap_or_default();
    figures.require(completed == QUESTIONS, || {
        format!("{completed} of {QUESTIONS} were answered")
    });
    let made = figures.calls;
    figures.require(made == calls, || {
        format!("{made} calls to the model where {calls} would do")
    });
}

/// The same words in the same collection, which all may read.
async fn ask_all(world: &World, token: &str) {
    let query = format!("How long is the lease of a worker, {token}?");
    let body = json!({"query": query, "collections": [SHARED_COLLECTION]});
    join_all((0..QUESTIONS).map(|user| world.ask_with(user, token, &body))).await;
}
