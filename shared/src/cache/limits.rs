//! Limits that all sandboxes share: the arithmetic of [`crate::domain::Rate`], as one step of Redis.
//!
//! A script sees nobody else's commands between its own, so of a hundred requests at once exactly as many pass as the
//! bucket holds. The clock is Redis' own: those of sandboxes differ, and stand still while they are frozen.

use std::time::Duration;

use redis::Cmd;

use super::standing::ENDED;
use super::{Cache, Claim, Lookup, Standing, judge};
use crate::domain::{Allowance, AnswerKey, CollectionScope, Rate};

/// `KEYS`: the buckets; if there is a mark, the buckets that count instead of them where it is set, and the mark; and if
/// somebody asks by a session or an API key, its standing.
/// `ARGV`: how many buckets there are, then interval (in microseconds) and burst of each, and if there is a standing, the
/// one that ends it here. All buckets are asked before any is touched: a refused request takes from none, and neither does
/// one by what has ended.
/// Returns whether the mark is set, whether the request is allowed, of the tightest bucket limit, remaining, and
/// microseconds until it is full and until one more is let through, and the standing. Numbers up to 2^53 are exact, which
/// is the year 2255.
const TAKE: &str = "
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local count = tonumber(ARGV[1])
local others, ended, standing = #KEYS, ARGV[2 * count + 2], false
if ended then
    standing = redis.call('GET', KEYS[others])
    if standing == ended then return {0, 1, 0, 0, 0, 0, standing} end
    others = others - 1
end
local marked = others > count and redis.call('EXISTS', KEYS[others]) or 0
local allowed, full_at, tightest = 1, {}, {0, 0, 0, 0}
for i = 1, count do
    local interval, burst = tonumber(ARGV[2 * i]), tonumber(ARGV[2 * i + 1])
    local tolerance = interval * burst
    local stored = tonumber(redis.call('GET', KEYS[marked * count + i]) or 0)
    local owed = math.min(math.max(stored - now, 0), tolerance)
    local retry = math.max(owed + interval - tolerance, 0)
    if retry == 0 then owed = owed + interval end
    full_at[i] = now + owed
    local remaining = math.floor((tolerance - owed) / interval)
    local is_tighter = i == 1 or retry > tightest[4] or (retry == tightest[4] and remaining < tightest[2])
    if is_tighter then tightest = {burst, remaining, owed, retry} end
    if retry > 0 then allowed = 0 end
end
if allowed == 1 then
    for i = 1, count do
        local lifetime = math.ceil((full_at[i] - now) / 1000)
        redis.call('SET', KEYS[marked * count + i], string.format('%.0f', full_at[i]), 'PX', lifetime)
    end
end
return {marked, allowed, tightest[1], tightest[2], tightest[3], tightest[4], standing}";

/// `KEYS`: buckets; `ARGV`: their intervals. Takes one request back from each.
const GIVE_BACK: &str = "
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
for i, name in ipairs(KEYS) do
    local full_at = tonumber(redis.call('GET', name) or 0) - tonumber(ARGV[i])
    if full_at > now then
        redis.call('SET', name, string.format('%.0f', full_at), 'PX', math.ceil((full_at - now) / 1000))
    else
        redis.call('DEL', name)
    end
end
return 0";

/// Something that is counted: by whom and what, and how much of it there may be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bucket {
    /// Names what is counted, within the deployment.
    pub name: String,
    /// How much there may be.
    pub rate: Rate,
}

/// What a request has to be let through by.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Buckets {
    /// Each of them has to let it through.
    pub all: Vec<Bucket>,
    /// Where a mark is set, other buckets of the same rates count.
    pub unless_marked: Option<Marked>,
}

/// Buckets for those who bear a mark.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Marked {
    /// The mark's name.
    pub mark: String,
    /// The names of the buckets that count then, in the order of those that they stand for.
    pub names: Vec<String>,
}

/// What the buckets say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Taken {
    /// The tightest bucket's word; `None` if there are no buckets.
    pub allowance: Option<Allowance>,
    /// Whether the mark was set.
    pub is_marked: bool,
}

/// As [`TAKE`] returns it.
type Reply = (bool, bool, u32, u32, u64, u64, Option<String>);
/// An answer, the versions of its collections, and what lies before them.
type AdmittedAndStored = (Reply, Option<String>, Vec<Option<String>>);

