//! Answers a question: from the cache if another job was quicker, otherwise from passages by the model.

use std::time::Instant;

use shared::cache::{CachedAnswer, Lookup};
use shared::db::jobs::{self, ClaimedJob, Completion, QuestionWork, Source};
use shared::db::search::{self, Search, Tuning};
use shared::domain::{Answer, AnswerKey, Passage, Usage};

use shared::telemetry::milliseconds;

use super::Ended;
use super::settle::Failure;
use crate::app::Worker;
use crate::indexing;
use crate::invocation::Deadline;
use crate::rag::citations;

/// How many passages an answer is made from.
const PASSAGES: i32 = 5;

pub(super) async fn run(
    worker: &Worker,
    job: &ClaimedJob,
    asked: &QuestionWork,
    deadline: Deadline,
) -> Result<Ended, Failure> {
    let key = AnswerKey::new(&asked.scope, &asked.question, &worker.recipe);
    if let Some(answer) = cached(worker, asked, &key).await {
        let done = Completion {
            answer: &answer,
            usage: None,
            source: Source::Cache,
        };
        return store(worker, job, asked, &key, &done).await;
    }
    let passages = retrieve(worker, job, asked).await?;
    let (answer, usage) = write(worker, asked, &passages, deadline).await?;
    let done = Completion {
        answer: &answer,
        usage: Some(&usage),
        source: Source::Llm,
    };
    store(worker, job, asked, &key, &done).await
}

/// Another job may have answered the same question since this one was accepted. The versions that came with the claim
/// prove an answer whose versions Redis has forgotten.
async fn cached(worker: &Worker, asked: &QuestionWork, key: &AnswerKey) -> Option<Answer> {
    match worker.cache.find(key, &asked.scope).await {
        Lookup::Fresh(answer) => Some(answer),
        Lookup::Unproven(cached) if cached.versions == asked.versions => Some(cached.answer),
        Lookup::Unproven(_) | Lookup::Absent => None,
    }
}

/// The connection goes back before the model is called: none is held during a call.
async fn retrieve(worker: &Worker, job: &ClaimedJob, asked: &QuestionWork) -> Result<Vec<Passage>, Failure> {
    let search = Search {
        asker: job.owner,
        scope: &asked.scope,
        questions: &indexing::questions(&asked.question),
        limit: PASSAGES,
        tuning: Tuning::default(),
    };
    let found = search::bm25(&mut worker.db.session().await?, &search).await?;
    Ok(found.into_iter().map(|found| found.passage).collect())
}

/// Has the answer written and checks its citations. Without passages there is nothing to ask a model about.
async fn write(
    worker: &Worker,
    asked: &QuestionWork,
    passages: &[Passage],
    deadline: Deadline,
) -> Result<(Answer, Usage), Failure> {
    if passages.is_empty() {
        return Ok((citations::nothing_found(worker.llm.model()), Usage::default()));
    }
    let started = Instant::now();
    let draft = worker
        .llm
        .draft(&asked.question, passages, deadline.time_for_a_call())
        .await?;
    let verified = citations::verify(draft, passages);
    tracing::info!(
        ms = milliseconds(started.elapsed()),
        model = verified.answer.model,
        input_tokens = verified.usage.input_tokens,
        output_tokens = verified.usage.output_tokens,
        cost_micro_usd = verified.usage.cost_micro_usd,
        citations = verified.answer.citations.len(),
        citations_dropped = verified.dropped,
        "answer written"
    );
    Ok((verified.answer, verified.usage))
}

/// First Postgres, where the answer counts; then Redis, where it only saves time.
async fn store(
    worker: &Worker,
    job: &ClaimedJob,
    asked: &QuestionWork,
    key: &AnswerKey,
    done: &Completion<'_>,
) -> Result<Ended, Failure> {
    let mut db = worker.db.session().await?;
    let committed = jobs::complete_answer(&mut db, &job.lease, job.owner, done).await?;
    let Some(versions) = committed else {
        return Ok(Ended::LeaseLost);
    };
    drop(db);
    if done.source == Source::Llm && done.answer.is_cacheable() {
        let cached = CachedAnswer {
            answer: done.answer.clone(),
            versions: asked.versions.clone(),
        };
        worker.cache.keep(key, &cached, &versions).await;
    }
    Ok(Ended::Stored)
}
