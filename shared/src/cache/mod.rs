//! Redis: finished answers, and the collections' versions that decide whether an answer is still fresh; limits, what
//! is known of sessions, and whether anything is open.
//!
//! Everything in Redis can be lost at any time; it is never the only place of anything. Without Redis the cache finds
//! nothing and keeps nothing, and the rest works.

mod circuit;
mod connection;
mod idle;
mod limits;
mod standing;
mod versions;

use std::time::Duration;

use redis::{Pipeline, RedisError};
use serde::{Deserialize, Serialize};

use crate::config::CacheConfig;
use crate::domain::{Answer, AnswerKey, CollectionId, CollectionScope, CollectionVersions};
use crate::telemetry::OrLog;
pub use circuit::Circuit;
use connection::Connection;
pub use limits::{Bucket, Buckets, Marked, Taken};
pub use standing::{Claim, Standing};
use versions::KnownVersion;

/// The cache of one deployment.
#[derive(Clone)]
pub struct Cache {
    connection: Option<Connection>,
    prefix: String,
    answer_lifetime: Duration,
}

/// An answer with the versions of the collections it was made from.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CachedAnswer {
    /// The answer.
    pub answer: Answer,
    /// It may be served only while the collections are at these versions.
    pub versions: CollectionVersions,
}

