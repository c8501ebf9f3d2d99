//! The language model of a drill: it names the question in its answer, fails at a rate, and does with single
//! questions what a scenario wants.

use std::collections::{HashMap, VecDeque};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use scripted_llm::{Call, Reply, ScriptedLlm, events};
use serde_json::{Value, json};

/// What every token begins with; eight digits follow.
const TOKEN: &str = "drill";
const DIGITS: usize = 8;
/// The pause before each event of an answer, of which there are seven: an answer takes a third of a second.
const PACE: Duration = Duration::from_millis(45);
/// The pace of an answer that is slow, but comes.
const SLOW: Duration = Duration::from_millis(500);
/// The pace of an answer during which there is time to kill somebody: half a minute in all.
const DRAWN_OUT: Duration = Duration::from_secs(4);

/// The scripted model and what it was told.
#[derive(Debug)]
pub(crate) struct Model {
    llm: ScriptedLlm,
    script: Arc<Script>,
}

#[derive(Debug, Default)]
struct Script {
    faults: AtomicU32,
    told: Mutex<HashMap<String, VecDeque<Act>>>,
}

/// What the model does with one call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Act {
    /// It answers, so slowly that half a minute passes.
    DrawOut,
    /// It answers, which takes a few seconds.
    Slowly,
    /// It never answers.
    Hang,
}

impl Model {
    /// Starts a model that works well.
    pub(crate) async fn start() -> Self {
        let script = Arc::new(Script::default());
        let deciding = script.clone();
        let llm = ScriptedLlm::deciding(move |request| deciding.reply(request)).await;
        Self { llm, script }
    }

    /// Where it listens.
    pub(crate) fn url(&self) -> &str {
        &self.llm.url
    }

    /// From now on so many calls of a hundred go wrong.
    pub(crate) fn fail(&self, percent: u32) {
        self.script.faults.store(percent, Ordering::Relaxed);
    }

    /// What to do with the next call for a question.
    pub(crate) fn tell(&self, token: &str, act: Act) {
        let mut told = held(&self.script.told);
        told.entry(token.to_owned()).or_default().push_back(act);
    }

    /// All calls so far, by the token of their question.
    pub(crate) fn calls(&self) -> HashMap<String, Vec<Call>> {
        let mut calls: HashMap<String, Vec<Call>> = HashMap::new();
        for call in self.llm.history() {
            calls.entry(token_of(&call.request)).or_default().push(call);
        }
        calls
    }

    /// How often a question was asked.
    pub(crate) fn calls_for(&self, token: &str) -> usize {
        self.calls().get(token).map_or(0, Vec::len)
    }
}

impl Script {
    fn reply(&self, request: &Value) -> Reply {
        let token = token_of(request);
        let told = held(&self.told).get_mut(&token).and_then(VecDeque::pop_front);
        match told {
            Some(Act::Hang) => Reply::Hang,
            Some(Act::Slowly) => Reply::Paced(answer(&token, request), SLOW),
            Some(Act::DrawOut) => Reply::Paced(answer(&token, request), DRAWN_OUT),
            None if fastrand::u32(0..100) < self.faults.load(Ordering::Relaxed) => fault(&token, request),
            None => Reply::Paced(answer(&token, request), PACE),
        }
    }
}

fn answer(token: &str, request: &Value) -> Vec<Value> {
    events::quoting_after(&format!("About {token} the documents say"), request)
}

fn fault(token: &str, request: &Value) -> Reply {
    let error = |kind: &str| json!({"type": "error", "error": {"type": kind, "message": "drill"}}).to_string();
    let soon = vec![("retry-after", "1".to_owned())];
    match fastrand::u8(0..6) {
        0 => Reply::Status(429, soon, error("rate_limit_error")),
        1 => Reply::Status(529, vec![], error("overloaded_error")),
        2 => Reply::Status(500, vec![], error("api_error")),
        3 => Reply::Cut(answer(token, request).into_iter().take(3).collect()),
        4 => Reply::Hang,
        _ => Reply::Paced(answer(token, request), SLOW),
    }
}

/// The name of a question.
pub(crate) fn token(number: u32) -> String {
    format!("{TOKEN}{number:0DIGITS$}")
}

/// The last token in the request: the question comes after the passages.
fn token_of(request: &Value) -> String {
    let text = request.to_string();
    let is_token = |at: &usize| {
        let digits = text.get(at + TOKEN.len()..at + TOKEN.len() + DIGITS);
        digits.is_some_and(|digits| digits.bytes().all(|byte| byte.is_ascii_digit()))
    };
    let at = text.rmatch_indices(TOKEN).map(|(at, _)| at).find(is_token);
    at.map_or_else(String::new, |at| text[at..at + TOKEN.len() + DIGITS].to_owned())
}

fn held<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_question_is_known_by_its_token() {
        let request = json!({"messages": [{"content": [{"text": "a drill"}, {"text": "How long, drill00000042?"}]}]});
        assert_eq!(token_of(&request), token(42));
        assert_eq!(token_of(&json!("drill 1")), "");
    }
}
