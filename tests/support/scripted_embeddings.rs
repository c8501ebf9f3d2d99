//! An embedding model that knows a few topics, over real HTTP in OpenAI's wire format.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use axum::{Json, Router};
use serde_json::{Value, json};
use tokio::net::TcpListener;

/// Words of one topic have the same direction, whatever the words are.
const TOPICS: [&[&str]; 3] = [
    &["car", "automobile", "vehicle", "motor"],
    &["bread", "loaf", "bakery", "pastry"],
    &["rain", "storm", "drizzle", "weather"],
];

/// The scripted server.
pub struct ScriptedEmbeddings {
    pub url: String,
    state: Arc<Script>,
}

#[derive(Default)]
struct Script {
    is_down: AtomicBool,
    calls: AtomicUsize,
    texts: Mutex<Vec<String>>,
    key: Mutex<Option<String>>,
    refused: AtomicUsize,
}

impl ScriptedEmbeddings {
    pub async fn start() -> Self {
        let state = Arc::new(Script::default());
        let router = Router::new()
            .route("/v1/embeddings", post(embed))
            .with_state(state.clone());
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/v1", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { url, state }
    }

    /// From now on every call is refused, or answered again.
    pub fn set_down(&self, is_down: bool) {
        self.state.is_down.store(is_down, Ordering::SeqCst);
    }

    /// From now on a call with another key is refused.
    pub fn accept_only(&self, key: &str) {
        *self.state.key.lock().unwrap() = Some(format!("Bearer {key}"));
    }

    /// How many calls were refused for their key.
    pub fn refused(&self) -> usize {
        self.state.refused.load(Ordering::SeqCst)
    }

    /// Every text that was embedded.
    pub fn texts(&self) -> Vec<String> {
        self.state.texts.lock().unwrap().clone()
    }
}

async fn embed(State(script): State<Arc<Script>>, headers: HeaderMap, Json(request): Json<Value>) -> Response {
    script.calls.fetch_add(1, Ordering::SeqCst);
    let sent = headers.get("authorization").map(|key| key.to_str().unwrap().to_owned());
    if script
        .key
        .lock()
        .unwrap()
        .as_ref()
        .is_some_and(|key| sent.as_ref() != Some(key))
    {
        script.refused.fetch_add(1, Ordering::SeqCst);
        return StatusCode::UNAUTHORIZED.into_response();
    }
    if script.is_down.load(Ordering::SeqCst) {
        return StatusCode::BAD_REQUEST.into_response();
    }
    let inputs = match &request["input"] {
        Value::String(text) => vec![text.clone()],
        texts => serde_json::from_value(texts.clone()).unwrap(),
    };
    let data: Vec<Value> = inputs
        .iter()
        .enumerate()
        .map(|(index, text)| json!({"object": "embedding", "index": index, "embedding": topics_of(text)}))
        .collect();
    script.texts.lock().unwrap().extend(inputs);
    Json(json!({"object": "list", "model": request["model"], "data": data, "usage": {"total_tokens": 1}}))
        .into_response()
}

/// How much a text is about each topic, and a little about something else.
pub fn topics_of(text: &str) -> Vec<f32> {
    let text = text.to_lowercase();
    let topic = |words: &&[&str]| {
        if words.iter().any(|word| text.contains(word)) {
            1.0
        } else {
            0.0
        }
    };
    TOPICS.iter().map(topic).chain([0.1]).collect()
}
