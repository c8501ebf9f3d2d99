//! Whether a session or an API key still counts, as far as Redis knows.
//!
//! `alive:` with its owner is a note for a minute, which spares the question to Postgres; it is written only where nothing
//! is. `ended` overwrites it and outlives every note that somebody who read Postgres before the end may still be about to
//! write. Nothing there, or something else: Postgres decides. So a Redis that lost its memory never revives anything, and
//! a session that lives proves nothing about anybody but its owner.

use uuid::Uuid;

use super::Cache;
use crate::domain::UserId;

/// How long Postgres is believed without being asked again, in seconds.
const ALIVE_SECONDS: u64 = 60;
/// Longer than a note and the slowest request together, in seconds.
const ENDED_SECONDS: u64 = 180;
/// What stands before the owner.
const ALIVE: &str = "alive:";
/// The whole mark. The script that takes from the limits compares with it.
pub(super) const ENDED: &str = "ended";

/// A session or an API key, and whose it is said to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Claim {
    /// Of the session or the API key.
    pub id: Uuid,
    /// Whoever says so has to be right about it, too.
    pub owner: UserId,
}

/// What Redis knows of a session or an API key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// It counted less than a minute ago, for this owner, and has not been ended since.
    Alive,
    /// It was ended.
    Ended,
    /// Nothing: Postgres has to be asked.
    Unknown,
}

impl Standing {
    pub(super) fn read(stored: Option<&str>, owner: UserId) -> Self {
        match stored {
            Some(ENDED) => Self::Ended,
            Some(text) if text.strip_prefix(ALIVE) == Some(&owner.to_string()) => Self::Alive,
            Some(_) | None => Self::Unknown,
        }
    }
}

impl Cache {
    /// Notes that Postgres was asked for a session or an API key and that it counts. A mark that says it was ended stays.
    pub async fn note_alive(&self, claim: Claim) {
        let mut pipeline = redis::pipe();
        let alive = format!("{ALIVE}{}", claim.owner);
        let note = pipeline.cmd("SET").arg(self.standing_name(claim.id)).arg(alive);
        note.arg("NX").arg("EX").arg(ALIVE_SECONDS).ignore();
        self.send_if_well(&pipeline, "note that a session is alive").await;
    }

    /// Marks sessions and API keys as ended. To be called before the commit that ends them, so that no request of theirs is
    /// let through after it, and once more after it: the first mark may have run out while the commit waited.
    pub async fn mark_ended(&self, ids: &[Uuid]) {
        if ids.is_empty() {
            return;
        }
        let mut pipeline = redis::pipe();
        for id in ids {
            pipeline.set_ex(self.standing_name(*id), ENDED, ENDED_SECONDS).ignore();
        }
        self.send(&pipeline, "mark sessions as ended").await;
    }

    /// Where it is kept.
    pub(super) fn standing_name(&self, id: Uuid) -> String {
        format!("{}:standing:{id}", self.prefix)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_note_counts_for_the_owner_it_names_and_only_the_mark_says_ended() {
        let (owner, other) = (UserId::new(), UserId::new());
        let note = format!("alive:{owner}");
        assert_eq!(Standing::read(Some(&note), owner), Standing::Alive);
        assert_eq!(Standing::read(Some("ended"), owner), Standing::Ended);
        for stored in [Some(note.as_str()), Some("alive:"), Some("alive"), Some(""), None] {
            assert_eq!(Standing::read(stored, other), Standing::Unknown, "{stored:?}");
        }
    }
}
