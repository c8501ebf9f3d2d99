//! The people who ask: requests as API Gateway hands them to the HTTP function.

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use uuid::Uuid;

use super::{World, text};
use crate::history::{Asked, End};
use crate::lambda::Failure;

/// Somebody with an account.
#[derive(Debug, Clone)]
pub(crate) struct User {
    pub(crate) id: String,
    pub(crate) token: String,
}

/// A response.
#[derive(Debug)]
pub(crate) struct Answer {
    /// 502 if the function died, 504 if it was ended at its deadline: what API Gateway would say.
    pub(crate) status: u16,
    pub(crate) headers: Value,
    pub(crate) body: Value,
    /// From the moment a sandbox was free. Lambda would have started another.
    pub(crate) took: Duration,
}

impl World {
    /// One request.
    pub(crate) async fn call(&self, method: &str, path: &str, token: &str, body: Option<&Value>) -> Answer {
        let Ok(_lane) = self.lanes.acquire().await else {
            std::future::pending().await
        };
        let started = Instant::now();
        let reply = self.api.invoke(&request(method, path, token, body)).await;
        let took = started.elapsed();
        let (status, headers, body) = match reply {
            Ok(reply) => (
                reply["statusCode"]
                    .as_u64()
                    .and_then(|status| u16::try_from(status).ok()),
                reply["headers"].clone(),
                serde_json::from_str(reply["body"].as_str().unwrap_or_default()).unwrap_or(Value::Null),
            ),
            Err(Failure::TimedOut) => (Some(504), Value::Null, Value::Null),
            Err(Failure::Died | Failure::Error(_)) => (Some(502), Value::Null, Value::Null),
        };
        Answer {
            status: status.unwrap_or(502),
            headers,
            body,
            took,
        }
    }

    /// Asks a question of its own, as one of the users; its number in the history.
    pub(crate) async fn ask(&self, user: usize, token: &str) -> usize {
        let body = json!({"query": format!("How long is the lease of a worker, {token}?")});
        self.ask_with(user, token, &body).await
    }

    /// Asks with a body of the scenario's own.
    pub(crate) async fn ask_with(&self, user: usize, token: &str, body: &Value) -> usize {
        let user = user % self.users.len().max(1);
        let at = Instant::now();
        let answer = self.call("POST", "/api/ask", &self.users[user].token, Some(body)).await;
        let job = (answer.status == 202).then(|| text(&answer.body["jobId"]));
        self.history.note(Asked {
            token: token.to_owned(),
            user,
            status: answer.status,
            took: answer.took,
            at,
            retry_after: answer.headers["retry-after"].as_str().map(str::to_owned),
            job,
            end: None,
            changed: false,
        })
    }

    /// The job of an accepted question as its owner sees it.
    pub(crate) async fn poll(&self, user: usize, job: &str) -> Answer {
        let token = self.users.get(user).map_or("", |user| &user.token);
        let answer = self.call("GET", &format!("/api/ask/{job}"), token, None).await;
        self.history.polled(answer.status, answer.took);
        answer
    }

    /// Polls every accepted question until all have ended, or the limit has passed; whether all have.
    pub(crate) async fn follow(&self, limit: Duration) -> bool {
        let end = Instant::now() + limit;
        loop {
            let open = self.history.open();
            if open.is_empty() {
                return true;
            }
            if Instant::now() > end {
                return false;
            }
            let looks = open.into_iter().map(|(number, user, job)| async move {
                let answer = self.poll(user, &job).await;
                if let Some(end) = End::of(&answer.body, answer.status) {
                    self.history.ended(number, end);
                }
            });
            futures_util::future::join_all(looks).await;
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }

    /// Looks once more at every ended question: what was final is to be what it was.
    pub(crate) async fn look_again(&self) {
        for (number, user, job) in self.history.finished() {
            let answer = self.poll(user, &job).await;
            match End::of(&answer.body, answer.status) {
                Some(end) => self.history.seen_again(number, &end),
                // A service that is away says nothing about the job.
                None if answer.status >= 500 => {}
                None => self.history.reopened(number),
            }
        }
    }
}

fn request(method: &str, path: &str, token: &str, body: Option<&Value>) -> Value {
    let mut headers = json!({"accept": "application/json", "host": "drill.example.com", "user-agent": "drill",
        "x-forwarded-for": "192.0.2.1", "x-forwarded-port": "443", "x-forwarded-proto": "https"});
    if !token.is_empty() {
        headers["authorization"] = json!(format!("Bearer {token}"));
    }
    if body.is_some() {
        headers["content-type"] = json!("application/json");
    }
    json!({
        "version": "2.0",
        "routeKey": "$default",
        "rawPath": path,
        "rawQueryString": "",
        "headers": headers,
        "requestContext": {
            "accountId": "123456789012", "apiId": "drill", "domainName": "drill.example.com", "domainPrefix": "drill",
            "http": {"method": method, "path": path, "protocol": "HTTP/1.1", "sourceIp": "192.0.2.1", "userAgent": "drill"},
            "requestId": Uuid::new_v4().to_string(), "routeKey": "$default", "stage": "$default",
            "time": "01/Jul/2025:12:00:00 +0000", "timeEpoch": 1_751_371_200_000_u64,
        },
        "body": body.map(Value::to_string),
        "isBase64Encoded": false,
    })
}
