//! Everything at once: many questions, workers killed every two seconds, Postgres and Redis crashing, a model that
//! fails, and a queue that delivers every message twice.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use futures_util::{StreamExt, stream};

use crate::audit::{Mark, audit};
use crate::environment::Environment;
use crate::figures::Figures;
use crate::world::{LANES, Wish, World};

const KILL_EVERY: Duration = Duration::from_secs(2);
const MODEL_FAILS: u32 = 20;
const REDIS_IS_AWAY: Duration = Duration::from_secs(2);
/// How long the last answer may take after the last question; below the jobs' own deadline.
const LIMIT: Duration = Duration::from_secs(600);

/// When a worker was killed that had a job, by job.
type Killed = Arc<Mutex<HashMap<String, Instant>>>;

pub(crate) async fn run(environment: &Environment, is_full: bool) -> Result<Vec<Figures>> {
    let (questions, seconds) = if is_full { (1000, 120) } else { (60, 15) };
    let mut wish = Wish::of("flood", 6, if is_full { 50 } else { 6 });
    wish.own_redis = true;
    wish.settings = vec![("MAX_OPEN_JOBS_PER_USER", "1000"), ("LLM_TIMEOUT_SECONDS", "10")];
    if !is_full {
        wish.settings.push(("JOB_LEASE_SECONDS", "8"));
        wish.janitor_period = Duration::from_secs(10);
    }
    let world = World::create(environment, &wish).await?;
    let mark = Mark::now(&world);
    world.mapping.deliver_twice(true);
    world.model.fail(MODEL_FAILS);
    let killed = Killed::default();
    let span = Duration::from_secs(seconds);
    let (asked, broken) = tokio::join!(ask_over(&world, questions, span), break_things(&world, &killed, span));
    broken?;
    let begun = Instant::now();
    world.follow(LIMIT).await;
    println!(
        "flood: the last question ended {:.0} s after the last kill",
        begun.elapsed().as_secs_f64()
    );
    let mut figures = audit(&world, format!("flood of {questions}"), mark).await?;
    figures.require(asked >= questions, || {
        format!("only {asked} of {questions} were accepted")
    });
    let killed = killed.lock().unwrap_or_else(PoisonError::into_inner).clone();
    for asked in world.history.since(0) {
        let (Some(job), Some(end)) = (asked.job, asked.end) else {
            continue;
        };
        if let Some(at) = killed.get(&job).filter(|at| **at < end.at) {
            figures.recoveries.push(end.at.saturating_duration_since(*at));
        }
    }
    let open = world
        .database
        .number("SELECT count(*) FROM jobs WHERE status IN ('queued', 'active', 'delayed')")
        .await?;
    figures.require(open == 0, || format!("{open} jobs in the database have not ended"));
    Ok(vec![figures])
}

/// Asks evenly over the time; who is refused asks again. Returns how many questions were accepted.
async fn ask_over(world: &World, questions: usize, span: Duration) -> usize {
    let pause = span.mul_f64(LANES as f64 / questions as f64);
    let begun = world.history.len();
    stream::iter(0..questions)
        .for_each_concurrent(LANES, |user| async move {
            tokio::time::sleep(pause).await;
            let mut number = world.ask(user, &world.new_token()).await;
            while world.history.get(number).is_some_and(|asked| asked.status == 503) {
                tokio::time::sleep(Duration::from_secs(1)).await;
                number = world.ask(user, &world.new_token()).await;
            }
        })
        .await;
    world
        .history
        .since(begun)
        .iter()
        .filter(|asked| asked.job.is_some())
        .count()
}

async fn break_things(world: &World, killed: &Killed, span: Duration) -> Result<()> {
    let started = Instant::now();
    let (mut crashed, mut restarted) = (false, false);
    while started.elapsed() < span {
        tokio::time::sleep(KILL_EVERY).await;
        if let Some(event) = world.worker.kill_a_busy_one() {
            note(killed, &event);
        }
        if !crashed && started.elapsed() > span / 3 {
            crashed = true;
            world.database.crash_server().await?;
        }
        if !restarted && started.elapsed() > span * 2 / 3 {
            restarted = true;
            let redis = world.redis.as_ref().context("this world has a Redis of its own")?;
            redis.lock().await.restart_after(REDIS_IS_AWAY).await?;
        }
    }
    Ok(())
}

/// Remembers which jobs had a worker that is dead now. The last time counts.
fn note(killed: &Killed, event: &str) {
    let mut killed = killed.lock().unwrap_or_else(PoisonError::into_inner);
    for piece in event.split("jobId").skip(1) {
        let id: String = piece
            .chars()
            .skip_while(|c| !c.is_ascii_hexdigit())
            .take_while(|c| c.is_ascii_hexdigit() || *c == '-')
            .collect();
        killed.insert(id, Instant::now());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_jobs_of_an_event_are_found() {
        let id = "01890a5d-ac96-774b-bcce-b302099a8057";
        let body = format!(r#"{{"v":1,"kind":"answer_question","jobId":"{id}"}}"#);
        let killed = Killed::default();
        note(&killed, &serde_json::json!({"Records": [{"body": body}]}).to_string());
        assert!(killed.lock().unwrap().contains_key(id));
    }
}
