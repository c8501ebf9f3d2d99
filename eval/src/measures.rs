//! What is measured of one question's ranking. Pure; the definitions are those of `trec_eval`.
//!
//! A ranking is a list of units, best first, each at most once. A unit is whatever the judgments speak of: an item of
//! the corpus, or a passage. Ranks count from 1.

use std::collections::BTreeMap;

/// A thing that can be relevant, by its number in the collection.
pub type Unit = usize;

/// What is relevant to a question, each with its grade of at least 1. What is not in here counts as not relevant.
pub type Relevant = BTreeMap<Unit, u32>;

/// A number between 0 and 1 that says how good a ranking is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Measure {
    /// Normalised discounted cumulative gain of the first k: the sum of grade / log2(rank + 1), divided by the same
    /// sum of the best possible ranking.
    Ndcg(usize),
    /// The share of the relevant units that are among the first k.
    Recall(usize),
    /// 1 / rank of the first relevant unit, or 0 if none is among the first k.
    ReciprocalRank(usize),
}

/// Every measure, in the order of the tables.
pub const MEASURES: [Measure; 7] = [
    Measure::Ndcg(10),
    Measure::ReciprocalRank(10),
    Measure::Recall(3),
    Measure::Recall(5),
    Measure::Recall(10),
    Measure::Recall(20),
    Measure::Recall(100),
];

/// How many units a ranking needs for all of [`MEASURES`].
pub const DEEPEST: usize = 100;

impl Measure {
    /// The name in tables and JSON.
    #[must_use]
    pub fn name(self) -> String {
        match self {
            Self::Ndcg(k) => format!("nDCG@{k}"),
            Self::Recall(k) => format!("recall@{k}"),
            Self::ReciprocalRank(k) => format!("MRR@{k}"),
        }
    }

    /// The value for one question; 0 if nothing is relevant to it.
    #[must_use]
    pub fn of(self, ranking: &[Unit], relevant: &Relevant) -> f64 {
        let grades = |k: usize| {
            ranking
                .iter()
                .take(k)
                .map(|unit| relevant.get(unit).copied().unwrap_or(0))
        };
        match self {
            Self::Ndcg(k) => {
                let mut best: Vec<u32> = relevant.values().copied().collect();
                best.sort_unstable_by(|a, b| b.cmp(a));
                ratio(gain(grades(k)), gain(best.into_iter().take(k)))
            }
            Self::Recall(k) => {
                let found = grades(k).filter(|grade| *grade > 0).count();
                ratio(real(found), real(relevant.len()))
            }
            Self::ReciprocalRank(k) => grades(k)
                .position(|grade| grade > 0)
                .map_or(0.0, |index| 1.0 / real(index + 1)),
        }
    }
}

fn gain(grades: impl Iterator<Item = u32>) -> f64 {
    (2_u32..)
        .zip(grades)
        .map(|(rank_and_one, grade)| f64::from(grade) / f64::from(rank_and_one).log2())
        .sum()
}

fn ratio(part: f64, whole: f64) -> f64 {
    if whole > 0.0 { part / whole } else { 0.0 }
}

/// A count as a number to compute with. Counts here are far below the 4 billion at which it would stop being exact.
#[must_use]
pub fn real(count: usize) -> f64 {
    u32::try_from(count).map_or(f64::INFINITY, f64::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn near(a: f64, b: f64) -> bool {
        (a - b).abs() < 1e-9
    }

    #[test]
    fn values_computed_by_hand() {
        // Relevant: 7 (grade 1) and 9 (grade 3); 8 was never found.
        let relevant = Relevant::from([(7, 1), (8, 1), (9, 3)]);
        let ranking = [1, 9, 2, 7];
        // DCG = 3/log2(3) + 1/log2(5); best = 3/log2(2) + 1/log2(3) + 1/log2(4).
        let dcg = 3.0 / 3_f64.log2() + 1.0 / 5_f64.log2();
        let best = 3.0 + 1.0 / 3_f64.log2() + 0.5;
        assert!(near(Measure::Ndcg(10).of(&ranking, &relevant), dcg / best));
        assert!(near(Measure::Ndcg(10).of(&ranking, &relevant), 0.562_455_901_6));
        assert!(near(Measure::Recall(3).of(&ranking, &relevant), 1.0 / 3.0));
        assert!(near(Measure::Recall(5).of(&ranking, &relevant), 2.0 / 3.0));
        assert!(near(Measure::ReciprocalRank(10).of(&ranking, &relevant), 0.5));
    }

    #[test]
    fn the_cut_off_counts() {
        let relevant = Relevant::from([(4, 1), (5, 1)]);
        let ranking = [1, 2, 3, 4, 5];
        assert!(near(Measure::ReciprocalRank(3).of(&ranking, &relevant), 0.0));
        assert!(near(Measure::Recall(4).of(&ranking, &relevant), 0.5));
        // The best possible ranking is cut as well: with more relevant units than places, 1 can be reached.
        let many: Relevant = (0..20).map(|unit| (unit, 1)).collect();
        let perfect: Vec<Unit> = (0..20).collect();
        assert!(near(Measure::Ndcg(10).of(&perfect, &many), 1.0));
        assert!(near(Measure::Recall(10).of(&perfect, &many), 0.5));
    }

    #[test]
    fn nothing_found_and_nothing_relevant_are_zero() {
        for measure in MEASURES {
            assert!(near(measure.of(&[], &Relevant::from([(1, 1)])), 0.0));
            assert!(near(measure.of(&[1, 2], &Relevant::new()), 0.0));
        }
    }
}
