//! How well the answerer that needs no model knows when to say nothing.

use serde::Serialize;
use shared::domain::Passage;
use worker::rag::extract;

use crate::collection::Question;
use crate::measures::real;

/// The thresholds of the curve: from 0 to 1, in steps of 1 / this.
const STEPS: usize = 20;

/// What the answerer made of one question.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Attempt {
    /// Whether the documents hold an answer.
    pub answerable: bool,
    /// How much of the question the best sentence holds.
    pub coverage: f64,
    /// Whether what it quoted contains a known answer; `None` if none is known.
    pub right: Option<bool>,
}

/// Its record.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Abstention {
    /// How many questions have an answer in the documents.
    pub answerable: usize,
    /// How many have none.
    pub unanswerable: usize,
    /// With the answerer's own threshold.
    pub today: Point,
    /// Of the questions with a known answer, the share to which it said something that contains it; `None` if there is
    /// no such question.
    pub right: Option<f64>,
    /// With other thresholds.
    pub curve: Vec<Point>,
}

/// What a threshold of the coverage would do.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Point {
    /// Below it nothing is said.
    pub threshold: f64,
    /// The share of the questions without an answer to which nothing is said.
    pub rightly: f64,
    /// The share of the questions with an answer to which nothing is said.
    pub wrongly: f64,
}

impl Attempt {
    /// Lets the answerer try; `None` if nobody has judged whether there is an answer.
    #[must_use]
    pub fn at(question: &Question, passages: &[Passage]) -> Option<Self> {
        let draft = extract::draft(&question.text, passages);
        let said = draft.text.to_lowercase();
        let is_right = || !draft.quotes.is_empty() && question.answers.iter().any(|a| said.contains(&a.to_lowercase()));
        Some(Self {
            answerable: question.answerable?,
            coverage: extract::coverage(&question.text, passages),
            right: (!question.answers.is_empty()).then(is_right),
        })
    }
}

impl Abstention {
    /// Adds the attempts up; `None` if they are not of both kinds, which leaves nothing to weigh.
    #[must_use]
    pub fn of(attempts: &[Attempt]) -> Option<Self> {
        let (with, without): (Vec<&Attempt>, Vec<&Attempt>) = attempts.iter().partition(|attempt| attempt.answerable);
        if with.is_empty() || without.is_empty() {
            return None;
        }
        let share = |attempts: &[&Attempt], holds: &dyn Fn(&Attempt) -> bool| {
            real(attempts.iter().filter(|attempt| holds(attempt)).count()) / real(attempts.len())
        };
        let point = |threshold: f64| Point {
            threshold,
            rightly: share(&without, &|attempt| attempt.coverage < threshold),
            wrongly: share(&with, &|attempt| attempt.coverage < threshold),
        };
        let known: Vec<&Attempt> = with.iter().copied().filter(|attempt| attempt.right.is_some()).collect();
        Some(Self {
            answerable: with.len(),
            unanswerable: without.len(),
            today: point(extract::LEAST_COVERAGE),
            right: (!known.is_empty()).then(|| share(&known, &|attempt| attempt.right == Some(true))),
            curve: (0..=STEPS).map(|step| point(real(step) / real(STEPS))).collect(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_higher_threshold_says_less() {
        let attempt = |answerable, coverage| Attempt {
            answerable,
            coverage,
            right: answerable.then_some(coverage > 0.5),
        };
        let attempts = [
            attempt(true, 0.9),
            attempt(true, 0.3),
            attempt(false, 0.6),
            attempt(false, 0.1),
        ];
        let record = Abstention::of(&attempts).unwrap();
        assert_eq!((record.answerable, record.unanswerable), (2, 2));
        let at = |threshold| *record.curve.iter().find(|p| p.threshold >= threshold).unwrap();
        assert_eq!((at(0.0).rightly, at(0.0).wrongly), (0.0, 0.0));
        assert_eq!((at(0.5).rightly, at(0.5).wrongly), (0.5, 0.5));
        assert_eq!((at(1.0).rightly, at(1.0).wrongly), (1.0, 1.0));
        assert_eq!(record.right, Some(0.5));
    }

    #[test]
    fn one_kind_of_question_weighs_nothing() {
        let attempt = Attempt {
            answerable: true,
            coverage: 0.5,
            right: None,
        };
        assert_eq!(Abstention::of(&[attempt]), None);
    }
}
