//! The few AWS calls that set up a local stack, as plain HTTP: an SDK would take minutes to compile. They carry no
//! valid signature, which an emulator does not ask for.

use std::time::Duration;

use anyhow::{Context, Result, bail};
use serde_json::{Value, json};

use crate::http::{self, Reply};

/// The region of every local resource.
pub(crate) const REGION: &str = "us-east-1";
/// A message is given up after this many receives. The functions know it as `QUEUE_MAX_RECEIVES`.
pub(crate) const MAX_RECEIVES: u32 = 5;
/// Seconds until a message that was not acknowledged is seen again; six times the function's timeout, as AWS advises.
const VISIBILITY_SECONDS: u32 = 540;

/// An AWS endpoint that is not AWS.
#[derive(Debug, Clone)]
pub(crate) struct Endpoint(String);

/// A queue by both of its names.
#[derive(Debug, Clone)]
pub(crate) struct Queue {
    pub(crate) url: String,
    pub(crate) arn: String,
}

impl Endpoint {
    /// Takes the URL of an emulator.
    ///
    /// # Errors
    /// If it is AWS itself, where these commands have no business.
    pub(crate) fn new(url: &str) -> Result<Self> {
        if url.contains("amazonaws.com") {
            bail!("AWS_ENDPOINT_URL is {url}; this command sets up emulators only, never an AWS account");
        }
        Ok(Self(url.trim_end_matches('/').to_owned()))
    }

    /// Its URL.
    pub(crate) fn url(&self) -> &str {
        &self.0
    }

    /// One SQS action.
    ///
    /// # Errors
    /// If it is refused, with the answer.
    pub(crate) fn sqs(&self, action: &str, body: &Value) -> Result<Value> {
        self.try_sqs(action, body)?.expect(&format!("SQS {action}"), &[200])
    }

    fn try_sqs(&self, action: &str, body: &Value) -> Result<Reply> {
        self.call(
            "sqs",
            "application/x-amz-json-1.0",
            &format!("AmazonSQS.{action}"),
            body,
        )
    }

    /// Writes a secret down under a name, for functions that are told the name alone.
    ///
    /// # Errors
    /// If it is refused, with the answer.
    pub(crate) fn put_parameter(&self, name: &str, value: &str) -> Result<()> {
        let body = json!({"Name": name, "Value": value, "Type": "SecureString", "Overwrite": true});
        self.call("ssm", "application/x-amz-json-1.1", "AmazonSSM.PutParameter", &body)?
            .expect("SSM PutParameter", &[200])
            .map(drop)
    }

    /// One call of a service that takes JSON, named by its target.
    fn call(&self, service: &str, content_type: &str, target: &str, body: &Value) -> Result<Reply> {
        let authorization = authorization(service);
        let headers = [
            ("content-type", content_type),
            ("x-amz-target", target),
            ("authorization", &authorization),
        ];
        http::post(&self.0, &headers, body)
    }

    /// One call of Lambda's API; the statuses of success are 200 to 202.
    ///
    /// # Errors
    /// If it is refused, with the answer.
    pub(crate) fn lambda(&self, path: &str, body: &Value) -> Result<Value> {
        self.lambda_within(http::TIMEOUT, path, body)
    }

    /// The same, for an invocation that may take longer.
    ///
    /// # Errors
    /// If it is refused, with the answer.
    pub(crate) fn lambda_within(&self, limit: Duration, path: &str, body: &Value) -> Result<Value> {
        let authorization = authorization("lambda");
        let url = format!("{}/2015-03-31/{path}", self.0);
        http::post_within(limit, &url, &[("authorization", &authorization)], body)?
            .expect(&format!("Lambda {path}"), &[200, 201, 202])
    }

    /// The queue and its dead-letter queue, both empty.
    ///
    /// # Errors
    /// If one cannot be made.
    pub(crate) fn queue_with_dead_letters(&self, name: &str) -> Result<(Queue, Queue)> {
        let dead_letters = self.queue(&format!("{name}-dead-letters"), &json!({}))?;
        let redrive = json!({"deadLetterTargetArn": dead_letters.arn, "maxReceiveCount": MAX_RECEIVES}).to_string();
        let attributes = json!({"VisibilityTimeout": VISIBILITY_SECONDS.to_string(), "RedrivePolicy": redrive});
        Ok((self.queue(name, &attributes)?, dead_letters))
    }

    fn queue(&self, name: &str, attributes: &Value) -> Result<Queue> {
        let reply = self.try_sqs("CreateQueue", &json!({"QueueName": name, "Attributes": attributes}))?;
        let is_new = reply.status == 200;
        // It is there with other attributes: an emulator that was running before.
        let reply = if is_new {
            reply.body
        } else {
            self.sqs("GetQueueUrl", &json!({"QueueName": name}))?
        };
        let url = text(&reply, "/QueueUrl")?;
        if !is_new && attributes.as_object().is_some_and(|attributes| !attributes.is_empty()) {
            self.sqs(
                "SetQueueAttributes",
                &json!({"QueueUrl": url, "Attributes": attributes}),
            )?;
        }
        // Messages of an earlier run name jobs that may be in no database any more.
        self.sqs("PurgeQueue", &json!({"QueueUrl": url}))?;
        let wanted = json!({"QueueUrl": url, "AttributeNames": ["QueueArn"]});
        let arn = text(&self.sqs("GetQueueAttributes", &wanted)?, "/Attributes/QueueArn")?;
        Ok(Queue { url, arn })
    }
}

fn authorization(service: &str) -> String {
    format!(
        "AWS4-HMAC-SHA256 Credential=test/20260101/{REGION}/{service}/aws4_request, SignedHeaders=host, Signature=0"
    )
}

fn text(body: &Value, pointer: &str) -> Result<String> {
    let text = body.pointer(pointer).and_then(Value::as_str);
    Ok(text.with_context(|| format!("no {pointer} in {body}"))?.to_owned())
}

#[cfg(test)]
mod tests {
    use super::Endpoint;

    #[test]
    fn aws_itself_is_refused() {
        assert!(Endpoint::new("https://sqs.us-east-1.amazonaws.com").is_err());
        assert_eq!(
            Endpoint::new("http://127.0.0.1:4566/").unwrap().url(),
            "http://127.0.0.1:4566"
        );
    }
}