/// The client could not be made.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    /// `REDIS_CA_FILE` cannot be read.
    #[error("read the certificate authorities of REDIS_CA_FILE")]
    CaFile(#[source] std::io::Error),
    /// The client does not take `REDIS_URL`, or what is in `REDIS_CA_FILE`.
    #[error("use REDIS_URL, or the certificate authorities of REDIS_CA_FILE")]
    Client(#[from] RedisError),
}

/// What the cache knows about a question.
#[derive(Debug, PartialEq)]
pub enum Lookup {
    /// An answer that may be served.
    Fresh(Answer),
    /// An answer whose collections' versions are not in Redis at the moment: Postgres has to be asked for them.
    Unproven(CachedAnswer),
    /// No answer, or a stale one.
    Absent,
}

/// An answer, and the versions of its collections, as they stand in Redis.
type Stored = (Option<String>, Vec<Option<String>>);
/// Besides: what [`circuit::judge`] takes.
type StoredAndCircuit = (Option<String>, Vec<Option<String>>, bool, i64);

impl Cache {
    /// Makes the client; it connects at its first command, and again when a connection breaks.
    ///
    /// # Errors
    /// The URL is not one of Redis's, or the file with the certificate authorities cannot be used.
    pub fn connect(config: &CacheConfig) -> Result<Self, ConnectError> {
        let authorities = config.ca_file.as_ref().map(std::fs::read).transpose();
        let authorities = authorities.map_err(ConnectError::CaFile)?;
        let connect = |url| Connection::new(url, authorities, &config.source);
        Ok(Self {
            connection: config.url.as_ref().map(connect).transpose()?,
            prefix: config.key_prefix.clone(),
            answer_lifetime: config.answer_lifetime,
        })
    }

    /// Whether a Redis is configured.
    #[must_use]
    pub fn is_configured(&self) -> bool {
        self.connection.is_some()
    }

    /// Whether Redis answers; `Ok` if none is configured.
    ///
    /// # Errors
    /// Redis cannot be reached.
    pub async fn ping(&self) -> Result<(), RedisError> {
        match &self.connection {
            None => Ok(()),
            Some(connection) => connection.run(&redis::cmd("PING")).await,
        }
    }

    /// Looks for a fresh answer: one round trip. A Redis that does not answer counts as an empty one.
    pub async fn find(&self, key: &AnswerKey, scope: &CollectionScope) -> Lookup {
        let mut pipeline = redis::pipe();
        self.look(key, scope, &mut pipeline);
        let found: Option<Stored> = self.read(&pipeline, "look into the cache").await;
        found.map_or(Lookup::Absent, |(answer, versions)| judge(answer, versions, scope))
    }

    /// Like [`Self::find`], and asks in the same round trip how the provider's circuit stands. Without Redis there is no
    /// circuit breaker: calls go through.
    pub async fn find_before_call(
        &self,
        key: &AnswerKey,
        scope: &CollectionScope,
        provider: &str,
    ) -> (Lookup, Circuit) {
        let mut pipeline = redis::pipe();
        self.look(key, scope, &mut pipeline);
        self.circuit(provider).ask(&mut pipeline);
        let found: Option<StoredAndCircuit> = self.read(&pipeline, "look into the cache").await;
        found.map_or(
            (Lookup::Absent, Circuit::Closed),
            |(answer, versions, is_tripped, remaining)| {
                (judge(answer, versions, scope), circuit::judge(is_tripped, remaining))
            },
        )
    }

    /// Whether the caller is the one who may try a half-open circuit. If Redis cannot say so, everybody may.
    pub async fn may_probe(&self, provider: &str) -> bool {
        let Some(connection) = &self.connection else {
            return true;
        };
        let reply: Option<Option<String>> = connection
            .run(&self.circuit(provider).probe())
            .await
            .or_log("ask for a probe of the provider");
        reply.is_none_or(|reply| reply.is_some())
    }

    /// Counts a call that failed for a reason that may pass. Returns whether the circuit is open now.
    pub async fn note_failure(&self, provider: &str) -> bool {
        let Some(connection) = &self.connection else {
            return false;
        };
        let opened: Option<bool> = connection
            .run(&self.circuit(provider).fail())
            .await
            .or_log("count a failure of the provider");
        opened.unwrap_or_default()
    }

    /// Closes the circuit: the provider answers. [`Self::keep`] does the same on its way.
    pub async fn note_success(&self, provider: &str) {
        let mut pipeline = redis::pipe();
        self.circuit(provider).succeed(&mut pipeline);
        self.send(&pipeline, "note that the provider answers").await;
    }

    /// Keeps an answer together with the versions it was made from, publishes those versions, and closes the circuit of
    /// the provider that answered: one round trip. `current` has to be just read from Postgres; an answer made from other
    /// versions is not kept.
    pub async fn keep(
        &self,
        key: &AnswerKey,
        cached: &CachedAnswer,
        current: &CollectionVersions,
        provider: Option<&str>,
    ) {
        let Some(json) = serde_json::to_string(cached).or_log("write an answer as JSON") else {
            return;
        };
        let mut pipeline = self.publishing(current);
        if let Some(provider) = provider {
            self.circuit(provider).succeed(&mut pipeline);
        }
        if cached.versions == *current {
            let lifetime = self.answer_lifetime.as_secs();
            pipeline.set_ex(self.answer_name(key), json, lifetime).ignore();
        }
        self.send(&pipeline, "keep an answer in the cache").await;
    }

    /// Publishes versions that were just read from Postgres.
    pub async fn publish_versions(&self, current: &CollectionVersions) {
        self.send(&self.publishing(current), "publish collection versions")
            .await;
    }

    /// Says that a collection is about to change to `version`, so that no answer from it is served until that version
    /// is published. To be called after the collection's row was locked and before the change is committed.
    pub async fn mark_changing(&self, id: CollectionId, version: i64) {
        let mut pipeline = redis::pipe();
        pipeline
            .add_command(versions::mark_changing(&self.version_name(id), version))
            .ignore();
        self.send(&pipeline, "mark a collection as changing").await;
    }

    fn look(&self, key: &AnswerKey, scope: &CollectionScope, pipeline: &mut Pipeline) {
        pipeline.get(self.answer_name(key));
        pipeline.mget(scope.ids().iter().map(|id| self.version_name(*id)).collect::<Vec<_>>());
    }

    fn circuit(&self, provider: &str) -> circuit::Names {
        circuit::Names::new(&self.prefix, provider)
    }

    /// `None`: there is no Redis, or it does not answer, or it did not a moment ago.
    async fn read<T: redis::FromRedisValue>(&self, pipeline: &Pipeline, what: &'static str) -> Option<T> {
        let connection = self.connection.as_ref()?;
        if connection.is_resting() {
            return None;
        }
        connection.run_all(pipeline).await.or_log(what)
    }

    fn publishing(&self, current: &CollectionVersions) -> Pipeline {
        let mut pipeline = redis::pipe();
        for (id, version) in current {
            pipeline
                .add_command(versions::publish(&self.version_name(*id), *version))
                .ignore();
        }
        pipeline
    }

    /// What cannot be written to the cache is not missing anywhere else, so a failure is only logged.
    async fn send(&self, pipeline: &Pipeline, what: &'static str) {
        if let Some(connection) = &self.connection {
            connection.run_all::<()>(pipeline).await.or_log(what);
        }
    }

    /// What is not worth waiting for while Redis rests.
    async fn send_if_well(&self, pipeline: &Pipeline, what: &'static str) {
        if self
            .connection
            .as_ref()
            .is_some_and(|connection| !connection.is_resting())
        {
            self.send(pipeline, what).await;
        }
    }

    fn answer_name(&self, key: &AnswerKey) -> String {
        format!("{}:answer:{key}", self.prefix)
    }

    fn version_name(&self, id: CollectionId) -> String {
        format!("{}:version:{id}", self.prefix)
    }
}

/// Compares a cached answer with today's versions. A value that cannot be read counts as absent: it may be of an older release.
fn judge(answer: Option<String>, versions: Vec<Option<String>>, scope: &CollectionScope) -> Lookup {
    let Some(cached) = answer.and_then(|json| serde_json::from_str::<CachedAnswer>(&json).ok()) else {
        return Lookup::Absent;
    };
    if cached.versions.len() != scope.ids().len() {
        return Lookup::Absent;
    }
    let mut proven = true;
    for (id, stored) in scope.ids().iter().zip(versions) {
        match KnownVersion::read(stored.as_deref()) {
            KnownVersion::Settled(version) if cached.versions.get(id) == Some(&version) => {}
            KnownVersion::Settled(_) | KnownVersion::Changing => return Lookup::Absent,
            KnownVersion::Unknown => proven = false,
        }
    }
    if proven {
        Lookup::Fresh(cached.answer)
    } else {
        Lookup::Unproven(cached)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{Grounding, UserId};

    fn cached(scope: &CollectionScope, version: i64) -> CachedAnswer {
        CachedAnswer {
            answer: Answer {
                text: "30 s".to_owned(),
                citations: vec![],
                grounded: Grounding::Full,
                model: "m".to_owned(),
                truncated: false,
            },
            versions: scope.ids().iter().map(|id| (*id, version)).collect(),
        }
    }

    fn judged(stored: [Option<&str>; 2]) -> Lookup {
        let scope = CollectionScope::everything_readable_by(UserId::new());
        let json = serde_json::to_string(&cached(&scope, 7)).unwrap();
        judge(Some(json), stored.map(|v| v.map(str::to_owned)).to_vec(), &scope)
    }

    #[test]
    fn an_answer_is_fresh_only_if_every_version_equals() {
        assert!(matches!(judged([Some("7"), Some("7")]), Lookup::Fresh(_)));
        assert_eq!(judged([Some("7"), Some("8")]), Lookup::Absent);
        assert_eq!(judged([Some("6"), Some("7")]), Lookup::Absent);
    }

    #[test]
    fn a_collection_in_change_serves_nothing() {
        assert_eq!(judged([Some("7"), Some("!8")]), Lookup::Absent);
        assert_eq!(judged([None, Some("!8")]), Lookup::Absent);
    }

    #[test]
    fn a_missing_version_has_to_be_asked_for() {
        assert!(matches!(judged([Some("7"), None]), Lookup::Unproven(_)));
    }

    proptest::proptest! {
        /// Redis may hold anything: what another release wrote, and what somebody else did.
        #[test]
        fn no_value_makes_a_reader_panic_or_proves_itself(
            at in 0_usize..400, put in "(\\PC{0,9}|\\[{0,200}|-?[0-9]{0,30}|null|\\{\\})", versions in "(!?-?[0-9]{0,25}|\\PC{0,5})",
        ) {
            let scope = CollectionScope::everything_readable_by(UserId::new());
            let mut json = serde_json::to_string(&cached(&scope, 7)).unwrap();
            let at = json.floor_char_boundary(at.min(json.len()));
            json.replace_range(at..json.floor_char_boundary((at + put.len()).min(json.len())), &put);
            let of_others = CollectionScope::everything_readable_by(UserId::new());
            let stored = vec![Some("7".to_owned()), Some(versions)];
            let _ = judge(Some(json.clone()), stored.clone(), &scope);
            let found = judge(Some(json), stored, &of_others);
            proptest::prop_assert!(!matches!(found, Lookup::Fresh(_)), "an answer for others");
        }
    }

    #[test]
    fn an_unreadable_value_is_absent() {
        let scope = CollectionScope::everything_readable_by(UserId::new());
        for text in ["", "null", "{\"answer\":1}", "\u{0}"] {
            assert_eq!(judge(Some(text.to_owned()), vec![None, None], &scope), Lookup::Absent);
        }
    }
}
