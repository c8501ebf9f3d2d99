//! Means with their uncertainty, and percentiles. Pure: the same values give the same result every time.

use std::time::Duration;

use fastrand::Rng;
use serde::Serialize;

use crate::measures::real;

/// How often the questions are drawn anew.
const RESAMPLES: usize = 1000;

/// Fixed, so that two runs over the same rankings print the same intervals.
const SEED: u64 = 20_251_122;

/// A mean over the questions with its 95 % interval: where the mean lies in 95 % of the samples of as many questions,
/// drawn with replacement (the percentile bootstrap).
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Estimate {
    /// The mean over the questions.
    pub mean: f64,
    /// The interval's lower end.
    pub low: f64,
    /// The interval's upper end.
    pub high: f64,
}

/// The estimates of all columns at once: `rows` has one row a question, with a value for each column. The columns are
/// drawn together. Empty without rows.
#[must_use]
pub fn estimates(rows: &[Vec<f64>]) -> Vec<Estimate> {
    let Some(columns) = rows.first().map(Vec::len) else {
        return Vec::new();
    };
    let mut rng = Rng::with_seed(SEED);
    let mut samples = vec![Vec::with_capacity(RESAMPLES); columns];
    for _ in 0..RESAMPLES {
        let sums = sums(columns, (0..rows.len()).map(|_| &rows[rng.usize(..rows.len())]));
        for (sample, sum) in samples.iter_mut().zip(sums) {
            sample.push(sum / real(rows.len()));
        }
    }
    sums(columns, rows.iter())
        .into_iter()
        .zip(samples)
        .map(|(sum, mut means)| {
            means.sort_by(f64::total_cmp);
            Estimate {
                mean: sum / real(rows.len()),
                low: means[RESAMPLES / 40],
                high: means[RESAMPLES - 1 - RESAMPLES / 40],
            }
        })
        .collect()
}

/// The mean of the differences between two rankings of the same questions: paired, so it sees differences that are
/// much smaller than either one's own interval. `None` without questions.
#[must_use]
pub fn difference(one: &[f64], other: &[f64]) -> Option<Estimate> {
    let rows: Vec<Vec<f64>> = one.iter().zip(other).map(|(a, b)| vec![a - b]).collect();
    estimates(&rows).first().copied()
}

fn sums<'a>(columns: usize, rows: impl Iterator<Item = &'a Vec<f64>>) -> Vec<f64> {
    rows.fold(vec![0.0; columns], |mut sums, row| {
        for (sum, value) in sums.iter_mut().zip(row) {
            *sum += value;
        }
        sums
    })
}

/// Percentiles of durations, in milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Latency {
    /// Half of the calls were at least this quick.
    pub p50: f64,
    /// 95 % of the calls were at least this quick.
    pub p95: f64,
    /// 99 % of the calls were at least this quick.
    pub p99: f64,
}

impl Latency {
    /// By nearest rank: each percentile is one of the durations. `None` without durations.
    #[must_use]
    pub fn of(mut durations: Vec<Duration>) -> Option<Self> {
        durations.sort_unstable();
        let at = |percent: usize| {
            let rank = (durations.len() * percent).div_ceil(100).max(1);
            durations.get(rank - 1).map(|duration| duration.as_secs_f64() * 1000.0)
        };
        Some(Self {
            p50: at(50)?,
            p95: at(95)?,
            p99: at(99)?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_interval_of_a_fair_coin_is_known() {
        // 400 questions, half of them answered: the standard error is 0.025, so 95 % lie within 0.049.
        let rows: Vec<Vec<f64>> = (0..400).map(|i| vec![f64::from(i % 2), 1.0]).collect();
        let estimates = estimates(&rows);
        assert!((estimates[0].mean - 0.5).abs() < 1e-12);
        assert!((estimates[0].low - 0.451).abs() < 0.01, "{estimates:?}");
        assert!((estimates[0].high - 0.549).abs() < 0.01, "{estimates:?}");
        let certain = Estimate {
            mean: 1.0,
            low: 1.0,
            high: 1.0,
        };
        assert_eq!(estimates[1], certain);
    }

    #[test]
    fn two_runs_print_the_same() {
        let rows: Vec<Vec<f64>> = (0..50).map(|i| vec![f64::from(i * i % 7)]).collect();
        assert_eq!(estimates(&rows), estimates(&rows));
        assert_eq!(estimates(&[]), []);
    }

    #[test]
    fn a_difference_is_taken_question_by_question() {
        // The values differ widely from question to question, the difference does not.
        let one: Vec<f64> = (0..100).map(|i| f64::from(i % 10) / 10.0).collect();
        let other: Vec<f64> = one.iter().map(|value| value - 0.01).collect();
        let difference = difference(&one, &other).unwrap();
        assert!((difference.mean - 0.01).abs() < 1e-12 && difference.low > 0.009);
    }

    #[test]
    fn percentiles_are_measured_values() {
        let durations: Vec<Duration> = (1..=200).rev().map(Duration::from_millis).collect();
        let expected = Latency {
            p50: 100.0,
            p95: 190.0,
            p99: 198.0,
        };
        assert_eq!(Latency::of(durations), Some(expected));
        let one = Latency::of(vec![Duration::from_millis(3)]).unwrap();
        assert_eq!((one.p50, one.p99), (3.0, 3.0));
        assert_eq!(Latency::of(Vec::new()), None);
    }
}
