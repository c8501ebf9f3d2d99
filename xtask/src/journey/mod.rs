//! The main job, as a client sees it: register, load the sample documents, ask, poll, read the answer, ask again.

mod client;
mod documents;
pub(crate) mod logs;
mod show;

use std::path::Path;

use anyhow::{Context, Result, bail};
use serde_json::{Value, json};

use crate::{http, progress};
pub(crate) use client::User;
use client::{Client, poll};

/// What is asked about the samples.
const QUESTION: &str = "What happens to a question when the worker crashes in the middle of answering it?";

/// Goes the whole way. `fresh_cache` says that the first answer cannot come from the cache.
///
/// # Errors
/// Names the step that failed, with the server's answer.
pub(crate) fn run(base: &str, root: &Path, user: &User, fresh_cache: bool) -> Result<()> {
    progress::step("GET /ready", || ready(base))?;
    let client = progress::step("register the demo user", || Client::log_in(base, user))?;
    progress::step("load the sample documents", || documents::load(&client, root))?;
    let first = progress::step("POST /api/ask", || ask(&client))?;
    if fresh_cache && source(&first) != "llm" {
        bail!(
            "the first answer comes from {:?}, but this cache was empty",
            source(&first)
        );
    }
    show::answer(QUESTION, &first);
    let second = progress::step("POST /api/ask again", || ask(&client))?;
    if source(&second) != "cache" {
        bail!(
            "the second answer comes from {:?}, not from the cache: {second}",
            source(&second)
        );
    }
    if second["answer"] != first["answer"] {
        bail!("the cached answer differs from the first one: {second}");
    }
    Ok(())
}

fn ready(base: &str) -> Result<((), String)> {
    let body = http::get(&format!("{base}/ready"), &[])?.expect("GET /ready", &[200])?;
    Ok(((), format!("GET /ready: {}", body["dependencies"])))
}

/// Asks and waits for the answer; the body with the answer.
fn ask(client: &Client) -> Result<(Value, String)> {
    let reply = client.post("/api/ask", &json!({"query": QUESTION}))?;
    if reply.status == 200 {
        let text = format!("POST /api/ask: 200, answered at once from the {}", source(&reply.body));
        return Ok((reply.body, text));
    }
    let accepted = reply.expect("POST /api/ask", &[200, 202])?;
    let job = accepted["jobId"]
        .as_str()
        .with_context(|| format!("no jobId in {accepted}"))?;
    let path = format!("/api/ask/{job}");
    let body = poll(&format!("job {job}"), || {
        let body = client.get(&path)?.expect("GET /api/ask/{jobId}", &[200])?;
        Ok((!is_open(&body)).then_some(body))
    })?;
    if body["status"] != "completed" {
        bail!("the question was not answered: {body}");
    }
    Ok((body, "POST /api/ask: 202, polled until completed".to_owned()))
}

fn is_open(job: &Value) -> bool {
    ["queued", "active", "delayed"]
        .iter()
        .any(|status| job["status"] == *status)
}

fn source(body: &Value) -> &str {
    body["source"].as_str().unwrap_or_default()
}
