//! The arithmetic is written down twice, in Redis' language and in Rust. Both have to come to the same.

use std::time::Duration;

use proptest::prelude::*;
use shared::cache::{Bucket, Buckets, Cache};
use shared::config::{CacheConfig, Env};
use shared::domain::{Allowance, Rate};
use uuid::Uuid;

use crate::support::service;

const HOUR: u64 = 3_600_000_000;

/// How many hours pass first, which of the buckets are meant, and whether they are given back to.
type Step = (u64, bool, bool, bool);

/// What is done to the buckets.
fn steps() -> impl Strategy<Value = Vec<Step>> {
    let hours = prop_oneof![3 => Just(0_u64), 1 => 1_u64..10];
    proptest::collection::vec(
        (hours, any::<bool>(), any::<bool>(), proptest::bool::weighted(0.2)),
        1..40,
    )
}

/// Two buckets in Redis, and the same two here.
struct Both {
    cache: Cache,
    redis: redis::aio::MultiplexedConnection,
    prefix: String,
    buckets: [Bucket; 2],
    full_at: [u64; 2],
    now: u64,
}

impl Both {
    async fn new(url: &str, bursts: (u32, u32)) -> Self {
        let prefix = format!("test-{}", Uuid::new_v4());
        let variables = [("REDIS_URL", url), ("CACHE_KEY_PREFIX", prefix.as_str())];
        let mut env = Env::new(variables.map(|(name, value)| (name.to_owned(), value.to_owned())));
        let client = redis::Client::open(url).unwrap();
        let bucket = |name: &str, burst| Bucket {
            name: name.to_owned(),
            rate: Rate::new(1, Duration::from_hours(1), burst).unwrap(),
        };
        Self {
            cache: Cache::connect(&CacheConfig::from_env(&mut env)).unwrap(),
            redis: client.get_multiplexed_async_connection().await.unwrap(),
            buckets: [bucket("one", bursts.0), bucket("two", bursts.1)],
            full_at: [0; 2],
            now: HOUR,
            prefix,
        }
    }

    /// Redis' clock cannot be set: instead of it all buckets are moved back by the time that is to have passed.
    async fn let_pass(&mut self, micros: u64) {
        self.now += micros;
        for bucket in &self.buckets {
            let script = "local at = redis.call('GET', KEYS[1])
                if at then redis.call('SET', KEYS[1], string.format('%.0f', at - ARGV[1])) end return 0";
            let mut command = redis::cmd("EVAL");
            let name = format!("{}:limit:{}", self.prefix, bucket.name);
            command.arg(script).arg(1).arg(name).arg(micros);
            command.query_async::<()>(&mut self.redis).await.unwrap();
        }
    }

    fn named(&self, chosen: &[usize]) -> Vec<Bucket> {
        chosen.iter().map(|at| self.buckets[*at].clone()).collect()
    }

    async fn give_back(&mut self, chosen: &[usize]) {
        self.cache.give_back(&self.named(chosen), None).await;
        for at in chosen {
            self.full_at[*at] = self.buckets[*at].rate.without_one(self.full_at[*at], self.now);
        }
    }

    /// What both say of a request.
    async fn take(&mut self, chosen: &[usize]) -> [Option<Allowance>; 2] {
        let buckets = Buckets {
            all: self.named(chosen),
            unless_marked: None,
        };
        let theirs = self.cache.take(&buckets).await.unwrap().allowance;
        let judged = chosen
            .iter()
            .map(|at| self.buckets[*at].rate.judge(self.full_at[*at], self.now));
        let ours: Vec<Allowance> = judged.collect();
        if ours.iter().all(|allowance| allowance.is_allowed) {
            for at in chosen {
                self.full_at[*at] = self.buckets[*at].rate.after_one(self.full_at[*at], self.now);
            }
        }
        [theirs, ours.into_iter().reduce(tighter)]
    }
}

fn tighter(one: Allowance, other: Allowance) -> Allowance {
    let tightness = |of: &Allowance| (of.retry_after, std::cmp::Reverse(of.remaining));
    if tightness(&other) > tightness(&one) {
        other
    } else {
        one
    }
}

#[test]
fn redis_counts_as_the_functions_do() {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let url = service("TEST_REDIS_URL");
    proptest!(ProptestConfig::with_cases(40), |(steps in steps(), bursts in (1_u32..6, 1_u32..6))| {
        runtime.block_on(agree(&url, &steps, bursts))?;
    });
}

async fn agree(url: &str, steps: &[Step], bursts: (u32, u32)) -> Result<(), TestCaseError> {
    let mut both = Both::new(url, bursts).await;
    for (hours, first, second, gives_back) in steps {
        // Between whole hours, so that the moments that the test itself takes do not matter.
        both.let_pass(hours * HOUR + HOUR / 100).await;
        let meant = [(0, *first), (1, *second)].into_iter().filter(|(_, is)| *is);
        let chosen: Vec<usize> = meant.map(|(at, _)| at).collect();
        if *gives_back {
            both.give_back(&chosen).await;
            continue;
        }
        let [theirs, ours] = both.take(&chosen).await;
        prop_assert_eq!(theirs.is_some(), ours.is_some());
        if let (Some(theirs), Some(ours)) = (theirs, ours) {
            prop_assert_eq!(
                (theirs.is_allowed, theirs.limit, theirs.remaining),
                (ours.is_allowed, ours.limit, ours.remaining)
            );
            prop_assert!(theirs.reset.abs_diff(ours.reset) < Duration::from_secs(20));
            prop_assert!(theirs.retry_after.abs_diff(ours.retry_after) < Duration::from_secs(20));
        }
    }
    Ok(())
}
