//! Ranks passages by two scores that cannot be compared as they are: BM25 and the cosine of vectors.
//!
//! A convex combination of both after each was brought to the range from 0 to 1:
//!
//! ```text
//! score = (1 - w) * words / max(words) + w * (likeness - min(likeness)) / (max(likeness) - min(likeness))
//! ```
//!
//! Bruch, Gai and Ingber, "An Analysis of Fusion Functions for Hybrid Retrieval" (2023), section 4: it keeps what ranks
//! throw away, how much better one passage is than the next, and so beats reciprocal rank fusion. BM25 is divided by its
//! maximum only, because 0 means the same for every question: none of the words.

use shared::db::search::Candidate;
use shared::domain::PassageId;

/// Ranks candidates, best first; equal ones by their ids. `vector_weight` is w above, from 0 to 1. A passage without a
/// vector is judged by its words alone, and so are all if no passage has one.
#[must_use]
pub fn rank(candidates: &[Candidate], vector_weight: f64) -> Vec<(PassageId, f64)> {
    let most_words = candidates.iter().map(|c| c.words).fold(0.0, f64::max);
    let likeness = Range::of(candidates.iter().filter_map(|c| c.likeness));
    let score = |candidate: &Candidate| {
        let words = if most_words > 0.0 {
            candidate.words / most_words
        } else {
            0.0
        };
        match (candidate.likeness, &likeness) {
            (Some(cosine), Some(range)) => (1.0 - vector_weight) * words + vector_weight * range.share(cosine),
            _ => words,
        }
    };
    let mut ranked: Vec<(PassageId, f64)> = candidates.iter().map(|c| (c.passage, score(c))).collect();
    ranked.sort_unstable_by(|(a, better), (b, worse)| worse.total_cmp(better).then(a.uuid().cmp(&b.uuid())));
    ranked
}

struct Range {
    least: f64,
    most: f64,
}

impl Range {
    fn of(values: impl Iterator<Item = f64>) -> Option<Self> {
        values.fold(None, |range, value| {
            let Self { least, most } = range.unwrap_or(Self {
                least: value,
                most: value,
            });
            Some(Self {
                least: least.min(value),
                most: most.max(value),
            })
        })
    }

    /// From 0 for the least to 1 for the most. If all are the same, none is held against its passage.
    fn share(&self, value: f64) -> f64 {
        if self.most > self.least {
            (value - self.least) / (self.most - self.least)
        } else {
            1.0
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn candidate(words: f64, likeness: Option<f64>) -> Candidate {
        Candidate {
            passage: PassageId::new(),
            words,
            likeness,
        }
    }

    fn order(candidates: &[Candidate], weight: f64) -> Vec<usize> {
        let place = |id| candidates.iter().position(|c| c.passage == id).unwrap();
        rank(candidates, weight).into_iter().map(|(id, _)| place(id)).collect()
    }

    #[test]
    fn a_passage_that_both_find_beats_one_that_only_one_finds() {
        let candidates = [
            candidate(10.0, Some(0.1)),
            candidate(0.0, Some(0.8)),
            candidate(8.0, Some(0.7)),
        ];
        assert_eq!(order(&candidates, 0.5), [2, 0, 1]);
        let scores: Vec<f64> = rank(&candidates, 0.5).into_iter().map(|(_, score)| score).collect();
        let expected = [0.5 * 0.8 + 0.5 * (0.6 / 0.7), 0.5, 0.5];
        assert!(
            scores.iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-12),
            "{scores:?}"
        );
    }

    #[test]
    fn either_leg_may_be_missing() {
        let words = [candidate(1.0, None), candidate(3.0, None), candidate(2.0, None)];
        assert_eq!(order(&words, 0.5), [1, 2, 0]);
        let vectors = [candidate(0.0, Some(0.2)), candidate(0.0, Some(0.9))];
        assert_eq!(order(&vectors, 0.5), [1, 0]);
        assert!(rank(&[], 0.5).is_empty());
    }

    #[test]
    fn a_passage_that_has_no_vector_yet_is_judged_by_its_words() {
        let candidates = [
            candidate(4.0, None),
            candidate(3.0, Some(0.1)),
            candidate(1.0, Some(0.9)),
        ];
        assert_eq!(order(&candidates, 0.5), [0, 2, 1]);
    }

    proptest! {
        #[test]
        fn whatever_the_scores_each_candidate_is_ranked_once_between_0_and_1(
            scores in proptest::collection::vec((0.0_f64..1e6, proptest::option::of(-1.0_f64..=1.0)), 0..50),
            weight in 0.0_f64..=1.0,
        ) {
            let candidates: Vec<Candidate> = scores.into_iter().map(|(w, l)| candidate(w, l)).collect();
            let ranked = rank(&candidates, weight);
            prop_assert_eq!(ranked.len(), candidates.len());
            prop_assert!(ranked.iter().all(|(_, score)| (0.0..=1.0 + 1e-9).contains(score)));
            prop_assert!(ranked.windows(2).all(|pair| pair[0].1 >= pair[1].1));
        }

        #[test]
        fn better_in_both_is_better(
            scores in proptest::collection::vec((0.0_f64..100.0, -1.0_f64..=1.0), 2..30), weight in 0.0_f64..=1.0,
        ) {
            let candidates: Vec<Candidate> = scores.into_iter().map(|(w, l)| candidate(w, Some(l))).collect();
            let ranked = rank(&candidates, weight);
            let score = |c: &Candidate| ranked.iter().find(|(id, _)| *id == c.passage).unwrap().1;
            for a in &candidates {
                for b in &candidates {
                    if a.words >= b.words && a.likeness >= b.likeness {
                        prop_assert!(score(a) >= score(b));
                    }
                }
            }
        }
    }
}
