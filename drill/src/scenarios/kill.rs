//! `kill -9` for a worker in the midst of a call to the model: the answer is there soon, by another worker.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use crate::audit::{Mark, audit};
use crate::environment::Environment;
use crate::figures::Figures;
use crate::model::Act;
use crate::world::{Wish, World};

/// From the kill to the answer.
const PROMISE: Duration = Duration::from_secs(45);
/// Far more than a question takes to reach the model.
const REACHES_THE_MODEL: Duration = Duration::from_secs(20);
/// Rounds at the same time.
const SIDE_BY_SIDE: usize = 5;
/// The longest a call is left alone before its worker is killed: longer than the time between two heartbeats.
const LONGEST_WAIT: f64 = 12.0;

pub(crate) async fn run(environment: &Environment, is_full: bool) -> Result<Vec<Figures>> {
    let rounds = if is_full { 20 } else { 3 };
    let world = World::create(environment, &Wish::of("kill", SIDE_BY_SIDE + 2, 3)).await?;
    let mark = Mark::now(&world);
    let mut recoveries = Vec::new();
    let numbers: Vec<usize> = (0..rounds).collect();
    for some in numbers.chunks(SIDE_BY_SIDE) {
        // One after the other: a worker holds one question each, and its death hits no other.
        let mut held = Vec::new();
        for user in some {
            held.push(ask_and_wait(&world, *user).await?);
        }
        let rounds = held.into_iter().map(|question| kill(&world, question));
        recoveries.extend(futures_util::future::try_join_all(rounds).await?);
    }
    let mut figures = audit(&world, format!("kill -9 in mid-call, {rounds} rounds"), mark).await?;
    for recovery in &recoveries {
        figures.require(*recovery <= PROMISE, || {
            format!("the answer came {recovery:?} after the kill")
        });
    }
    figures.recoveries = recoveries;
    Ok(vec![figures])
}

/// Asks, and waits until the model is drawing its answer out; the question's number.
async fn ask_and_wait(world: &World, user: usize) -> Result<usize> {
    let token = world.new_token();
    world.model.tell(&token, Act::DrawOut);
    let number = world.ask(user, &token).await;
    let reaches = async {
        while world.model.calls_for(&token) == 0 {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(REACHES_THE_MODEL, reaches)
        .await
        .with_context(|| format!("{token} did not reach the model in {REACHES_THE_MODEL:?}"))?;
    Ok(number)
}

/// Kills the worker of a question; the time from then to the question's end.
async fn kill(world: &World, number: usize) -> Result<Duration> {
    let asked = world.history.get(number).context("find the question")?;
    let job = asked.job.context("the question was not accepted")?;
    tokio::time::sleep(Duration::from_secs_f64(fastrand::f64() * LONGEST_WAIT)).await;
    if !world.worker.kill_the_one_with(&job) {
        bail!("no worker works on job {job}");
    }
    let killed = Instant::now();
    world.follow(Duration::from_secs(120)).await;
    let end = world.history.get(number).and_then(|asked| asked.end);
    Ok(end.map_or_else(|| killed.elapsed(), |end| end.at.saturating_duration_since(killed)))
}
