//! The schedule's work, in bounded portions: what is left over is done a minute later.

use std::time::{Duration, Instant};

use serde::Serialize;
use shared::db::{DbError, idempotency, jobs, sessions, statistics, vectors};
use shared::job_message::Envelope;
use shared::telemetry::{Metric, OrLog, measures};

use crate::app::Janitor;
use crate::sending::send_all;

/// At most so many rows of a sort at once.
const PORTION: i64 = 200;
/// No further portion is begun after this time: well below the function's timeout, and below a minute.
const TIME: Duration = Duration::from_secs(20);
/// How many words' statistics are folded at once: those of a long document or of some short ones.
const WORDS_TO_FOLD: i32 = 20_000;

/// What one run has done.
#[derive(Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Counts {
    /// Jobs whose message had got lost, or was never sent.
    pub resent: usize,
    /// Of those: how many a worker had taken that was not heard of any more.
    pub rescued: usize,
    /// Followers that lead now.
    pub promoted: usize,
    /// Messages that could not be sent; they are due again later.
    pub unsent: usize,
    /// Jobs that were past their deadline.
    pub expired: usize,
    /// Documents whose job has ended without them.
    pub documents_failed: usize,
    /// Idempotency keys that were too old.
    pub keys_purged: usize,
    /// Sessions that have expired.
    pub sessions_purged: usize,
    /// Documents whose words were folded into the statistics.
    pub documents_folded: i64,
    /// Whether workers were asked to make vectors that are missing.
    pub vectors_missing: bool,
}

/// What the schedule does: one run; or nothing, so that a database that pauses may do so, while nothing can be open.
///
/// # Errors
/// As [`run`].
pub async fn on_schedule(janitor: &Janitor) -> Result<Option<Counts>, DbError> {
    if janitor.cache.is_idle().await {
        measures::note("outcome", "idle");
        return Ok(None);
    }
    let counts = run(janitor).await?;
    if counts == Counts::default() && !jobs::are_open(&mut janitor.db.session().await?).await? {
        janitor.cache.note_idle().await;
    }
    Ok(Some(counts))
}

/// Does one run, and says in its line what it did.
///
/// # Errors
/// The database cannot be asked; what was done before stays done.
pub async fn run(janitor: &Janitor) -> Result<Counts, DbError> {
    let mut counts = Counts::default();
    let done = sweep_all(janitor, &mut counts).await;
    counts.say();
    done.map(|()| counts)
}

async fn sweep_all(janitor: &Janitor, counts: &mut Counts) -> Result<(), DbError> {
    let started = Instant::now();
    while sweep_portion(janitor, counts).await? && started.elapsed() < TIME {}
    while purge_portion(janitor, counts).await? && started.elapsed() < TIME {}
    while fold_portion(janitor, counts).await? && started.elapsed() < TIME {}
    counts.vectors_missing = have_vectors_made(janitor).await?;
    Ok(())
}

impl Counts {
    fn say(&self) {
        measures::add_all(Metric::Resent, self.resent);
        measures::add_all(Metric::JobsExpired, self.expired);
        measures::note("resent", self.resent);
        measures::note("rescued", self.rescued);
        measures::note("promoted", self.promoted);
        measures::note("unsent", self.unsent);
        measures::note("expired", self.expired);
        measures::note("documents_failed", self.documents_failed);
        measures::note("keys_purged", self.keys_purged);
        measures::note("sessions_purged", self.sessions_purged);
        measures::note("documents_folded", self.documents_folded);
        measures::note("vectors_missing", self.vectors_missing);
    }
}

/// Whether there may be more. If the queue takes nothing, going on would only count rows up.
async fn sweep_portion(janitor: &Janitor, counts: &mut Counts) -> Result<bool, DbError> {
    let mut db = janitor.db.session().await?;
    let swept = jobs::sweep(&mut db, PORTION).await?;
    drop(db);
    counts.expired += swept.expired;
    counts.documents_failed += swept.documents_failed;
    let (promoted, forgotten) = (swept.promoted.len(), swept.forgotten.len());
    let rescued = swept.forgotten.iter().filter(|job| job.was_held).count();
    let messages = swept
        .promoted
        .into_iter()
        .chain(swept.forgotten.into_iter().map(|forgotten| forgotten.job))
        .collect();
    let sent = send_all(janitor, messages).await;
    counts.promoted += promoted;
    counts.resent += forgotten;
    counts.rescued += rescued;
    counts.unsent += promoted + forgotten - sent;
    Ok(swept.is_full && counts.unsent == 0)
}

/// Workers make them; one at a time does so, whoever else is asked. Returns whether some are missing.
async fn have_vectors_made(janitor: &Janitor) -> Result<bool, DbError> {
    let are_missing = janitor.has_embeddings && vectors::are_missing(&mut janitor.db.session().await?).await?;
    if are_missing {
        let sent = janitor.queue.send(Envelope::to_embed_passages(), Duration::ZERO).await;
        sent.or_log("have passages embedded");
    }
    Ok(are_missing)
}

/// What nobody needs any more, a portion of each sort.
async fn purge_portion(janitor: &Janitor, counts: &mut Counts) -> Result<bool, DbError> {
    let mut db = janitor.db.session().await?;
    let keys = idempotency::purge(&mut db, PORTION).await?;
    let sessions = sessions::purge(&mut db, PORTION).await?;
    counts.keys_purged += keys;
    counts.sessions_purged += sessions;
    Ok(i64::try_from(keys.max(sessions)).is_ok_and(|purged| purged >= PORTION))
}

async fn fold_portion(janitor: &Janitor, counts: &mut Counts) -> Result<bool, DbError> {
    let folded = statistics::fold(&mut janitor.db.session().await?, WORDS_TO_FOLD).await?;
    counts.documents_folded += folded;
    Ok(folded > 0)
}
