//! A circuit breaker in front of the language model's provider, shared by all workers through Redis.
//!
//! *Closed*: calls go through; [`OPENS_AT`] failures with no success between them open it. *Open*: for [`REST_MS`] nobody
//! calls. *Half-open*: one caller may try; its success closes the circuit, its failure opens it again.
//! Three keys: `failures` counts, `tripped` says that it is not closed, `open` lives as long as nobody may call.

use std::time::Duration;

use redis::{Cmd, Pipeline};

/// So many failures in a row open the circuit.
const OPENS_AT: u32 = 5;
/// How long it stays open before somebody may try, in milliseconds.
const REST_MS: u64 = 30_000;
/// Failures that lie further apart are no row, in seconds.
const FORGOTTEN_AFTER: u64 = 60;
/// If nobody tries for so long, the circuit counts as closed, in seconds.
const TRIPPED_FOR: u64 = 600;

/// `KEYS`: failures, tripped, open. Returns 1 if this failure opened the circuit, or opened it again.
const FAIL: &str = "
local failures = redis.call('INCR', KEYS[1])
redis.call('EXPIRE', KEYS[1], ARGV[2])
if failures < tonumber(ARGV[1]) and redis.call('EXISTS', KEYS[2]) == 0 then return 0 end
redis.call('SET', KEYS[2], 1, 'EX', ARGV[3])
redis.call('SET', KEYS[3], 1, 'PX', ARGV[4])
redis.call('DEL', KEYS[1])
return 1";

/// What the circuit says to somebody who wants to call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Circuit {
    /// Go on.
    Closed,
    /// Not before this time has passed.
    Open(Duration),
    /// One may try: see [`super::Cache::may_probe`].
    HalfOpen,
}

/// The names of one circuit's keys.
pub(super) struct Names {
    failures: String,
    tripped: String,
    open: String,
}

impl Names {
    pub(super) fn new(prefix: &str, provider: &str) -> Self {
        let name = |what| format!("{prefix}:circuit:{provider}:{what}");
        Self {
            failures: name("failures"),
            tripped: name("tripped"),
            open: name("open"),
        }
    }

    /// Adds two commands whose replies [`judge`] understands.
    pub(super) fn ask(&self, pipeline: &mut Pipeline) {
        pipeline.exists(&self.tripped);
        pipeline.pttl(&self.open);
    }

    /// Replies 1 to one of those who send it, and 0 to the others.
    pub(super) fn probe(&self) -> Cmd {
        let mut command = redis::cmd("SET");
        command.arg(&self.open).arg(1).arg("NX").arg("PX").arg(REST_MS);
        command
    }

    pub(super) fn fail(&self) -> Cmd {
        let mut command = redis::cmd("EVAL");
        command.arg(FAIL).arg(3);
        command.arg(&self.failures).arg(&self.tripped).arg(&self.open);
        command.arg(OPENS_AT).arg(FORGOTTEN_AFTER).arg(TRIPPED_FOR).arg(REST_MS);
        command
    }

    /// Closes the circuit and forgets failures.
    pub(super) fn succeed(&self, pipeline: &mut Pipeline) {
        pipeline.del(&[&self.failures, &self.tripped, &self.open]).ignore();
    }
}

/// `remaining` is what `PTTL` says: milliseconds, or a negative number.
pub(super) fn judge(is_tripped: bool, remaining: i64) -> Circuit {
    match u64::try_from(remaining) {
        Ok(left) if is_tripped => Circuit::Open(Duration::from_millis(left)),
        _ if is_tripped => Circuit::HalfOpen,
        _ => Circuit::Closed,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_open_circuit_says_for_how_long() {
        assert_eq!(judge(false, -2), Circuit::Closed);
        assert_eq!(judge(true, 1500), Circuit::Open(Duration::from_millis(1500)));
        assert_eq!(judge(true, -2), Circuit::HalfOpen);
        // A probe that was let through just before somebody's success.
        assert_eq!(judge(false, 1500), Circuit::Closed);
    }
}
