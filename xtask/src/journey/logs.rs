//! What the functions logged on the journey: findable by request and job, and nothing of a user's.

use std::path::Path;

use anyhow::{Context, Result, bail, ensure};
use serde_json::Value;

use super::{QUESTION, User};
use crate::place::Place;
use crate::secrets;

/// Looks through the logs of the functions.
///
/// # Errors
/// If a line cannot be traced to its request or job, or holds what must not be in a log.
pub(crate) fn check(place: &Place) -> Result<()> {
    let user = User::demo(&place.dir)?;
    let secrets = ["jwt_secret", "postgres_password", "functions_password"]
        .map(|name| secrets::get_or_make(&place.dir, name))
        .into_iter()
        .collect::<Result<Vec<String>>>()?;
    let mut forbidden = vec![QUESTION, &user.email, &user.password, "Bearer "];
    forbidden.extend(secrets.iter().map(String::as_str));
    let api = entries(&place.log("api"), &forbidden)?;
    // The emulator runs the worker and writes down what it prints.
    let worker = entries(&place.log("aws-emulator"), &forbidden)?;
    ensure!(
        api.iter()
            .any(|entry| entry["route"] == "/api/ask" && entry["CacheHits"] == 1 && has(entry, "request_id")),
        "the api logged no answer from the cache with its metric and the request's id"
    );
    ensure!(
        worker
            .iter()
            .any(|entry| entry["JobsCompleted"] == 1 && has(entry, "request_id") && has(entry, "job_id")),
        "the worker logged no completed job with its metric and the ids of job and request"
    );
    ensure!(
        api.iter()
            .any(|asked| asked["outcome"] == "accepted" && worker.iter().any(|job| is_caused_by(job, asked))),
        "no job is in the trace of the request that it was accepted by: the message's attributes got lost"
    );
    let janitor = entries(&place.log("janitor"), &forbidden)?;
    ensure!(
        janitor
            .iter()
            .any(|entry| entry["message"] == "sweep" && has(entry, "request_id")),
        "the janitor logged no sweep"
    );
    Ok(())
}

/// The log's lines that are JSON; among them are all that the functions wrote.
fn entries(log: &Path, forbidden: &[&str]) -> Result<Vec<Value>> {
    let text = std::fs::read_to_string(log).with_context(|| format!("read {}", log.display()))?;
    if forbidden.iter().any(|secret| text.contains(secret)) {
        bail!("{} holds a secret or the question", log.display());
    }
    Ok(text
        .lines()
        .filter_map(|line| serde_json::from_str(line).ok())
        .collect())
}

fn is_caused_by(job: &Value, request: &Value) -> bool {
    has(job, "trace_id") && ["job_id", "trace_id"].iter().all(|id| job[*id] == request[*id])
}

fn has(entry: &Value, id: &str) -> bool {
    entry[id].as_str().is_some_and(|id| !id.is_empty())
}
