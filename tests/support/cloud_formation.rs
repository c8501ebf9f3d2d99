//! The bucket to which a custom resource answers, over real HTTP.

use std::sync::{Arc, Mutex};

use axum::Router;
use axum::extract::State;
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::put;
use serde_json::{Value, json};
use tokio::net::TcpListener;

/// Takes answers.
pub struct CloudFormation {
    url: String,
    answers: Arc<Mutex<Vec<Value>>>,
}

impl CloudFormation {
    pub async fn start() -> Self {
        let answers = Arc::<Mutex<Vec<Value>>>::default();
        let router = Router::new().route("/answer", put(take)).with_state(answers.clone());
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/answer?signature=swordfish", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { url, answers }
    }

    /// What it sends to the function of a custom resource.
    pub fn event(&self, kind: &str) -> Value {
        json!({
            "RequestType": kind, "ResponseURL": self.url, "StackId": "the-stack", "RequestId": "the-request",
            "LogicalResourceId": "Migrations", "ResourceType": "Custom::Migrations",
            "ResourceProperties": {"ServiceToken": "arn", "Code": "arn:1", "After": ["", ""]},
        })
    }

    /// All answers so far.
    pub fn answers(&self) -> Vec<Value> {
        self.answers.lock().unwrap().clone()
    }
}

/// The signature of the real one's URL is made for an empty type.
async fn take(State(answers): State<Arc<Mutex<Vec<Value>>>>, headers: HeaderMap, body: String) -> StatusCode {
    if headers.get(CONTENT_TYPE).is_none_or(|kind| !kind.is_empty()) {
        return StatusCode::FORBIDDEN;
    }
    answers.lock().unwrap().push(serde_json::from_str(&body).unwrap());
    StatusCode::OK
}
