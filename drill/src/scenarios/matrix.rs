//! Every fault in front of every service, while questions are being asked and worked on.

use std::time::{Duration, Instant};

use anyhow::{Result, bail};
use futures_util::{StreamExt, stream};

use crate::audit::{Mark, audit};
use crate::environment::Environment;
use crate::figures::Figures;
use crate::proxy::Fault;
use crate::world::{LANES, Service, Wish, World};

/// How long a fault lasts at least.
const FAULT: Duration = Duration::from_secs(8);
/// When, after a fault, everything that was accepted is to have ended. What could not be sent waits for the janitor,
/// which may have to look twice.
const LIMIT: Duration = Duration::from_secs(180);
/// With Postgres away, a question is refused within this time.
const REFUSED_WITHIN: Duration = Duration::from_secs(3);

/// The cells of one service, one after the other in a world of its own.
pub(crate) async fn run(environment: &Environment, service: Service, is_full: bool) -> Result<Vec<Figures>> {
    let mut wish = Wish::of(&format!("matrix-{}", service.name().to_lowercase()), 3, 10);
    wish.settings = vec![
        ("LLM_TIMEOUT_SECONDS", "10"),
        // All that a cell asks may be open at once.
        ("MAX_OPEN_JOBS_PER_USER", "1000"),
    ];
    if !is_full {
        wish.janitor_period = Duration::from_secs(10);
    }
    let world = World::create(environment, &wish).await?;
    let (faults, questions) = if is_full {
        (Fault::matrix(latency(service)).to_vec(), 50)
    } else {
        (quick(service), 10)
    };
    let mut rows = Vec::new();
    for fault in faults {
        let mut figures = cell(&world, service, fault, questions).await?;
        if service == Service::Postgres {
            let refused = figures.slowest_refusal;
            let within = super::patience(REFUSED_WITHIN, is_full);
            figures.require(refused <= within, || {
                format!("a question was refused after {refused:?}")
            });
        }
        rows.push(figures);
    }
    Ok(rows)
}

/// So much that it hurts: several times what a call usually takes.
fn latency(service: Service) -> Duration {
    Duration::from_millis(match service {
        Service::Postgres => 200,
        Service::Redis => 400,
        Service::Sqs => 500,
        Service::Llm => 1500,
    })
}

/// The cells that fit into two minutes.
fn quick(service: Service) -> Vec<Fault> {
    match service {
        Service::Postgres => vec![Fault::Hang, Fault::Cut],
        Service::Redis => vec![Fault::Hang, Fault::Reset, Fault::Drip],
        Service::Sqs => vec![Fault::Refuse],
        Service::Llm => vec![Fault::Hang, Fault::Cut],
    }
}

async fn cell(world: &World, service: Service, fault: Fault, questions: usize) -> Result<Figures> {
    let mark = Mark::now(world);
    let begun = world.history.len();
    // Half of them are on their way when it happens.
    ask(world, questions / 2).await;
    world.set(service, fault);
    let since = Instant::now();
    ask(world, questions - questions / 2).await;
    tokio::time::sleep(FAULT.saturating_sub(since.elapsed())).await;
    world.set(service, Fault::None);
    let healed = Instant::now();
    let refused = world
        .history
        .since(begun)
        .iter()
        .filter(|asked| asked.job.is_none())
        .count();
    let again = world.history.len();
    ask(world, refused.max(1)).await;
    let first = world.history.get(again);
    world.follow(LIMIT).await;

    let mut figures = audit(world, format!("{} {}", service.name(), fault.name()), mark).await?;
    figures.require(first.is_some_and(|first| first.job.is_some()), || {
        "the first question after the fault was not accepted".to_owned()
    });
    for asked in world.history.since(begun) {
        if asked.job.is_none() {
            figures.slowest_refusal = figures.slowest_refusal.max(asked.took);
        }
        if let Some(end) = asked.end.filter(|end| end.at > healed) {
            figures
                .recoveries
                .push(end.at.saturating_duration_since(healed.max(asked.at)));
        }
    }
    if figures.accepted < questions {
        bail!(
            "{}: only {} of {questions} questions were accepted",
            figures.name,
            figures.accepted
        );
    }
    Ok(figures)
}

/// Asks so many questions of their own, as many at once as there are sandboxes.
pub(crate) async fn ask(world: &World, count: usize) {
    stream::iter(0..count)
        .for_each_concurrent(LANES, |number| async move {
            world.ask(number, &world.new_token()).await;
        })
        .await;
}
