//! What was asked and what was seen of it: the list against which the end is checked.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use serde_json::Value;

/// A question and what became of it, as its asker saw it.
#[derive(Debug, Clone)]
pub(crate) struct Asked {
    /// Its name, which stands in its text.
    pub(crate) token: String,
    pub(crate) user: usize,
    /// Of the response to the question.
    pub(crate) status: u16,
    pub(crate) took: Duration,
    pub(crate) at: Instant,
    /// What the response said about asking again.
    pub(crate) retry_after: Option<String>,
    /// The job, if the question was accepted.
    pub(crate) job: Option<String>,
    pub(crate) end: Option<End>,
    /// Whether another end, or none, was seen after the first.
    pub(crate) changed: bool,
}

/// The end of a job as its owner sees it.
#[derive(Debug, Clone)]
pub(crate) struct End {
    pub(crate) status: String,
    pub(crate) code: String,
    pub(crate) answer: String,
    pub(crate) at: Instant,
}

impl End {
    /// The end that a poll's response shows, if the job has ended.
    pub(crate) fn of(body: &Value, http: u16) -> Option<Self> {
        let text = |name: &str| body[name].as_str().unwrap_or_default().to_owned();
        let status = text("status");
        let is_final = ["completed", "failed", "cancelled", "expired"].contains(&status.as_str());
        (http == 200 && is_final).then(|| Self {
            status,
            code: text("code"),
            answer: text("answer"),
            at: Instant::now(),
        })
    }

    fn is_the_same_as(&self, other: &Self) -> bool {
        (&self.status, &self.code, &self.answer) == (&other.status, &other.code, &other.answer)
    }
}

/// The questions in the order in which they were answered, and the polls.
#[derive(Debug, Default)]
pub(crate) struct History {
    asked: Mutex<Vec<Asked>>,
    polls: Mutex<Vec<(u16, Duration)>>,
}

/// A job to look at: its number in the history, its owner and its id.
pub(crate) type Look = (usize, usize, String);

impl History {
    /// Adds a question; its number.
    pub(crate) fn note(&self, asked: Asked) -> usize {
        let mut all = held(&self.asked);
        all.push(asked);
        all.len() - 1
    }

    pub(crate) fn polled(&self, status: u16, took: Duration) {
        held(&self.polls).push((status, took));
    }

    pub(crate) fn ended(&self, number: usize, end: End) {
        if let Some(asked) = held(&self.asked).get_mut(number) {
            asked.end.get_or_insert(end);
        }
    }

    pub(crate) fn seen_again(&self, number: usize, end: &End) {
        if let Some(asked) = held(&self.asked).get_mut(number) {
            asked.changed |= !asked.end.as_ref().is_some_and(|first| first.is_the_same_as(end));
        }
    }

    pub(crate) fn reopened(&self, number: usize) {
        if let Some(asked) = held(&self.asked).get_mut(number) {
            asked.changed = true;
        }
    }

    /// One question.
    pub(crate) fn get(&self, number: usize) -> Option<Asked> {
        held(&self.asked).get(number).cloned()
    }

    /// All questions from this number on.
    pub(crate) fn since(&self, number: usize) -> Vec<Asked> {
        held(&self.asked).iter().skip(number).cloned().collect()
    }

    /// How many there are.
    pub(crate) fn len(&self) -> usize {
        held(&self.asked).len()
    }

    /// How the polls were answered since this one.
    pub(crate) fn polls_since(&self, number: usize) -> Vec<(u16, Duration)> {
        held(&self.polls).iter().skip(number).copied().collect()
    }

    /// How many polls there were.
    pub(crate) fn polls(&self) -> usize {
        held(&self.polls).len()
    }

    /// Accepted questions whose end was not seen.
    pub(crate) fn open(&self) -> Vec<Look> {
        self.looks(|asked| asked.end.is_none())
    }

    /// Accepted questions whose end was seen.
    pub(crate) fn finished(&self) -> Vec<Look> {
        self.looks(|asked| asked.end.is_some())
    }

    fn looks(&self, wanted: impl Fn(&Asked) -> bool) -> Vec<Look> {
        let asked = held(&self.asked);
        let accepted = asked.iter().enumerate().filter(|(_, asked)| wanted(asked));
        accepted
            .filter_map(|(number, asked)| Some((number, asked.user, asked.job.clone()?)))
            .collect()
    }
}

fn held<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
