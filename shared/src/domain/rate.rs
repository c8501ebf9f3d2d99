//! How often something may be done: the generic cell rate algorithm (ITU-T I.371, appendix I; for requests it is explained
//! at <https://brandur.org/rate-limiting>).
//!
//! A bucket is one number, the time at which it will be full again (the *theoretical arrival time*). Each request moves
//! that time forward by the rate's interval, and is refused if it would lie more than the burst ahead. So whatever comes,
//! in `t` seconds no more than the burst and what flows in during `t` are let through.
//!
//! Redis does the same by a script of its own (`cache/limits.rs`); a test feeds both the same requests.

use std::str::FromStr;
use std::time::Duration;

use super::Invalid;

/// So often, and so many at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rate {
    /// In microseconds: one more may be done each time it has passed.
    interval: u64,
    /// How many may be done at once.
    burst: u32,
}

/// What a bucket says to a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Allowance {
    /// Whether it may be done.
    pub is_allowed: bool,
    /// How many may be done at once.
    pub limit: u32,
    /// How many more could be done at this moment.
    pub remaining: u32,
    /// After this time without requests the bucket is full again.
    pub reset: Duration,
    /// A request that was refused is let through after this time, if nothing else comes before it.
    pub retry_after: Duration,
}

impl Rate {
    /// `count` in each `span`, and `burst` at once.
    ///
    /// # Errors
    /// [`Invalid`] if it would let nothing through, or more than one each microsecond.
    pub fn new(count: u32, span: Duration, burst: u32) -> Result<Self, Invalid> {
        let micros = u64::try_from(span.as_micros()).unwrap_or(u64::MAX);
        let interval = micros.checked_div(u64::from(count)).unwrap_or_default();
        if interval == 0 || burst == 0 {
            return Err(Invalid::new("must let something through"));
        }
        Ok(Self { interval, burst })
    }

    /// Microseconds after which one more may be done.
    #[must_use]
    pub fn interval(self) -> u64 {
        self.interval
    }

    /// How many may be done at once.
    #[must_use]
    pub fn burst(self) -> u32 {
        self.burst
    }

    /// Asks a bucket that will be full at `full_at` for one request at `now`, both in microseconds from the same moment.
    /// What is allowed has to be followed by [`Self::after_one`], unless another bucket refuses.
    #[must_use]
    pub fn judge(self, full_at: u64, now: u64) -> Allowance {
        let (owed, tolerance) = (self.owed(full_at, now), self.tolerance());
        let is_allowed = owed + self.interval <= tolerance;
        let after = if is_allowed { owed + self.interval } else { owed };
        Allowance {
            is_allowed,
            limit: self.burst,
            remaining: u32::try_from((tolerance - after) / self.interval).unwrap_or(u32::MAX),
            reset: Duration::from_micros(after),
            retry_after: Duration::from_micros((owed + self.interval).saturating_sub(tolerance)),
        }
    }

    /// When the bucket is full after one more request.
    #[must_use]
    pub fn after_one(self, full_at: u64, now: u64) -> u64 {
        now + self.owed(full_at, now) + self.interval
    }

    /// When the bucket is full if one request is taken back.
    #[must_use]
    pub fn without_one(self, full_at: u64, now: u64) -> u64 {
        now + self.owed(full_at, now).saturating_sub(self.interval)
    }

    /// Until when it takes for the bucket to be full. No more than the burst takes: a clock that was set back, or a rate
    /// that was raised, must not lock anybody out.
    fn owed(self, full_at: u64, now: u64) -> u64 {
        full_at.saturating_sub(now).min(self.tolerance())
    }

    fn tolerance(self) -> u64 {
        self.interval.saturating_mul(u64::from(self.burst))
    }
}

/// `30/m`: thirty a minute and as many at once. `30/m:10`: ten at once. Units are `s`, `m`, `h` and `d`.
impl FromStr for Rate {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        let expected = || Invalid::new("must be a rate such as 30/m or 30/m:10, with s, m, h or d");
        let (rate, burst) = match text.split_once(':') {
            Some((rate, burst)) => (rate, Some(burst)),
            None => (text, None),
        };
        let (count, unit) = rate.split_once('/').ok_or_else(expected)?;
        let seconds = match unit {
            "s" => 1,
            "m" => 60,
            "h" => 3_600,
            "d" => 86_400,
            _ => return Err(expected()),
        };
        let number = |text: &str| {
            text.parse()
                .ok()
                .filter(|number| (1..=MOST).contains(number))
                .ok_or_else(expected)
        };
        let count = number(count)?;
        let burst = burst.map_or(Ok(count), number)?;
        Self::new(count, Duration::from_secs(seconds), burst)
    }
}

