//! Answers a question: from the cache if another job was quicker, otherwise from passages by the model.

use std::time::Instant;

use shared::cache::{CachedAnswer, Lookup};
use shared::db::jobs::{self, ClaimedJob, Completion, QuestionWork, Source};
use shared::domain::{Answer, AnswerKey, Usage};

use shared::telemetry::milliseconds;

use super::Ended;
use super::settle::Failure;
use crate::app::Worker;
use crate::invocation::Deadline;
use crate::llm::LlmFailure;
use crate::rag::citations;
use crate::retrieval::{Found, Query};

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
    let found = retrieve(worker, job, asked, deadline).await?;
    let (answer, usage) = write(worker, asked, &found, deadline).await?;
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

/// No connection is held while a model is asked, be it for a vector or for an answer.
async fn retrieve(
    worker: &Worker,
    job: &ClaimedJob,
    asked: &QuestionWork,
    deadline: Deadline,
) -> Result<Found, Failure> {
    let query = Query {
        asker: job.owner,
        scope: &asked.scope,
        question: &asked.question,
    };
    let time_left = deadline.time_for_a_call();
    Ok(worker.retrieval.passages(&worker.db, &query, time_left).await?)
}

/// Has the answer written and checks its citations. Without passages there is nothing to ask a model about.
async fn write(
    worker: &Worker,
    asked: &QuestionWork,
    found: &Found,
    deadline: Deadline,
) -> Result<(Answer, Usage), Failure> {
    let passages = &found.passages;
    if passages.is_empty() {
        return Ok((citations::nothing_found(worker.llm.model()), Usage::default()));
    }
    let started = Instant::now();
    let draft = worker
        .llm
        .draft(&asked.question, passages, deadline.time_for_a_call())
        .await
        .map_err(|failure| LlmFailure {
            usage: found.usage.plus(failure.usage),
            ..failure
        })?;
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
    Ok((verified.answer, found.usage.plus(verified.usage)))
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
