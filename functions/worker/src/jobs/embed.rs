//! Gives passages their vectors: those of a new document before it is ready, and those that were stored without (by a
//! provider that was down, by a long document, by another model) whenever there is time.

use std::time::{Duration, Instant};

use shared::db::passages::NewPassage;
use shared::db::vectors::{self, Unembedded};
use shared::db::{DbError, Session};
use shared::domain::PassageId;
use shared::job_message::Envelope;
use shared::telemetry::{OrLog, measures};

use crate::app::Worker;
use crate::batch::Outcome;
use crate::embedding::Embedder;
use crate::indexing;
use crate::invocation::Deadline;

/// How many passages are embedded and stored at once.
const BATCH: usize = 64;

/// How long a new document waits for its vectors before it is made ready without the rest.
const BEFORE_READY: Duration = Duration::from_secs(20);

/// The longest that one invocation goes on with what is missing.
const CATCHING_UP: Duration = Duration::from_secs(240);

/// Vectors of passages, all of one model.
pub(super) type Vectors = Vec<(PassageId, Vec<f32>)>;

/// The vectors of a new document's passages, from the first on, as far as the time goes. A provider that fails is no
/// reason to keep the document from being found by its words.
pub(super) async fn before_ready(worker: &Worker, title: &str, passages: &[NewPassage], deadline: Deadline) -> Vectors {
    let Some(embedder) = worker.retrieval.embedder() else {
        return Vec::new();
    };
    let limit = deadline.time_for_a_call().unwrap_or(BEFORE_READY).min(BEFORE_READY);
    let end = Instant::now() + limit;
    let mut done = Vec::new();
    for batch in passages.chunks(BATCH) {
        let ids: Vec<PassageId> = batch.iter().map(|passage| passage.id).collect();
        let texts = batch
            .iter()
            .map(|p| indexing::embedded(title, &p.heading, p.context.as_deref(), &p.text));
        match embed(embedder, &ids, texts.collect(), end).await {
            Some(vectors) => done.extend(vectors),
            None => break,
        }
    }
    done
}

/// Stores vectors within the caller's transaction.
pub(super) async fn store(worker: &Worker, db: &mut Session, vectors: &Vectors) -> Result<(), DbError> {
    match worker.retrieval.embedder() {
        Some(embedder) => vectors::store(db, embedder.model(), vectors).await,
        None => Ok(()),
    }
}

/// Does what the message asks for that names no job. It is not delivered again: whoever sends it does so again and again.
pub async fn run(worker: &Worker, deadline: Deadline) -> Outcome {
    let done = catch_up(worker, deadline)
        .await
        .or_log("embed the passages without a vector");
    measures::note("outcome", if done.is_some() { "completed" } else { "failed" });
    measures::note("passages", done.unwrap_or_default());
    Outcome::Acknowledge
}

/// Has everything embedded anew if this model is new here.
///
/// # Errors
/// The database cannot be asked.
pub async fn at_start(worker: &Worker) -> Result<(), DbError> {
    if let Some(embedder) = worker.retrieval.embedder()
        && !vectors::is_known(&mut worker.db.session().await?, embedder.model()).await?
    {
        ask_for_the_rest(worker).await;
    }
    Ok(())
}

/// Has a worker go on with what is missing.
pub(super) async fn ask_for_the_rest(worker: &Worker) {
    let sent = worker.queue.send(Envelope::to_embed_passages(), Duration::ZERO).await;
    sent.or_log("have the other passages embedded");
}

/// Embeds what has no vector of the model in use, until nothing is missing, the provider fails or the time is up; one
/// worker at a time. Returns how many passages got a vector.
///
/// # Errors
/// The database cannot be asked.
async fn catch_up(worker: &Worker, deadline: Deadline) -> Result<usize, DbError> {
    let Some(embedder) = worker.retrieval.embedder() else {
        return Ok(0);
    };
    let limit = deadline.time_for_a_call().unwrap_or(CATCHING_UP).min(CATCHING_UP);
    let model = embedder.model();
    if !vectors::take_turn(&mut worker.db.session().await?, model, limit).await? {
        return Ok(0);
    }
    let end = Instant::now() + limit;
    let done = go_on(worker, embedder, end).await;
    if Instant::now() >= end {
        ask_for_the_rest(worker).await;
    }
    vectors::give_turn_back(&mut worker.db.session().await?, model).await?;
    done
}

async fn go_on(worker: &Worker, embedder: &Embedder, end: Instant) -> Result<usize, DbError> {
    let batch = i32::try_from(BATCH).unwrap_or(i32::MAX);
    let (mut after, mut done) = (None, 0);
    loop {
        let missing = vectors::missing(&mut worker.db.session().await?, embedder.model(), after, batch).await?;
        let Some(last) = missing.last() else {
            vectors::retire_others(&mut worker.db.session().await?, embedder.model()).await?;
            return Ok(done);
        };
        after = Some(last.id);
        let ids: Vec<PassageId> = missing.iter().map(|passage| passage.id).collect();
        let text = |p: &Unembedded| indexing::embedded(&p.title, &p.heading, p.context.as_deref(), &p.text);
        let Some(found) = embed(embedder, &ids, missing.iter().map(text).collect(), end).await else {
            return Ok(done);
        };
        vectors::store(&mut worker.db.session().await?, embedder.model(), &found).await?;
        done += found.len();
    }
}

/// `None` if the provider fails or the time is up.
async fn embed(embedder: &Embedder, ids: &[PassageId], texts: Vec<String>, end: Instant) -> Option<Vectors> {
    let left = end.checked_duration_since(Instant::now())?;
    let vectors = tokio::time::timeout(left, embedder.passages(&texts)).await;
    let vectors = vectors.or_log("embed passages in time")?.or_log("embed passages")?;
    Some(ids.iter().copied().zip(vectors).collect())
}
