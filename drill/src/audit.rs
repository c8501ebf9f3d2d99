//! Checks the history against what is in the database and what the model was asked.

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use anyhow::{Context, Result};
use scripted_llm::{Call, Progress, Reply};
use uuid::Uuid;

use crate::figures::Figures;
use crate::history::Asked;
use crate::world::World;

/// No HTTP answer takes longer, whatever is broken.
const LONGEST_ANSWER: Duration = Duration::from_secs(5);
/// No job is worth more calls.
const MOST_CALLS: usize = 5;
/// What a client may be told while something is broken.
const ACCEPTABLE: [u16; 4] = [200, 202, 429, 503];

/// Where in a world's history a drill begins.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Mark {
    asked: usize,
    polls: usize,
}

impl Mark {
    /// From now on.
    pub(crate) fn now(world: &World) -> Self {
        Self {
            asked: world.history.len(),
            polls: world.history.polls(),
        }
    }
}

/// Everything since the mark.
pub(crate) async fn audit(world: &World, name: impl Into<String>, mark: Mark) -> Result<Figures> {
    world.look_again().await;
    let asked = world.history.since(mark.asked);
    let mut figures = Figures::named(name);
    as_seen_by_askers(&asked, &mut figures);
    answers_in_time(world, &asked, mark, &mut figures);
    as_stored(world, &asked, &mut figures).await?;
    as_the_model_saw_it(world, &asked, &mut figures);
    let by_force = world.worker.ended_by_force();
    figures.require(by_force == 0, || {
        format!("{by_force} invocations of the worker were ended by force at their deadline")
    });
    Ok(figures)
}

fn as_seen_by_askers(asked: &[Asked], figures: &mut Figures) {
    for asked in asked {
        let Some(job) = &asked.job else {
            *figures.refused.entry(asked.status).or_default() += 1;
            continue;
        };
        figures.accepted += 1;
        let Some(end) = &asked.end else {
            figures.lost += 1;
            figures.violations.push(format!("job {job} has no end"));
            continue;
        };
        let state = if end.code.is_empty() {
            end.status.clone()
        } else {
            format!("{} ({})", end.status, end.code)
        };
        *figures.ended.entry(state).or_default() += 1;
        figures.times_to_end.push(end.at.saturating_duration_since(asked.at));
        if asked.changed {
            figures.twice += 1;
            figures.violations.push(format!("job {job} changed after its end"));
        }
        let is_right = end.status != "completed" || end.answer.contains(&asked.token);
        figures.require(is_right, || {
            format!("job {job} was given the answer to another question: {:?}", end.answer)
        });
    }
}

fn answers_in_time(world: &World, asked: &[Asked], mark: Mark, figures: &mut Figures) {
    let questions = asked.iter().map(|asked| (asked.status, asked.took));
    let all: Vec<_> = questions.chain(world.history.polls_since(mark.polls)).collect();
    figures.http = all.iter().map(|(_, took)| *took).collect();
    let silent = asked
        .iter()
        .filter(|asked| asked.status == 503 && asked.retry_after.is_none());
    let silent = silent.count();
    figures.require(silent == 0, || {
        format!("{silent} answers by 503 do not say when to ask again")
    });
    let late = all.iter().filter(|(_, took)| *took > LONGEST_ANSWER).count();
    figures.require(late == 0, || {
        format!("{late} HTTP answers took longer than {LONGEST_ANSWER:?}")
    });
    let mut strange: BTreeMap<u16, usize> = BTreeMap::new();
    for (status, _) in all.iter().filter(|(status, _)| !ACCEPTABLE.contains(status)) {
        *strange.entry(*status).or_default() += 1;
    }
    figures.require(strange.is_empty(), || {
        format!("HTTP answers by unexpected status: {strange:?}")
    });
}

async fn as_stored(world: &World, asked: &[Asked], figures: &mut Figures) -> Result<()> {
    const FINAL: &str = "('completed', 'failed', 'cancelled', 'expired')";
    let jobs: Vec<Uuid> = asked
        .iter()
        .filter_map(|asked| asked.job.as_deref()?.parse().ok())
        .collect();
    let checks = [
        (
            "accepted jobs have no row",
            "SELECT wanted FROM unnest($1::uuid[]) AS wanted WHERE NOT EXISTS (SELECT 1 FROM jobs WHERE id = wanted)"
                .to_owned(),
        ),
        (
            "jobs have ended twice, or gone on after their end",
            format!(
                "SELECT job FROM drill_steps WHERE job = ANY($1::uuid[]) GROUP BY job
                 HAVING count(*) FILTER (WHERE new IN {FINAL}) > 1 OR count(*) FILTER (WHERE old IN {FINAL}) > 0"
            ),
        ),
        (
            "completed jobs do not have exactly one question and one answer in their chat",
            "SELECT j.id FROM jobs j WHERE j.id = ANY($1::uuid[]) AND j.status = 'completed'
             AND ARRAY(SELECT role FROM messages WHERE job_id = j.id ORDER BY role) <> ARRAY['assistant', 'user']"
                .to_owned(),
        ),
        (
            "jobs that are not completed have an answer in their chat",
            "SELECT j.id FROM jobs j JOIN messages m ON m.job_id = j.id
             WHERE j.id = ANY($1::uuid[]) AND j.status <> 'completed' AND m.role = 'assistant'"
                .to_owned(),
        ),
    ];
    let client = world.database.client().await?;
    for (what, query) in checks {
        let rows = client
            .query(&query, &[&jobs])
            .await
            .with_context(|| format!("check whether {what}"))?;
        if !rows.is_empty() {
            figures.twice += rows.len();
            figures.violations.push(format!("{} {what}", rows.len()));
        }
    }
    Ok(())
}

fn as_the_model_saw_it(world: &World, asked: &[Asked], figures: &mut Figures) {
    let mut answered: HashMap<&str, bool> = HashMap::new();
    for asked in asked {
        let is_answered = asked.end.as_ref().is_some_and(|end| end.status == "completed");
        *answered.entry(&asked.token).or_default() |= is_answered;
    }
    let calls = world.model.calls();
    for (token, is_answered) in answered {
        let calls = calls.get(token).map_or(&[][..], Vec::as_slice);
        figures.calls += calls.len();
        let most = calls.len();
        figures.require(most <= MOST_CALLS, || format!("{token} was asked {most} times"));
        let stored = is_answered.then(|| calls.iter().rposition(is_whole_answer)).flatten();
        for (number, call) in calls.iter().enumerate() {
            if Some(number) != stored {
                *figures.extra.entry(reason(call)).or_default() += 1;
            }
        }
    }
}

fn is_whole_answer(call: &Call) -> bool {
    matches!(call.reply, Reply::Paced(..)) && call.progress == Progress::Whole
}

/// Why a call was not the one whose answer was stored.
fn reason(call: &Call) -> &'static str {
    match (&call.reply, call.progress) {
        (Reply::Paced(..), Progress::Whole) => "reply not stored",
        (Reply::Paced(..), _) => "broken off",
        _ => "model failed",
    }
}
