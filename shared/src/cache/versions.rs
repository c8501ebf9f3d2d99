//! The collections' versions in Redis: how they get there without ever going back.
//!
//! A writer bumps the version in its transaction, *marks* the collection as changing to the new version (`!8`) while it
//! holds the row's lock, commits, and then *publishes* the version (`8`). A value in Redis only ever grows, so neither a
//! slow reader nor an overtaken writer can put an older version back. A writer that dies between mark and publish leaves
//! a mark that ends by its lifetime; until then nothing is served, and after it Postgres decides.

use redis::Cmd;

/// How long a version is believed without asking Postgres, in seconds. It bounds how long a stale answer could be served if a
/// writer reached Postgres but not Redis.
const LIFETIME_SECONDS: u64 = 60;

/// Sets the value `ARGV[1]` unless what is there is of a higher version; `ARGV[2]` is the lowest version that stays.
const SET_UNLESS_OLDER: &str = "
local current = redis.call('GET', KEYS[1])
local known = current and tonumber((string.gsub(current, '^!', '')))
if known and known >= tonumber(ARGV[2]) then return 0 end
redis.call('SET', KEYS[1], ARGV[1], 'EX', ARGV[3])
return 1";

/// The command that publishes `version`, which was read from Postgres after its commit.
pub(super) fn publish(name: &str, version: i64) -> Cmd {
    set_unless_older(name, &version.to_string(), version + 1)
}

/// The command that marks a collection as changing to `version`.
pub(super) fn mark_changing(name: &str, version: i64) -> Cmd {
    set_unless_older(name, &format!("!{version}"), version)
}

fn set_unless_older(name: &str, value: &str, lowest_that_stays: i64) -> Cmd {
    let mut command = redis::cmd("EVAL");
    command
        .arg(SET_UNLESS_OLDER)
        .arg(1)
        .arg(name)
        .arg(value)
        .arg(lowest_that_stays)
        .arg(LIFETIME_SECONDS);
    command
}

/// What Redis says about a collection's version.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum KnownVersion {
    /// The version that was committed last.
    Settled(i64),
    /// A change is being committed.
    Changing,
    /// Nothing is known.
    Unknown,
}

impl KnownVersion {
    /// Reads a stored value.
    pub(super) fn read(stored: Option<&str>) -> Self {
        match stored {
            None => Self::Unknown,
            Some(text) => text.parse().map_or(Self::Changing, Self::Settled),
        }
    }
}
