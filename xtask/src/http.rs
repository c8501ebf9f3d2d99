//! HTTP with JSON to services on this machine.

use std::sync::LazyLock;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use serde_json::Value;

/// Longer than any local answer takes; a call that hangs becomes an error.
pub(crate) const TIMEOUT: Duration = Duration::from_secs(20);

static AGENT: LazyLock<ureq::Agent> = LazyLock::new(|| {
    ureq::Agent::config_builder()
        .timeout_global(Some(TIMEOUT))
        // A status is a result here; the caller says which ones it expects.
        .http_status_as_error(false)
        // A proxy of the environment does not lead to this machine.
        .proxy(None)
        .build()
        .into()
});

/// A response: its status and its body as JSON (`null` if there is none).
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) body: Value,
}

impl Reply {
    /// The body, if the status is one of these.
    ///
    /// # Errors
    /// Names the call, the status and the body.
    pub(crate) fn expect(self, call: &str, statuses: &[u16]) -> Result<Value> {
        if statuses.contains(&self.status) {
            return Ok(self.body);
        }
        bail!("{call} answered {} instead of {statuses:?}: {}", self.status, self.body)
    }
}

/// `GET url`
pub(crate) fn get(url: &str, headers: &[(&str, &str)]) -> Result<Reply> {
    let mut request = AGENT.get(url);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    read(request.call().with_context(|| format!("GET {url}"))?)
}

/// `DELETE url`
pub(crate) fn delete(url: &str, headers: &[(&str, &str)]) -> Result<Reply> {
    let mut request = AGENT.delete(url);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    read(request.call().with_context(|| format!("DELETE {url}"))?)
}

/// `POST url` with JSON.
pub(crate) fn post(url: &str, headers: &[(&str, &str)], body: &Value) -> Result<Reply> {
    post_within(TIMEOUT, url, headers, body)
}

/// `POST url` with JSON, for calls that may take longer.
pub(crate) fn post_within(limit: Duration, url: &str, headers: &[(&str, &str)], body: &Value) -> Result<Reply> {
    let mut request = AGENT.post(url).config().timeout_global(Some(limit)).build();
    if !headers
        .iter()
        .any(|(name, _)| name.eq_ignore_ascii_case("content-type"))
    {
        request = request.header("content-type", "application/json");
    }
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    read(request.send(body.to_string()).with_context(|| format!("POST {url}"))?)
}

/// `POST url` with bytes of the type that the headers name.
pub(crate) fn post_bytes(url: &str, headers: &[(&str, &str)], body: &[u8]) -> Result<Reply> {
    let mut request = AGENT.post(url);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    read(request.send(body).with_context(|| format!("POST {url}"))?)
}

fn read(mut response: ureq::http::Response<ureq::Body>) -> Result<Reply> {
    let text = response.body_mut().read_to_string().context("read the response")?;
    // What is not JSON is kept as a string, so that an error message can show it.
    let body = match text.as_str() {
        "" => Value::Null,
        text => serde_json::from_str(text).unwrap_or_else(|_| Value::String(text.to_owned())),
    };
    Ok(Reply {
        status: response.status().as_u16(),
        body,
    })
}
