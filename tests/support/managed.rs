//! A compiled function in a process of its own, and the runtime API that it asks for work, as Lambda's service has it:
//! every call of `next` is answered by one event, and who calls it often at once is given as many.
//! <https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html>

use std::collections::HashMap;
use std::process::Stdio;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use axum::Router;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::process::{Child, Command};
use tokio::sync::{mpsc, oneshot};
use uuid::Uuid;

use super::compiled;

/// How long an invocation may take, as the function is told.
const TIME: Duration = Duration::from_secs(90);

/// One process of a function. It ends with this.
pub struct Sandbox {
    service: Arc<Service>,
    events: mpsc::UnboundedSender<(Uuid, Value)>,
    _process: Child,
}

struct Service {
    waiting: tokio::sync::Mutex<mpsc::UnboundedReceiver<(Uuid, Value)>>,
    /// How many calls of `next` have no event yet.
    asking: AtomicUsize,
    /// How many events were handed over.
    handed: AtomicUsize,
    answers: Mutex<HashMap<Uuid, oneshot::Sender<Value>>>,
}

impl Sandbox {
    /// Starts a function with these variables and no others but those that Lambda sets.
    pub async fn start(function: &str, variables: &[(String, String)], at_once: Option<usize>) -> Self {
        let (events, waiting) = mpsc::unbounded_channel();
        let service = Arc::new(Service {
            waiting: tokio::sync::Mutex::new(waiting),
            asking: AtomicUsize::new(0),
            handed: AtomicUsize::new(0),
            answers: Mutex::default(),
        });
        let address = serve(service.clone()).await;
        let mut command = Command::new(compiled(function));
        command.env_clear().envs(variables.iter().cloned());
        for name in [
            "AWS_ENDPOINT_URL",
            "AWS_REGION",
            "AWS_ACCESS_KEY_ID",
            "AWS_SECRET_ACCESS_KEY",
        ] {
            command.env(name, super::service(name));
        }
        let set_by_lambda = [
            ("AWS_LAMBDA_RUNTIME_API", address.as_str()),
            ("AWS_LAMBDA_FUNCTION_NAME", function),
            ("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST"),
            ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "2048"),
            ("AWS_LAMBDA_LOG_GROUP_NAME", "test"),
            ("AWS_LAMBDA_LOG_STREAM_NAME", "test"),
        ];
        command.envs(set_by_lambda);
        if let Some(at_once) = at_once {
            command.env("AWS_LAMBDA_MAX_CONCURRENCY", at_once.to_string());
        }
        let process = command.stdout(Stdio::null()).kill_on_drop(true).spawn().unwrap();
        Self {
            service,
            events,
            _process: process,
        }
    }

    /// How many events it could be given at this moment.
    pub fn asking(&self) -> usize {
        self.service.asking.load(Ordering::SeqCst)
    }

    /// How many events it has been given.
    pub fn handed(&self) -> usize {
        self.service.handed.load(Ordering::SeqCst)
    }

    /// Has an event ready for the next call; its answer.
    pub async fn invoke(&self, event: Value) -> Value {
        let (id, (answer, answered)) = (Uuid::new_v4(), oneshot::channel());
        self.service.answers.lock().unwrap().insert(id, answer);
        self.events.send((id, event)).unwrap();
        answered.await.unwrap()
    }

    /// A request through API Gateway, with this id.
    pub async fn request(&self, id: &str, (method, path): (&str, &str), token: &str, body: Option<Value>) -> Value {
        let event = json!({
            "version": "2.0", "routeKey": "$default", "rawPath": path, "rawQueryString": "", "isBase64Encoded": false,
            "headers": {"host": "api.example.com", "authorization": format!("Bearer {token}"),
                "content-type": "application/json"},
            "requestContext": {
                "accountId": "123456789012", "apiId": "api", "domainName": "api.example.com", "domainPrefix": "api",
                "http": {"method": method, "path": path, "protocol": "HTTP/1.1", "sourceIp": "192.0.2.1",
                    "userAgent": "test"},
                "requestId": id, "routeKey": "$default", "stage": "$default",
                "time": "01/Jul/2025:12:00:00 +0000", "timeEpoch": 1_751_371_200_000_u64,
            },
            "body": body.map(|body| body.to_string()),
        });
        self.invoke(event).await
    }
}

async fn serve(service: Arc<Service>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let invocation = "/2018-06-01/runtime/invocation";
    let router = Router::new()
        .route(&format!("{invocation}/next"), get(next))
        .route(&format!("{invocation}/{{id}}/{{what}}"), post(answered))
        .with_state(service);
    tokio::spawn(async move { axum::serve(listener, router).await });
    address
}

async fn next(State(service): State<Arc<Service>>) -> Response {
    service.asking.fetch_add(1, Ordering::SeqCst);
    let (id, event) = service.waiting.lock().await.recv().await.unwrap();
    service.handed.fetch_add(1, Ordering::SeqCst);
    service.asking.fetch_sub(1, Ordering::SeqCst);
    let deadline = (SystemTime::now() + TIME)
        .duration_since(SystemTime::UNIX_EPOCH)
        .unwrap();
    let headers = [
        ("lambda-runtime-aws-request-id", id.to_string()),
        ("lambda-runtime-deadline-ms", deadline.as_millis().to_string()),
        (
            "lambda-runtime-invoked-function-arn",
            "arn:aws:lambda:us-east-1:123456789012:function:test".to_owned(),
        ),
    ];
    (headers, event.to_string()).into_response()
}

/// A response, or the error that there is none.
async fn answered(State(service): State<Arc<Service>>, Path((id, what)): Path<(Uuid, String)>, body: String) {
    assert_eq!(what, "response", "{body}");
    let answer = service
        .answers
        .lock()
        .unwrap()
        .remove(&id)
        .expect("an answer to an event that is under way");
    let _ = answer.send(serde_json::from_str(&body).unwrap());
}
