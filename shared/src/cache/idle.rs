//! Whether the janitor may let the database sleep: one key, `idle` or `busy`.
//!
//! A database that pauses when nobody uses it is woken by whoever looks into it each minute. So the janitor notes here that
//! it found nothing open, and believes its note for an hour. `busy` overwrites the note and is written before a job is, in
//! the round trip that lets the request through; `idle` is written only where nothing is, and `busy` outlives the slowest
//! request. So no note can hide a job that was stored before it or is being stored. Nothing there, or no Redis: look.

use redis::Pipeline;

use super::Cache;

/// How long the janitor's note is believed, in seconds. What is purged and folded waits for so long, too.
const IDLE_SECONDS: u64 = 3600;
/// Longer than the slowest request, in seconds.
const BUSY_SECONDS: u64 = 120;
const IDLE: &str = "idle";
const BUSY: &str = "busy";

impl Cache {
    /// Whether nothing was open when the janitor looked less than an hour ago, and nothing can have been begun since.
    /// If Redis cannot say so, it is not.
    pub async fn is_idle(&self) -> bool {
        let mut pipeline = redis::pipe();
        pipeline.get(self.idle_name());
        let found: Option<(Option<String>,)> = self.read(&pipeline, "ask whether anything is open").await;
        found.is_some_and(|(note,)| note.as_deref() == Some(IDLE))
    }

    /// Notes that nothing is open. It has no effect shortly after a job may have been begun.
    pub async fn note_idle(&self) {
        let mut pipeline = redis::pipe();
        let note = pipeline.cmd("SET").arg(self.idle_name()).arg(IDLE);
        note.arg("NX").arg("EX").arg(IDLE_SECONDS).ignore();
        self.send_if_well(&pipeline, "note that nothing is open").await;
    }

    /// Notes that jobs are about to be opened by other means than a request.
    pub async fn note_busy(&self) {
        let mut pipeline = redis::pipe();
        self.about_to_begin(&mut pipeline);
        self.send(&pipeline, "note that jobs are opened").await;
    }

    /// To be sent before a job is stored.
    pub(super) fn about_to_begin(&self, pipeline: &mut Pipeline) {
        pipeline.set_ex(self.idle_name(), BUSY, BUSY_SECONDS).ignore();
    }

    fn idle_name(&self) -> String {
        format!("{}:idle", self.prefix)
    }
}
