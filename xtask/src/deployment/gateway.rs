//! The HTTP function, invoked as API Gateway does: the emulator takes no routes from a template.

use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use serde_json::{Value, json};

use crate::interrupt;
use crate::stack::aws::Endpoint;
use crate::stack::lambda;

/// How long a job may take. The emulator starts a process for each function first.
const LIMIT: Duration = Duration::from_secs(60);
const POLL: Duration = Duration::from_millis(200);
/// Of the account that is made; it lives as long as the emulator.
const PASSWORD: &str = "correct horse battery staple 7";

/// A signed-in client.
#[derive(Debug)]
pub(super) struct Gateway<'a> {
    aws: &'a Endpoint,
    function: &'a str,
    /// The stored event, of which method, path and body are replaced.
    event: Value,
    authorization: Option<String>,
}

impl<'a> Gateway<'a> {
    /// Makes an account.
    ///
    /// # Errors
    /// If the function cannot be invoked, or refuses.
    pub(super) fn sign_up(root: &Path, aws: &'a Endpoint, function: &'a str) -> Result<Self> {
        let event = std::fs::read_to_string(root.join("events/health.json")).context("read events/health.json")?;
        let mut gateway = Self {
            aws,
            function,
            event: serde_json::from_str(&event).context("read events/health.json")?,
            authorization: None,
        };
        let account = json!({"email": "ada@docent.example", "password": PASSWORD, "name": "Ada"});
        let made = gateway.post("/api/auth/register", &account, &[201])?;
        let token = made["token"].as_str().context("no token in the answer")?;
        gateway.authorization = Some(format!("Bearer {token}"));
        Ok(gateway)
    }

    /// `POST path`; the body of the answer, if its status is one of these.
    pub(super) fn post(&self, path: &str, body: &Value, statuses: &[u64]) -> Result<Value> {
        self.call("POST", path, Some(body), statuses)
    }

    /// Reads `path` until its body is as wanted.
    pub(super) fn until(&self, path: &str, wanted: impl Fn(&Value) -> bool) -> Result<Value> {
        let start = Instant::now();
        loop {
            let body = self.call("GET", path, None, &[200])?;
            if wanted(&body) {
                return Ok(body);
            }
            if start.elapsed() > LIMIT {
                bail!("{path} is not done after {LIMIT:?}: {body}");
            }
            interrupt::sleep(POLL)?;
        }
    }

    fn call(&self, method: &str, path: &str, body: Option<&Value>, statuses: &[u64]) -> Result<Value> {
        let answer = lambda::invoke(self.aws, self.function, &self.event_of(method, path, body))?;
        let status = answer["statusCode"].as_u64();
        ensure!(
            status.is_some_and(|status| statuses.contains(&status)),
            "{method} {path} answered {answer}"
        );
        let text = answer["body"].as_str().unwrap_or_default();
        serde_json::from_str(text).with_context(|| format!("{method} {path} answered {answer}"))
    }

    fn event_of(&self, method: &str, path: &str, body: Option<&Value>) -> Value {
        let mut event = self.event.clone();
        event["rawPath"] = json!(path);
        event["requestContext"]["http"]["method"] = json!(method);
        event["requestContext"]["http"]["path"] = json!(path);
        if let Some(authorization) = &self.authorization {
            event["headers"]["authorization"] = json!(authorization);
        }
        if let Some(body) = body {
            event["headers"]["content-type"] = json!("application/json");
            event["body"] = json!(body.to_string());
        }
        event
    }
}
