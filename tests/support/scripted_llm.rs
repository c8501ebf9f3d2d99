//! A language model that says what a test wants, over real HTTP in Anthropic's own wire format.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use axum::{Json, Router};
use futures_util::{StreamExt, stream};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::Semaphore;

/// What the model does with one request.
#[derive(Clone)]
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
    /// Answers 200 with this content type and body.
    Body(&'static str, String),
    /// Quotes, but only when the test gives a permit.
    QuoteWhenAllowed(Arc<Semaphore>),
    /// Never answers.
    Hang,
}

/// The scripted server.
pub struct ScriptedLlm {
    pub url: String,
    state: Arc<Script>,
}

#[derive(Default)]
struct Script {
    replies: Mutex<VecDeque<Reply>>,
    requests: Mutex<Vec<(HeaderMap, Value)>>,
}

impl ScriptedLlm {
    pub async fn start() -> Self {
        let state = Arc::new(Script::default());
        let router = Router::new()
            .route("/v1/messages", post(answer))
            .with_state(state.clone());
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { url, state }
    }

    /// The next request gets this reply; when none is left, the model quotes.
    pub fn then(&self, reply: Reply) -> &Self {
        self.state.replies.lock().unwrap().push_back(reply);
        self
    }

    pub fn calls(&self) -> usize {
        self.state.requests.lock().unwrap().len()
    }

    pub fn requests(&self) -> Vec<(HeaderMap, Value)> {
        self.state.requests.lock().unwrap().clone()
    }
}

async fn answer(State(script): State<Arc<Script>>, headers: HeaderMap, Json(request): Json<Value>) -> Response {
    script.requests.lock().unwrap().push((headers, request.clone()));
    let reply = script.replies.lock().unwrap().pop_front().unwrap_or(Reply::Quote);
    match reply {
        Reply::Quote => stream_of(events::quoting(&request), false),
        Reply::Says(text) => stream_of(events::answer(&text(&request), &[], "end_turn"), false),
        Reply::Events(events) => stream_of(events, false),
        Reply::Cut(events) => stream_of(events, true),
        Reply::Body(content_type, body) => ([("content-type", content_type)], body).into_response(),
        Reply::Hang => std::future::pending().await,
        Reply::QuoteWhenAllowed(permits) => {
            permits.acquire().await.unwrap().forget();
            stream_of(events::quoting(&request), false)
        }
        Reply::Status(status, headers, body) => {
            let mut response = (StatusCode::from_u16(status).unwrap(), body).into_response();
            for (name, value) in headers {
                response.headers_mut().insert(name, value.parse().unwrap());
            }
            response
        }
    }
}

fn stream_of(events: Vec<Value>, cut: bool) -> Response {
    let lines = events.into_iter().map(|event| {
        let kind = event["type"].as_str().unwrap_or("message").to_owned();
        Ok::<_, std::io::Error>(Bytes::from(format!("event: {kind}\ndata: {event}\n\n")))
    });
    let end = if cut {
        vec![Err(std::io::Error::other("cut"))]
    } else {
        vec![]
    };
    let body = Body::from_stream(stream::iter(lines.collect::<Vec<_>>()).chain(stream::iter(end)));
    ([("content-type", "text/event-stream")], body).into_response()
}

/// Events of a stream, as Anthropic sends them.
pub mod events {
    use super::{Value, json};

    /// A whole answer that cites the first block of the first passage of the request.
    pub fn quoting(request: &Value) -> Vec<Value> {
        let quote = first_block(request);
        let citation = json!({
            "type": "search_result_location", "cited_text": quote, "source": "s", "title": "t",
            "search_result_index": 0, "start_block_index": 0, "end_block_index": 1
        });
        answer(&format!("The documents say: {quote}"), &[citation], "end_turn")
    }

    fn first_block(request: &Value) -> String {
        let content = request["messages"][0]["content"]
            .as_array()
            .cloned()
            .unwrap_or_default();
        let block = content.iter().find(|block| block["type"] == "search_result");
        block
            .and_then(|block| block["content"][0]["text"].as_str())
            .unwrap_or_default()
            .to_owned()
    }

    /// An answer of one text block.
    pub fn answer(text: &str, citations: &[Value], stop_reason: &str) -> Vec<Value> {
        let mut events = vec![
            start(),
            json!({"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}}),
            json!({"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": text}}),
        ];
        events.extend(citations.iter().map(|citation| {
            json!({"type": "content_block_delta", "index": 0, "delta": {"type": "citations_delta", "citation": citation}})
        }));
        events.push(json!({"type": "content_block_stop", "index": 0}));
        events.extend(end(stop_reason));
        events
    }

    pub fn start() -> Value {
        json!({"type": "message_start", "message": {
            "id": "msg_1", "type": "message", "role": "assistant", "model": "claude-sonnet-4-5", "content": [],
            "stop_reason": null, "usage": {"input_tokens": 1000, "output_tokens": 1,
                "cache_read_input_tokens": 0, "cache_creation_input_tokens": 0}}})
    }

    pub fn end(stop_reason: &str) -> Vec<Value> {
        vec![
            json!({"type": "message_delta", "delta": {"stop_reason": stop_reason, "stop_sequence": null},
                   "usage": {"output_tokens": 100}}),
            json!({"type": "message_stop"}),
        ]
    }

    /// An error in the midst of a stream.
    pub fn error(kind: &str) -> Value {
        json!({"type": "error", "error": {"type": kind, "message": "as the test wants"}})
    }
}
