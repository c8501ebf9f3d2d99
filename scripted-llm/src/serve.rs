//! The HTTP side of the model.

use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use axum::{Json, Router};
use futures_util::stream;
use serde_json::Value;
use tokio::net::TcpListener;

use crate::{Call, Progress, Reply, Script, events};

#[expect(
    clippy::expect_used,
    reason = "without a port there is nothing a test could do but fail"
)]
pub(crate) async fn start(script: Arc<Script>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("the listener's address");
    let router = Router::new().route("/v1/messages", post(answer)).with_state(script);
    tokio::spawn(async move { axum::serve(listener, router).await });
    format!("http://{address}")
}

async fn answer(State(script): State<Arc<Script>>, headers: HeaderMap, Json(request): Json<Value>) -> Response {
    let reply = script.reply_to(&headers, &request);
    let number = script.note(Call {
        headers,
        request: request.clone(),
        reply: reply.clone(),
        begun: Instant::now(),
        progress: Progress::Open,
    });
    let watch = Watch {
        script,
        number,
        whole: false,
    };
    match reply {
        Reply::Quote => stream_of(events::quoting(&request), watch),
        Reply::Says(text) => stream_of(events::answer(&text(&request), &[], "end_turn"), watch),
        Reply::Events(events) => stream_of(events, watch),
        Reply::Cut(events) => cut_after(events, watch),
        Reply::Paced(events, pause) => paced(events, pause, watch),
        Reply::Body(content_type, body) => watch.done(([("content-type", content_type)], body).into_response()),
        Reply::Hang => std::future::pending().await,
        Reply::QuoteWhenAllowed(permits) => {
            if let Ok(permit) = permits.acquire().await {
                permit.forget();
            }
            stream_of(events::quoting(&request), watch)
        }
        Reply::Status(status, headers, body) => watch.done(status_of(status, headers, body)),
    }
}

fn status_of(status: u16, headers: Vec<(&'static str, String)>, body: String) -> Response {
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut response = (status, body).into_response();
    for (name, value) in headers {
        if let Ok(value) = HeaderValue::from_str(&value) {
            response.headers_mut().insert(name, value);
        }
    }
    response
}

/// Notes what becomes of a call: whole when told so, broken off when it is dropped before.
struct Watch {
    script: Arc<Script>,
    number: usize,
    whole: bool,
}

impl Watch {
    fn end(mut self) {
        self.whole = true;
    }

    fn done(self, response: Response) -> Response {
        self.end();
        response
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        let progress = if self.whole {
            Progress::Whole
        } else {
            Progress::BrokenOff
        };
        self.script.progressed(self.number, progress);
    }
}

fn stream_of(events: Vec<Value>, watch: Watch) -> Response {
    paced(events, Duration::ZERO, watch)
}

fn paced(events: Vec<Value>, pause: Duration, watch: Watch) -> Response {
    let pieces = events.into_iter();
    streamed(stream::unfold((pieces, watch), move |(mut pieces, watch)| async move {
        let Some(piece) = pieces.next() else {
            watch.end();
            return None;
        };
        if !pause.is_zero() {
            tokio::time::sleep(pause).await;
        }
        Some((Ok(line(&piece)), (pieces, watch)))
    }))
}

fn cut_after(events: Vec<Value>, watch: Watch) -> Response {
    let lines = events.into_iter().map(|event| Ok(line(&event)));
    let end = [Err(std::io::Error::other("cut"))];
    let pieces = lines.chain(end).collect::<Vec<_>>().into_iter();
    streamed(stream::unfold((pieces, watch), |(mut pieces, watch)| async move {
        pieces.next().map(|piece| (piece, (pieces, watch)))
    }))
}

fn line(event: &Value) -> Bytes {
    let kind = event["type"].as_str().unwrap_or("message");
    Bytes::from(format!("event: {kind}\ndata: {event}\n\n"))
}

fn streamed(pieces: impl futures_util::Stream<Item = std::io::Result<Bytes>> + Send + 'static) -> Response {
    ([("content-type", "text/event-stream")], Body::from_stream(pieces)).into_response()
}
