//! Measures one collection: ingests it, asks every judged question, and adds up.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::time::Instant;

use anyhow::{Context, Result};
use futures_util::future::try_join_all;

use crate::abstention::{Abstention, Attempt};
use crate::baseline;
use crate::collection::{Collection, Judgments, Question};
use crate::database::{CONNECTIONS, PrivateDatabase};
use crate::ingest::{self, Ingested};
use crate::measures::{DEEPEST, MEASURES, Unit};
use crate::progress::Progress;
use crate::report::{Report, SystemReport};
use crate::retrieve::Tools;
use crate::statistics::{self, Latency, estimates};
use crate::system::{Asker, System};
use crate::units::Units;

/// How many questions are timed: enough for a 99th percentile.
const TIMED: usize = 500;

/// Measures systems on a collection, in a database of its own on the server. Each further system is compared with the
/// last one, question by question.
///
/// # Errors
/// If the collection cannot be ingested or the database not be asked.
pub async fn evaluate(server: &str, collection: &Collection, systems: &[System], tools: &Tools) -> Result<Report> {
    let database = PrivateDatabase::create(server).await?;
    let report = in_database(&database, collection, systems, tools).await;
    let dropped = database.drop().await;
    // The first failure is the interesting one.
    let report = report.with_context(|| format!("measure {}", collection.name))?;
    dropped?;
    Ok(report)
}

async fn in_database(
    database: &PrivateDatabase,
    collection: &Collection,
    systems: &[System],
    tools: &Tools,
) -> Result<Report> {
    let db = database.pool()?;
    let start = Instant::now();
    let ingested = ingest::ingest(&db, collection).await?;
    if let Some(memory) = tools.memory() {
        ingest::embed(&db, memory, &collection.name, passages(&ingested)).await?;
    }
    let ingest_seconds = start.elapsed().as_secs_f64();
    database.tidy().await?;
    if systems.contains(&System::AnyTermTsRank) {
        baseline::prepare(&database.client().await?).await?;
    }
    let mut askers = Vec::new();
    for _ in 0..CONNECTIONS {
        askers.push(Asker::connect(tools, database, db.session().await?, ingested.owner).await?);
    }
    let units = Units::new(collection, &ingested);
    let judged: Vec<&Question> = collection
        .questions
        .iter()
        .filter(|question| units.relevant_to(&question.id).is_some())
        .collect();
    let mut reports: Vec<SystemReport> = Vec::new();
    for &system in systems {
        let what = format!("{}: ask ({})", collection.name, system.name());
        let rankings = rankings(&mut askers, system, &judged, &units, &what).await?;
        let latency = latency(&mut askers[0], system, &judged).await?;
        reports.push(measured(system, &judged, &units, &rankings, latency));
    }
    compare_with_last(&mut reports);
    let abstention = abstention(&mut askers, systems[0], collection).await?;
    Ok(Report {
        collection: collection.name.clone(),
        judged_by: judged_by(&collection.judgments),
        documents: collection.documents.len(),
        passages: passages(&ingested),
        judged_questions: judged.len(),
        ingest_seconds,
        systems: reports,
        abstention,
    })
}

fn judged_by(judgments: &Judgments) -> &'static str {
    match judgments {
        Judgments::Items(_) => "items",
        Judgments::Spans(_) => "spans",
    }
}

fn passages(ingested: &Ingested) -> usize {
    ingested.documents.iter().map(|document| document.passages.len()).sum()
}

/// The rankings of all questions, asked by all askers at once, in the order of the questions.
async fn rankings(
    askers: &mut [Asker<'_>],
    system: System,
    questions: &[&Question],
    units: &Units,
    what: &str,
) -> Result<Vec<Vec<Unit>>> {
    let progress = RefCell::new(Progress::new(what, questions.len()));
    let lanes = askers.len();
    let work = askers.iter_mut().enumerate().map(|(lane, asker)| {
        let progress = &progress;
        async move {
            let mut found = Vec::new();
            for (index, question) in questions.iter().enumerate().skip(lane).step_by(lanes) {
                let hits = asker.ask(system, &question.text).await?;
                let mut ranking = units.ranking(hits);
                ranking.truncate(DEEPEST);
                found.push((index, ranking));
                progress.borrow_mut().step();
            }
            Ok::<_, anyhow::Error>(found)
        }
    });
    let mut found: Vec<(usize, Vec<Unit>)> = try_join_all(work).await?.into_iter().flatten().collect();
    progress.into_inner().end();
    found.sort_unstable_by_key(|(index, _)| *index);
    Ok(found.into_iter().map(|(_, ranking)| ranking).collect())
}

/// Times the call as the worker makes it, with nothing beside it; the questions are spread over all.
async fn latency(asker: &mut Asker<'_>, system: System, questions: &[&Question]) -> Result<Option<Latency>> {
    let mut durations = Vec::new();
    for question in questions.iter().step_by(questions.len().div_ceil(TIMED).max(1)) {
        durations.push(asker.time(system, &question.text).await?);
    }
    Ok(Latency::of(durations))
}

fn measured(
    system: System,
    questions: &[&Question],
    units: &Units,
    rankings: &[Vec<Unit>],
    latency_ms: Option<Latency>,
) -> SystemReport {
    let rows: Vec<Vec<f64>> = questions
        .iter()
        .zip(rankings)
        .filter_map(|(question, ranking)| {
            let relevant = units.relevant_to(&question.id)?;
            Some(MEASURES.iter().map(|measure| measure.of(ranking, relevant)).collect())
        })
        .collect();
    let by_question = questions
        .iter()
        .zip(&rows)
        .map(|(question, row)| (question.id.clone(), row[0]));
    let without_hits = questions
        .iter()
        .zip(rankings)
        .filter(|(_, ranking)| ranking.is_empty())
        .map(|(question, _)| question.id.clone());
    SystemReport {
        system,
        measures: MEASURES.iter().map(|m| m.name()).zip(estimates(&rows)).collect(),
        gain: None,
        latency_ms,
        zero_hits: without_hits.collect(),
        first_measure_by_question: by_question.collect(),
    }
}

fn compare_with_last(reports: &mut [SystemReport]) {
    let Some((last, others)) = reports.split_last_mut() else {
        return;
    };
    let values = |by_question: &BTreeMap<String, f64>| by_question.values().copied().collect::<Vec<f64>>();
    for report in others {
        report.gain = statistics::difference(
            &values(&report.first_measure_by_question),
            &values(&last.first_measure_by_question),
        );
    }
}

/// Where the collection says which questions have no answer: whether the answerer notices.
async fn abstention(askers: &mut [Asker<'_>], system: System, collection: &Collection) -> Result<Option<Abstention>> {
    let questions: Vec<&Question> = collection.questions.iter().filter(|q| q.answerable.is_some()).collect();
    if questions.is_empty() {
        return Ok(None);
    }
    let what = format!("{}: answer", collection.name);
    let progress = RefCell::new(Progress::new(&what, questions.len()));
    let lanes = askers.len();
    let work = askers.iter_mut().enumerate().map(|(lane, asker)| {
        let (progress, questions) = (&progress, &questions);
        async move {
            let mut attempts = Vec::new();
            for question in questions.iter().skip(lane).step_by(lanes) {
                let passages = asker.for_an_answer(system, &question.text).await?;
                attempts.extend(Attempt::at(question, &passages));
                progress.borrow_mut().step();
            }
            Ok::<_, anyhow::Error>(attempts)
        }
    });
    let attempts: Vec<Attempt> = try_join_all(work).await?.into_iter().flatten().collect();
    progress.into_inner().end();
    Ok(Abstention::of(&attempts))
}
