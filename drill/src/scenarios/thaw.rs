//! Sandboxes are frozen, lose every connection meanwhile, and are thawed: the first request is served.

use std::time::Duration;

use anyhow::Result;

use super::matrix::ask;
use crate::audit::{Mark, audit};
use crate::environment::Environment;
use crate::figures::Figures;
use crate::proxy::Fault;
use crate::world::{LANES, Service, Wish, World};

/// How much longer the first request may take.
const PROMISE: Duration = Duration::from_secs(1);
const FROZEN: Duration = Duration::from_millis(1500);
const LIMIT: Duration = Duration::from_secs(120);
/// Throws all of the functions' connections out on the server's side.
const THROW_OUT: &str = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
    WHERE datname = current_database() AND pid <> pg_backend_pid()";

pub(crate) async fn run(environment: &Environment, is_full: bool) -> Result<Vec<Figures>> {
    let rounds = if is_full { 20 } else { 3 };
    let mut wish = Wish::of("thaw", 2, 4);
    wish.settings = vec![("MAX_OPEN_JOBS_PER_USER", "1000")];
    let world = World::create(environment, &wish).await?;
    // One question for each sandbox, to open its connections.
    ask(&world, LANES).await;
    world.follow(LIMIT).await;
    let mark = Mark::now(&world);
    for _ in 0..rounds {
        round(&world).await?;
    }
    let mut figures = audit(&world, format!("thawed sandboxes, {rounds} rounds"), mark).await?;
    let refused: usize = figures.refused.values().sum();
    figures.require(refused == 0, || format!("{refused} first requests were refused"));
    let slowest = figures.http.iter().max().copied().unwrap_or_default();
    figures.require(slowest <= super::patience(PROMISE, is_full), || {
        format!("a first request took {slowest:?}")
    });
    Ok(vec![figures])
}

async fn round(world: &World) -> Result<()> {
    world.freeze(true);
    world.database.execute(THROW_OUT).await?;
    for service in Service::ALL {
        world.set(service, Fault::Reset);
    }
    tokio::time::sleep(FROZEN).await;
    for service in Service::ALL {
        world.set(service, Fault::None);
    }
    world.freeze(false);
    // As many at once as there are sandboxes: each serves one of them first.
    ask(world, LANES).await;
    world.follow(LIMIT).await;
    Ok(())
}
