//! One scenario a file. Each has a world of its own, so those that leave the services alone run side by side.

mod flood;
mod kill;
mod matrix;
mod poison;
mod single_flight;
mod thaw;

use std::pin::Pin;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use futures_util::future::try_join_all;

use crate::args::Options;
use crate::environment::Environment;
use crate::figures::Figures;
use crate::world::Service;

type Scenario<'a> = Pin<Box<dyn Future<Output = Result<Vec<Figures>>> + 'a>>;

/// Runs what was asked for; the rows of the table.
pub(crate) async fn run(environment: &Environment, options: &Options) -> Result<Vec<Figures>> {
    let only = options.only.as_deref().unwrap_or_default();
    let lanes = lanes(options.is_full).into_iter().map(|lane| async move {
        let mut rows = Vec::new();
        for name in lane.iter().filter(|name| name.contains(only)) {
            rows.extend(told(name, scenario(name, environment, options.is_full)).await?);
        }
        Ok::<_, anyhow::Error>(rows)
    });
    let mut rows: Vec<Figures> = try_join_all(lanes).await?.into_iter().flatten().collect();
    // Alone: it makes the services crash that the others use.
    if "flood".contains(only) {
        rows.extend(told("flood", Box::pin(flood::run(environment, options.is_full))).await?);
    }
    Ok(rows)
}

/// Lanes run side by side, the scenarios of a lane one after the other. Most of them wait most of the time; those
/// that measure short times are kept apart from those that use up the machine.
fn lanes(is_full: bool) -> Vec<Vec<&'static str>> {
    if is_full {
        vec![
            vec!["kill", "thaw", "matrix-redis", "matrix-llm"],
            vec!["single-flight", "matrix-postgres", "poison"],
            vec!["matrix-sqs"],
        ]
    } else {
        vec![
            vec!["thaw", "matrix-postgres", "matrix-redis"],
            vec!["single-flight", "poison"],
            vec!["kill"],
            vec!["matrix-llm"],
            vec!["matrix-sqs"],
        ]
    }
}

fn scenario<'a>(name: &str, environment: &'a Environment, is_full: bool) -> Scenario<'a> {
    let service = Service::ALL
        .into_iter()
        .find(|service| name == format!("matrix-{}", service.name().to_lowercase()));
    match (name, service) {
        ("kill", _) => Box::pin(kill::run(environment, is_full)),
        ("thaw", _) => Box::pin(thaw::run(environment, is_full)),
        ("single-flight", _) => Box::pin(single_flight::run(environment)),
        (_, Some(service)) => Box::pin(matrix::run(environment, service, is_full)),
        _ => Box::pin(poison::run(environment)),
    }
}

/// How long something may take that is promised in seconds and measured in fractions of one. The quick run shares its
/// machine with whatever else tests it, and gives it as much time again.
fn patience(promise: Duration, is_full: bool) -> Duration {
    if is_full { promise } else { promise * 2 }
}

/// Says when a scenario begins and ends.
async fn told(name: &str, scenario: Scenario<'_>) -> Result<Vec<Figures>> {
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
