//! The HTTP side of the Lambda service, towards its sandboxes. Each has a path of its own, so that it is known which
//! one asks.

use std::sync::Arc;

use anyhow::{Context, Result};
use axum::Router;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use uuid::Uuid;

use super::{Failure, Idle, Number, Parts, epoch_milliseconds};

/// Starts the server; its address as `host:port`.
pub(super) async fn serve(parts: Arc<Parts>) -> Result<(String, JoinHandle<()>)> {
    let listener = TcpListener::bind("127.0.0.1:0").await.context("listen")?;
    let address = listener.local_addr().context("listen")?.to_string();
    let invocation = "/{sandbox}/2018-06-01/runtime/invocation";
    let router = Router::new()
        .route(&format!("{invocation}/next"), get(next))
        .route(&format!("{invocation}/{{id}}/response"), post(response))
        .route(&format!("{invocation}/{{id}}/error"), post(error))
        .route("/{sandbox}/2018-06-01/runtime/init/error", post(init_error))
        .with_state(parts);
    let server = tokio::spawn(async move {
        // It serves until it is dropped.
        let _ = axum::serve(listener, router).await;
    });
    Ok((address, server))
}

async fn next(State(parts): State<Arc<Parts>>, Path(sandbox): Path<Number>) -> Response {
    let (give, work) = oneshot::channel();
    if parts.idle.send(Idle { sandbox, give }).is_err() {
        return StatusCode::GONE.into_response();
    }
    let Ok(work) = work.await else {
        return StatusCode::GONE.into_response();
    };
    let headers = [
        ("content-type", "application/json".to_owned()),
        ("lambda-runtime-aws-request-id", work.id.to_string()),
        (
            "lambda-runtime-deadline-ms",
            epoch_milliseconds(work.deadline).to_string(),
        ),
        (
            "lambda-runtime-invoked-function-arn",
            "arn:aws:lambda:us-east-1:000000000000:function:drill".to_owned(),
        ),
    ];
    (headers, work.event).into_response()
}

async fn response(State(parts): State<Arc<Parts>>, Path((_, id)): Path<(Number, Uuid)>, body: Bytes) -> StatusCode {
    parts.answered(id, Ok(value(&body)));
    StatusCode::ACCEPTED
}

async fn error(State(parts): State<Arc<Parts>>, Path((_, id)): Path<(Number, Uuid)>, body: Bytes) -> StatusCode {
    parts.answered(id, Err(Failure::Error(value(&body))));
    StatusCode::ACCEPTED
}

/// The process ends by itself after it has said this; its log holds the reason.
async fn init_error() -> StatusCode {
    StatusCode::ACCEPTED
}

/// The runtime does not always say that it sends JSON.
fn value(body: &[u8]) -> Value {
    serde_json::from_slice(body).unwrap_or(Value::Null)
}