impl Cache {
    /// Takes one request from each bucket, or from none. `None`: Redis cannot say.
    pub async fn take(&self, buckets: &Buckets) -> Option<Taken> {
        let mut pipeline = redis::pipe();
        pipeline.add_command(self.taking(buckets, None));
        let (reply,): (Reply,) = self.read(&pipeline, "take from the limits").await?;
        Some(Taken::read(&reply))
    }

    /// Like [`Self::take`], and asks in the same step how a session or an API key stands: for what has ended nothing is
    /// taken, and no limit refuses it. `may_begin_a_job` says so to the janitor, see [`Self::is_idle`].
    pub async fn admit(&self, buckets: &Buckets, claim: Claim, may_begin_a_job: bool) -> Option<(Taken, Standing)> {
        let mut pipeline = redis::pipe();
        pipeline.add_command(self.taking(buckets, Some(claim)));
        if may_begin_a_job {
            self.about_to_begin(&mut pipeline);
        }
        let (reply,): (Reply,) = self.read(&pipeline, "take from the limits").await?;
        Some((Taken::read(&reply), Standing::read(reply.6.as_deref(), claim.owner)))
    }

    /// Like [`Self::admit`] for what may begin a job, and looks for a fresh answer in the same round trip, like
    /// [`Self::find`].
    pub async fn admit_and_find(
        &self,
        buckets: &Buckets,
        claim: Claim,
        key: &AnswerKey,
        scope: &CollectionScope,
    ) -> Option<(Taken, Standing, Lookup)> {
        let mut pipeline = redis::pipe();
        pipeline.add_command(self.taking(buckets, Some(claim)));
        self.about_to_begin(&mut pipeline);
        self.look(key, scope, &mut pipeline);
        let what = "take from the limits and look into the cache";
        let (reply, answer, versions): AdmittedAndStored = self.read(&pipeline, what).await?;
        let standing = Standing::read(reply.6.as_deref(), claim.owner);
        Some((Taken::read(&reply), standing, judge(answer, versions, scope)))
    }

    /// Takes a request back from buckets that let it through, and sets a mark, in one round trip.
    pub async fn give_back(&self, buckets: &[Bucket], mark: Option<(&str, Duration)>) {
        let mut pipeline = redis::pipe();
        let mut command = redis::cmd("EVAL");
        command.arg(GIVE_BACK).arg(buckets.len());
        for bucket in buckets {
            command.arg(self.limit_name(&bucket.name));
        }
        for bucket in buckets {
            command.arg(bucket.rate.interval());
        }
        pipeline.add_command(command).ignore();
        if let Some((mark, lifetime)) = mark {
            pipeline.set_ex(self.limit_name(mark), 1, lifetime.as_secs()).ignore();
        }
        self.send_if_well(&pipeline, "give back to the limits").await;
    }

    /// A command that is sent again after a broken connection may take twice: that errs on the side of the limit.
    fn taking(&self, buckets: &Buckets, claim: Option<Claim>) -> Cmd {
        let mut names: Vec<String> = buckets.all.iter().map(|bucket| self.limit_name(&bucket.name)).collect();
        if let Some(marked) = &buckets.unless_marked {
            names.extend(marked.names.iter().map(|name| self.limit_name(name)));
            names.push(self.limit_name(&marked.mark));
        }
        names.extend(claim.map(|claim| self.standing_name(claim.id)));
        let mut command = redis::cmd("EVAL");
        command.arg(TAKE).arg(names.len()).arg(names).arg(buckets.all.len());
        for Bucket { rate, .. } in &buckets.all {
            command.arg(rate.interval()).arg(rate.burst());
        }
        if claim.is_some() {
            command.arg(ENDED);
        }
        command
    }

    fn limit_name(&self, name: &str) -> String {
        format!("{}:limit:{name}", self.prefix)
    }
}

impl Taken {
    fn read((is_marked, is_allowed, limit, remaining, reset, retry, _): &Reply) -> Self {
        let allowance = Allowance {
            is_allowed: *is_allowed,
            limit: *limit,
            remaining: *remaining,
            reset: Duration::from_micros(*reset),
            retry_after: Duration::from_micros(*retry),
        };
        Self {
            // No bucket has a burst of nothing.
            allowance: (*limit > 0).then_some(allowance),
            is_marked: *is_marked,
        }
    }
}
