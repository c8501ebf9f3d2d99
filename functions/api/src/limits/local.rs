//! The limits of one sandbox alone, for the time in which Redis is absent: the same arithmetic in memory.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use shared::cache::{Bucket, Buckets, Taken};
use shared::domain::Allowance;

/// The most buckets, and the most marks, that are remembered: about a megabyte.
const MOST: usize = 10_000;

/// Buckets and marks of this sandbox.
pub(super) struct Local {
    started: Instant,
    times: Mutex<Times>,
}

#[derive(Default)]
struct Times {
    /// When each bucket is full again, in microseconds since the start. A bucket that is not here is full.
    full_at: HashMap<String, u64>,
    /// Until when each mark counts.
    marked_until: HashMap<String, u64>,
}

impl Local {
    pub(super) fn new() -> Self {
        Self {
            started: Instant::now(),
            times: Mutex::default(),
        }
    }

    /// Takes one request from each bucket, or from none.
    pub(super) fn take(&self, buckets: &Buckets) -> Taken {
        let now = self.now();
        let mut times = self.times.lock().unwrap_or_else(PoisonError::into_inner);
        let marked = buckets.unless_marked.as_ref();
        let marked = marked.filter(|marked| times.marked_until.get(&marked.mark).is_some_and(|until| *until > now));
        let names: Vec<&String> = match marked {
            Some(marked) => marked.names.iter().collect(),
            None => buckets.all.iter().map(|bucket| &bucket.name).collect(),
        };
        let named = || names.iter().zip(buckets.all.iter().map(|bucket| bucket.rate));
        let allowance = named()
            .map(|(name, rate)| rate.judge(times.full_at(name), now))
            .reduce(tighter);
        if allowance.is_some_and(|allowance| allowance.is_allowed) {
            for (name, rate) in named() {
                let full_at = rate.after_one(times.full_at(name), now);
                remember(&mut times.full_at, name, full_at, now);
            }
        }
        Taken {
            allowance,
            is_marked: marked.is_some(),
        }
    }

    /// Takes a request back from buckets, and sets a mark.
    pub(super) fn give_back(&self, buckets: &[Bucket], mark: Option<(&str, Duration)>) {
        let now = self.now();
        let mut times = self.times.lock().unwrap_or_else(PoisonError::into_inner);
        for Bucket { name, rate } in buckets {
            if let Some(full_at) = times.full_at.get_mut(name) {
                *full_at = rate.without_one(*full_at, now);
            }
        }
        if let Some((mark, lifetime)) = mark {
            remember(&mut times.marked_until, mark, now + micros(lifetime), now);
        }
    }

    fn now(&self) -> u64 {
        micros(self.started.elapsed())
    }
}

impl Times {
    fn full_at(&self, name: &str) -> u64 {
        self.full_at.get(name).copied().unwrap_or_default()
    }
}

/// The one that lets the next request through later.
fn tighter(one: Allowance, other: Allowance) -> Allowance {
    let tightness = |allowance: &Allowance| (allowance.retry_after, std::cmp::Reverse(allowance.remaining));
    if tightness(&other) > tightness(&one) {
        other
    } else {
        one
    }
}

/// Where there is no room, those go that say nothing any more, and if there are none, those that would be the first.
fn remember(times: &mut HashMap<String, u64>, name: &str, time: u64, now: u64) {
    if times.len() >= MOST && !times.contains_key(name) {
        times.retain(|_, time| *time > now);
        let mut left: Vec<u64> = times.values().copied().collect();
        if left.len() >= MOST {
            let (_, middle, _) = left.select_nth_unstable(MOST / 10);
            let middle = *middle;
            times.retain(|_, time| *time > middle);
        }
    }
    times.insert(name.to_owned(), time);
}

fn micros(span: Duration) -> u64 {
    u64::try_from(span.as_micros()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use shared::cache::Marked;

    use super::*;

    fn bucket(name: &str, rate: &str) -> Bucket {
        Bucket {
            name: name.to_owned(),
            rate: rate.parse().unwrap(),
        }
    }

    fn is_allowed(local: &Local, buckets: &[Bucket]) -> bool {
        let buckets = Buckets {
            all: buckets.to_vec(),
            unless_marked: None,
        };
        local.take(&buckets).allowance.unwrap().is_allowed
    }

    #[test]
    fn a_refused_request_takes_from_no_bucket() {
        let local = Local::new();
        let (narrow, wide) = (bucket("narrow", "1/h"), bucket("wide", "2/h"));
        assert!(is_allowed(&local, &[wide.clone(), narrow.clone()]));
        assert!(!is_allowed(&local, &[wide.clone(), narrow.clone()]));
        assert!(is_allowed(&local, std::slice::from_ref(&wide)));
        assert!(!is_allowed(&local, &[wide]));
    }

    #[test]
    fn who_bears_the_mark_has_buckets_of_their_own() {
        let local = Local::new();
        let buckets = Buckets {
            all: vec![bucket("strangers", "1/h")],
            unless_marked: Some(Marked {
                mark: "known".to_owned(),
                names: vec!["own".to_owned()],
            }),
        };
        let take = || local.take(&buckets);
        assert!(take().allowance.unwrap().is_allowed && !take().allowance.unwrap().is_allowed);
        local.give_back(&[], Some(("known", Duration::from_hours(1))));
        assert!(take().is_marked);
        assert!(!take().allowance.unwrap().is_allowed, "that was the second of its own");
        local.give_back(&[bucket("own", "1/h")], None);
        assert!(take().allowance.unwrap().is_allowed);
    }

    #[test]
    fn memory_is_bounded_and_the_most_used_buckets_are_kept() {
        let local = Local::new();
        let busy = bucket("busy", "2/h");
        assert!(is_allowed(&local, std::slice::from_ref(&busy)) && is_allowed(&local, std::slice::from_ref(&busy)));
        for number in 0..2 * MOST {
            assert!(is_allowed(&local, &[bucket(&number.to_string(), "2/h")]));
        }
        assert!(local.times.lock().unwrap().full_at.len() <= MOST);
        assert!(!is_allowed(&local, &[busy]));
    }

    #[test]
    fn no_buckets_refuse_nothing() {
        assert_eq!(Local::new().take(&Buckets::default()).allowance, None);
    }
}
