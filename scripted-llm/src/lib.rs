//! A language model that says what a test wants, over real HTTP in Anthropic's own wire format. It notes every call
//! and what became of it: paid for in full, or broken off.

pub mod events;
mod serve;

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use axum::http::HeaderMap;
use serde_json::{Value, json};
use tokio::sync::Semaphore;

/// What the model does with one request.
#[derive(Debug, Clone)]
pub enum Reply {
    /// Quotes the first block of the first passage, as a model that does its work.
    Quote,
    /// Answers with a status, headers and a body.
    Status(u16, Vec<(&'static str, String)>, String),
    /// Says what this makes of the request, in plain text.
    Says(fn(&Value) -> String),
    /// Streams these events.
    Events(Vec<Value>),
    /// Streams these events and then breaks the connection.
    Cut(Vec<Value>),
    /// Streams these events, each after a pause.
    Paced(Vec<Value>, Duration),
    /// Answers 200 with this content type and body.
    Body(&'static str, String),
    /// Quotes, but only when the test gives a permit.
    QuoteWhenAllowed(Arc<Semaphore>),
    /// Never answers.
    Hang,
}

/// How far a call has come, as the model sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Progress {
    /// The reply is not complete.
    Open,
    /// The whole reply was handed to the network. Whether anybody has read it is not known here.
    Whole,
    /// The caller went away before the end, or the script broke the reply off.
    BrokenOff,
}

/// One call.
#[derive(Debug, Clone)]
pub struct Call {
    /// The request's headers.
    pub headers: HeaderMap,
    /// The request's body.
    pub request: Value,
    /// What the script said to it.
    pub reply: Reply,
    /// When it came.
    pub begun: Instant,
    /// What has become of it.
    pub progress: Progress,
}

/// Decides what to say to a request.
type Decide = dyn Fn(&Value) -> Reply + Send + Sync;

/// The scripted server. It ends with the runtime that it was started on.
#[derive(Debug)]
pub struct ScriptedLlm {
    /// Where it listens, without a slash at the end.
    pub url: String,
    script: Arc<Script>,
}

struct Script {
    replies: Mutex<VecDeque<Reply>>,
    calls: Mutex<Vec<Call>>,
    key: Mutex<Option<String>>,
    decide: Box<Decide>,
}

impl std::fmt::Debug for Script {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Script").finish_non_exhaustive()
    }
}

impl ScriptedLlm {
    /// Starts a model that quotes unless told otherwise by [`Self::then`].
    ///
    /// # Panics
    /// If this machine has no free port on its loopback interface.
    pub async fn start() -> Self {
        Self::deciding(|_| Reply::Quote).await
    }

    /// Starts a model that lets `decide` say what to do with a request, where nothing was told by [`Self::then`].
    ///
    /// # Panics
    /// If this machine has no free port on its loopback interface.
    pub async fn deciding(decide: impl Fn(&Value) -> Reply + Send + Sync + 'static) -> Self {
        let script = Arc::new(Script {
            replies: Mutex::default(),
            calls: Mutex::default(),
            key: Mutex::default(),
            decide: Box::new(decide),
        });
        let url = serve::start(script.clone()).await;
        Self { url, script }
    }

    /// The next request gets this reply.
    pub fn then(&self, reply: Reply) -> &Self {
        held(&self.script.replies).push_back(reply);
        self
    }

    /// From now on a call with another key is refused, as the provider refuses a key that was deleted.
    pub fn accept_only(&self, key: &str) {
        *held(&self.script.key) = Some(key.to_owned());
    }

    /// How many calls there were.
    #[must_use]
    pub fn calls(&self) -> usize {
        held(&self.script.calls).len()
    }

    /// The requests so far.
    #[must_use]
    pub fn requests(&self) -> Vec<(HeaderMap, Value)> {
        let calls = held(&self.script.calls);
        calls
            .iter()
            .map(|call| (call.headers.clone(), call.request.clone()))
            .collect()
    }

    /// The calls so far, with what has become of them.
    #[must_use]
    pub fn history(&self) -> Vec<Call> {
        held(&self.script.calls).clone()
    }
}

impl Script {
    fn reply_to(&self, headers: &HeaderMap, request: &Value) -> Reply {
        if let Some(key) = &*held(&self.key)
            && headers
                .get("x-api-key")
                .is_none_or(|sent| sent.as_bytes() != key.as_bytes())
        {
            return refused();
        }
        let told = held(&self.replies).pop_front();
        told.unwrap_or_else(|| (self.decide)(request))
    }

    /// Notes a call; returns its number.
    fn note(&self, call: Call) -> usize {
        let mut calls = held(&self.calls);
        calls.push(call);
        calls.len() - 1
    }

    fn progressed(&self, number: usize, progress: Progress) {
        if let Some(call) = held(&self.calls).get_mut(number) {
            call.progress = progress;
        }
    }
}

/// <https://platform.claude.com/docs/en/api/errors>
fn refused() -> Reply {
    let error = json!({"type": "authentication_error", "message": "invalid x-api-key"});
    Reply::Status(401, vec![], json!({"type": "error", "error": error}).to_string())
}

/// A panic elsewhere leaves these lists whole.
fn held<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
