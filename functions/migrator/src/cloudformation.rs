//! The handler's side of a custom resource.
//!
//! <https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/crpg-ref-requesttypes.html> and, for the answer,
//! <https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/crpg-ref-responses.html>

use std::time::Duration;

use reqwest::header::CONTENT_TYPE;
use reqwest::redirect::Policy;
use serde::{Deserialize, Serialize};

/// Always the same: another one would have CloudFormation delete the resource that was there before.
const PHYSICAL_ID: &str = "docent-schema";
/// The whole answer may have 4096 bytes.
const LONGEST_REASON: usize = 1000;
const PATIENCE: Duration = Duration::from_secs(10);

/// What CloudFormation asks for. Its properties are not read: they are there to change when the code does.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Request {
    /// What is to be done.
    #[serde(rename = "RequestType")]
    pub kind: Kind,
    /// Where the answer goes to. Whoever knows it may answer, so it is never shown.
    #[serde(rename = "ResponseURL")]
    response_url: String,
    stack_id: String,
    request_id: String,
    logical_resource_id: String,
}

/// What is to be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub enum Kind {
    /// The resource is new.
    Create,
    /// A property has changed.
    Update,
    /// The resource, or the whole stack, goes.
    Delete,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Answer<'a> {
    status: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    physical_resource_id: &'static str,
    stack_id: &'a str,
    request_id: &'a str,
    logical_resource_id: &'a str,
}

/// CloudFormation could not be told.
#[derive(Debug, thiserror::Error)]
pub enum AnswerError {
    /// The answer did not arrive.
    #[error("tell CloudFormation the outcome: {0}")]
    NotSent(#[from] reqwest::Error),
    /// It arrived, and was not accepted.
    #[error("tell CloudFormation the outcome: status {0}")]
    Refused(u16),
}

/// Tells CloudFormation that it is done, or why not.
///
/// # Errors
/// [`AnswerError`].
pub async fn answer(request: &Request, outcome: Result<(), String>) -> Result<(), AnswerError> {
    let answer = Answer {
        status: if outcome.is_ok() { "SUCCESS" } else { "FAILED" },
        reason: outcome
            .err()
            .map(|reason| reason.chars().take(LONGEST_REASON).collect()),
        physical_resource_id: PHYSICAL_ID,
        stack_id: &request.stack_id,
        request_id: &request.request_id,
        logical_resource_id: &request.logical_resource_id,
    };
    let client = reqwest::Client::builder()
        .timeout(PATIENCE)
        .redirect(Policy::none())
        .build()?;
    let call = client
        .put(&request.response_url)
        // The URL's signature is made for an empty one.
        .header(CONTENT_TYPE, "")
        .body(serde_json::json!(answer).to_string());
    let reply = call.send().await.map_err(reqwest::Error::without_url)?;
    if reply.status().is_success() {
        Ok(())
    } else {
        Err(AnswerError::Refused(reply.status().as_u16()))
    }
}
