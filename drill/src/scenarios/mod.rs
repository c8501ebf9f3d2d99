//! One scenario a file. Each has a world of its own, so those that leave the services alone run side by side.

mod flood;
mod kill;
mod matrix;
mod poison;
mod single_flight;
mod thaw;

use std::pin::Pin;
use std::time::Instant;

use anyhow::{Context, Result};
use futures_util::future::try_join_all;

use crate::args::Options;
use crate::environment::Environment;
use crate::figures::Figures;
use crate::world::Service;

type Scenario<'a> = Pin<Box<dyn Future<Output = Result<Vec<Figures>>> + 'a>>;

/// Runs what was asked for; the rows of the table.
pub(crate) async fn run(environment: &Environment, options: &Options) -> Result<Vec<Figures>> {
    let is_full = options.is_full;
    let only = options.only.as_deref().unwrap_or_default();
    let mut all: Vec<(String, Scenario<'_>)> = vec![
        ("kill".to_owned(), Box::pin(kill::run(environment, is_full))),
        ("single-flight".to_owned(), Box::pin(single_flight::run(environment))),
        ("thaw".to_owned(), Box::pin(thaw::run(environment, is_full))),
        ("poison".to_owned(), Box::pin(poison::run(environment))),
    ];
    for service in Service::ALL {
        let name = format!("matrix-{}", service.name().to_lowercase());
        all.push((name, Box::pin(matrix::run(environment, service, is_full))));
    }
    all.retain(|(name, _)| name.contains(only));
    // Many wait most of the time: on two cores so many at once measure the product and not the machine.
    let mut rows = Vec::new();
    let together = if is_full { 2 } else { all.len().max(1) };
    while !all.is_empty() {
        let some = all.drain(..together.min(all.len()));
        let some = some.map(|(name, scenario)| told(name, scenario));
        rows.extend(try_join_all(some).await?.into_iter().flatten());
    }
    // Alone: it makes the services crash that the others use.
    if "flood".contains(only) {
        rows.extend(told("flood".to_owned(), Box::pin(flood::run(environment, is_full))).await?);
    }
    Ok(rows)
}

/// Says when a scenario begins and ends.
async fn told(name: String, scenario: Scenario<'_>) -> Result<Vec<Figures>> {
    let started = Instant::now();
    println!("{name}: begins");
    let rows = scenario.await.with_context(|| format!("the scenario {name}"))?;
    let broken = rows.iter().map(|row| row.violations.len()).sum::<usize>();
    println!(
        "{name}: {:.1} s, {broken} promises broken",
        started.elapsed().as_secs_f64()
    );
    Ok(rows)
}
