//! How often things may be done: in Redis for all sandboxes together, and without it in each for itself.

mod address;
mod local;
mod note;
mod visitor;

use std::time::Duration;

use shared::cache::{Bucket, Buckets, Cache, Claim, Lookup, Standing, Taken};
use shared::config::LimitsConfig;
use shared::domain::{AnswerKey, CollectionScope, Rate};

pub(crate) use address::ClientAddress;
use local::Local;
pub(crate) use note::{LIMIT, REMAINING, RESET, show, whole_seconds};
pub(crate) use visitor::Visitor;

/// Counts requests.
pub struct Limiter {
    /// The rates.
    pub rates: LimitsConfig,
    cache: Cache,
    local: Local,
}

impl Limiter {
    /// Prepares it.
    #[must_use]
    pub fn new(rates: LimitsConfig, cache: Cache) -> Self {
        Self {
            rates,
            cache,
            local: Local::new(),
        }
    }

    /// Takes one request from each bucket, or from none.
    async fn take(&self, buckets: &Buckets) -> Taken {
        match self.cache.take(buckets).await {
            Some(taken) => taken,
            None => self.local.take(buckets),
        }
    }

    /// Besides, asks how a session or an API key stands.
    async fn admit(&self, buckets: &Buckets, claim: Claim, may_begin_a_job: bool) -> (Taken, Standing) {
        match self.cache.admit(buckets, claim, may_begin_a_job).await {
            Some(admitted) => admitted,
            None => (self.local.take(buckets), Standing::Unknown),
        }
    }

    /// Besides, looks for an answer.
    async fn admit_and_find(
        &self,
        buckets: &Buckets,
        claim: Claim,
        (key, scope): (&AnswerKey, &CollectionScope),
    ) -> (Taken, Standing, Lookup) {
        match self.cache.admit_and_find(buckets, claim, key, scope).await {
            Some(found) => found,
            None => (self.local.take(buckets), Standing::Unknown, Lookup::Absent),
        }
    }

    /// Takes a request back, and sets a mark. Both places are told: the request may have been counted in either.
    async fn give_back(&self, buckets: &[Bucket], mark: Option<(&str, Duration)>) {
        self.local.give_back(buckets, mark);
        self.cache.give_back(buckets, mark).await;
    }
}

/// A bucket of what `rate` limits, if it does.
pub(crate) fn bucket(rate: Option<Rate>, what: &str, whose: impl std::fmt::Display) -> Option<Bucket> {
    rate.map(|rate| Bucket {
        name: format!("{what}:{whose}"),
        rate,
    })
}