/// The largest number of a rate. Times up to this often a day stay exact in the numbers of Redis' scripts.
const MOST: u32 = 100_000;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn rate(text: &str) -> Rate {
        text.parse().unwrap()
    }

    #[test]
    fn a_rate_is_read_with_and_without_a_burst() {
        assert_eq!(rate("30/m"), Rate::new(30, Duration::from_secs(60), 30).unwrap());
        assert_eq!(rate("20/h:5"), Rate::new(20, Duration::from_hours(1), 5).unwrap());
        for text in [
            "", "30", "30/w", "/m", "0/s", "-1/s", "30/m:", "30/m:0", "30 / m", "100001/d", "1/s:1:1",
        ] {
            assert!(text.parse::<Rate>().is_err(), "{text:?}");
        }
    }

    #[test]
    fn a_full_bucket_gives_its_burst_and_then_one_each_interval() {
        let rate = rate("1/s:3");
        let mut full_at = 0;
        let mut ask = |now: u64| {
            let allowance = rate.judge(full_at, now);
            if allowance.is_allowed {
                full_at = rate.after_one(full_at, now);
            }
            (
                allowance.is_allowed,
                allowance.remaining,
                allowance.retry_after.as_micros(),
            )
        };
        let now = 5_000_000;
        assert_eq!(
            [ask(now), ask(now), ask(now)],
            [(true, 2, 0), (true, 1, 0), (true, 0, 0)]
        );
        assert_eq!(ask(now), (false, 0, 1_000_000));
        assert_eq!(ask(now + 999_999), (false, 0, 1));
        assert_eq!(ask(now + 1_000_000), (true, 0, 0));
    }

    #[test]
    fn what_is_taken_back_can_be_had_again() {
        let rate = rate("1/m:1");
        let full_at = rate.after_one(0, 10);
        assert!(!rate.judge(full_at, 10).is_allowed);
        assert!(rate.judge(rate.without_one(full_at, 10), 10).is_allowed);
        assert_eq!(rate.without_one(0, 10), 10, "a full bucket does not overflow");
    }

    #[test]
    fn a_clock_that_was_set_back_locks_nobody_out() {
        let rate = rate("1/m:1");
        assert_eq!(rate.judge(u64::MAX, 10).retry_after, Duration::from_mins(1));
    }

    proptest! {
        #[test]
        fn no_window_lets_more_through_than_burst_and_rate(
            (count, span, burst) in (1_u32..50, 1_u64..100, 1_u32..20),
            steps in proptest::collection::vec(0_u64..3_000_000, 1..200),
        ) {
            let rate = Rate::new(count, Duration::from_secs(span), burst).unwrap();
            let (mut now, mut full_at, mut admitted) = (1_000_u64, 0, Vec::new());
            for step in steps {
                now += step;
                if rate.judge(full_at, now).is_allowed {
                    full_at = rate.after_one(full_at, now);
                    admitted.push(now);
                }
            }
            for (index, start) in admitted.iter().enumerate() {
                for (further, end) in admitted[index..].iter().enumerate() {
                    let most = u64::from(burst) + (end - start) / rate.interval();
                    prop_assert!((further as u64) < most, "{} within {}", further + 1, end - start);
                }
            }
        }

        #[test]
        fn who_waits_as_long_as_is_said_is_let_through(
            (count, burst, used) in (1_u32..50, 1_u32..20, 0_u32..40), now in 0_u64..10_000_000,
        ) {
            let rate = Rate::new(count, Duration::from_secs(60), burst).unwrap();
            let mut full_at = 0;
            for _ in 0..used {
                if rate.judge(full_at, now).is_allowed {
                    full_at = rate.after_one(full_at, now);
                }
            }
            let wait = rate.judge(full_at, now).retry_after.as_micros() as u64;
            prop_assert!(rate.judge(full_at, now + wait).is_allowed);
            prop_assert!(wait == 0 || !rate.judge(full_at, now + wait - 1).is_allowed);
            let reset = rate.judge(full_at, now).reset.as_micros() as u64;
            prop_assert!(reset <= u64::from(burst) * rate.interval());
        }

        #[test]
        fn parsing_never_panics(text in ".*") {
            let _ = text.parse::<Rate>();
        }
    }
}
