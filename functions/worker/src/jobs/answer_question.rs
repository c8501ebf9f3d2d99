//! Answers a question: from the cache if another job was quicker, otherwise from passages by the model.

use std::time::Duration;

use shared::cache::{CachedAnswer, Circuit, Lookup};
use shared::db::DbError;
use shared::db::jobs::{self, Completed, Completion, QuestionWork, Source};
use shared::domain::{Answer, AnswerKey, Passage, Usage};
use shared::telemetry::{Metric, Step, chain, measures};

use super::Ended;
use super::asking;
use super::attempt::Attempt;
use super::settle::Failure;
use crate::rag::citations;
use crate::retrieval::Query;

/// The pauses between the tries to store an answer that was paid for, while the database is away.
const STORING_AGAIN: [Duration; 4] = [
    Duration::from_millis(250),
    Duration::from_secs(1),
    Duration::from_secs(3),
    Duration::from_secs(6),
];

pub(super) async fn run(attempt: &Attempt<'_>, asked: &QuestionWork) -> Result<Ended, Failure> {
    let key = AnswerKey::new(&asked.scope, &asked.question, &attempt.worker.recipe);
    let (answer, circuit) = cached(attempt, asked, &key).await;
    if let Some(answer) = answer {
        measures::note("source", "cache");
        let done = Completion {
            answer: &answer,
            usage: None,
            calls: attempt.ledger.total().calls,
            source: Source::Cache,
        };
        return store(attempt, asked, &key, &done).await;
    }
    let passages = retrieve(attempt, asked).await?;
    let Some((answer, usage)) = write(attempt, asked, &passages, circuit).await? else {
        return Ok(Ended::LeaseLost);
    };
    let done = Completion {
        answer: &answer,
        usage: Some(&usage),
        calls: attempt.ledger.total().calls,
        source: Source::Llm,
    };
    store(attempt, asked, &key, &done).await
}

/// Another job may have answered the same question since this one was accepted. The versions that came with the claim
/// prove an answer whose versions Redis has forgotten. The same round trip says whether the model's provider may be called.
async fn cached(attempt: &Attempt<'_>, asked: &QuestionWork, key: &AnswerKey) -> (Option<Answer>, Circuit) {
    let worker = attempt.worker;
    let (found, circuit) = match worker.llm.provider() {
        Some(provider) => worker.cache.find_before_call(key, &asked.scope, provider).await,
        None => (worker.cache.find(key, &asked.scope).await, Circuit::Closed),
    };
    let answer = match found {
        Lookup::Fresh(answer) => Some(answer),
        Lookup::Unproven(cached) if cached.versions == asked.versions => Some(cached.answer),
        Lookup::Unproven(_) | Lookup::Absent => None,
    };
    (answer, circuit)
}

/// No connection is held while a model is asked, be it for a vector, for an order or for an answer.
async fn retrieve(attempt: &Attempt<'_>, asked: &QuestionWork) -> Result<Vec<Passage>, Failure> {
    let _timed = measures::timed(Step::Retrieval);
    let query = Query {
        asker: attempt.job.owner,
        scope: &asked.scope,
        question: &asked.question,
    };
    let time_left = attempt.deadline.time_for_a_call();
    let worker = attempt.worker;
    let passages = worker
        .retrieval
        .passages(&worker.db, &query, time_left, &attempt.ledger.meter);
    Ok(passages.await?)
}

/// Has the answer written and checks its citations. Without passages there is nothing to ask a model about. `None`: the
/// job was taken away.
async fn write(
    attempt: &Attempt<'_>,
    asked: &QuestionWork,
    passages: &[Passage],
    circuit: Circuit,
) -> Result<Option<(Answer, Usage)>, Failure> {
    let llm = &attempt.worker.llm;
    if passages.is_empty() {
        let nothing = citations::nothing_found(llm.model());
        return Ok(Some((nothing, attempt.ledger.total().usage)));
    }
    let Some(draft) = asking::ask(attempt, &asked.question, passages, circuit).await? else {
        return Ok(None);
    };
    let verified = citations::verify(draft, passages);
    let usage = match llm.provider() {
        // Earlier calls for this job are part of what its answer cost.
        Some(_) => attempt.ledger.total().usage,
        None => verified.usage,
    };
    measures::note("model", verified.answer.model.clone());
    measures::note("citations", verified.answer.citations.len());
    measures::note("citations_dropped", verified.dropped);
    Ok(Some((verified.answer, usage)))
}

/// First Postgres, where the answer counts; then Redis, where it only saves time.
async fn store(
    attempt: &Attempt<'_>,
    asked: &QuestionWork,
    key: &AnswerKey,
    done: &Completion<'_>,
) -> Result<Ended, Failure> {
    let Some(Completed { versions, jobs }) = commit(attempt, done).await? else {
        return Ok(Ended::LeaseLost);
    };
    measures::add_all(Metric::JobsCompleted, jobs);
    let worker = attempt.worker;
    if done.source == Source::Llm && done.answer.is_cacheable() {
        let cached = CachedAnswer {
            answer: done.answer.clone(),
            versions: asked.versions.clone(),
        };
        worker.cache.keep(key, &cached, &versions, worker.llm.provider()).await;
    } else if let (Some(provider), true) = (worker.llm.provider(), attempt.ledger.calls() > 0) {
        worker.cache.note_success(provider).await;
    }
    Ok(Ended::Stored)
}

/// Stores the outcome. An answer that was paid for is held on to for some seconds while the database is away; if it
/// cannot be stored after all, the job is done again, and paid for again.
async fn commit(attempt: &Attempt<'_>, done: &Completion<'_>) -> Result<Option<Completed>, DbError> {
    let is_paid = done.source == Source::Llm && attempt.ledger.calls() > 0;
    let mut pauses = STORING_AGAIN.iter().filter(|_| is_paid);
    loop {
        let error = match commit_once(attempt, done).await {
            Ok(None) if is_paid => {
                tracing::warn!(outcome = "not_stored", error = "the job was taken away", "answer");
                return Ok(None);
            }
            Ok(outcome) => return Ok(outcome),
            Err(error) => error,
        };
        match pauses.next() {
            Some(pause) if error.is_passing() => {
                tracing::warn!(outcome = "stored_again", error = chain(&error), "answer");
                tokio::time::sleep(*pause).await;
            }
            _ => {
                if is_paid {
                    attempt.ledger.note_unstored();
                    tracing::error!(outcome = "not_stored", error = chain(&error), "answer");
                }
                return Err(error);
            }
        }
    }
}

async fn commit_once(attempt: &Attempt<'_>, done: &Completion<'_>) -> Result<Option<Completed>, DbError> {
    let mut db = attempt.worker.db.session().await?;
    jobs::complete_answer(&mut db, &attempt.job.lease, done).await
}
