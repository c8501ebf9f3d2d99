//! The emulator's SQS as the Lambda service uses it: past all proxies, in its JSON protocol.

use anyhow::{Context, Result, bail};
use reqwest::Client;
use serde_json::{Value, json};

/// The region of every resource of the emulator.
pub(crate) const REGION: &str = "us-east-1";
/// A message is given up after this many receives; the template's `maxReceiveCount`.
pub(crate) const MAX_RECEIVES: u32 = 5;
/// The template's visibility timeout: six times the worker's timeout.
const VISIBILITY_SECONDS: u32 = 540;
/// How long a call waits for messages.
const WAIT_SECONDS: u32 = 1;

/// A queue.
#[derive(Debug, Clone)]
pub(crate) struct Queue {
    http: Client,
    endpoint: String,
    pub(crate) url: String,
    arn: String,
}

impl Queue {
    /// Creates a queue and its dead-letter queue.
    pub(crate) async fn with_dead_letters(endpoint: &str, name: &str) -> Result<(Self, Self)> {
        let dead = Self::create(endpoint, &format!("{name}-dead-letters"), &json!({})).await?;
        let redrive = json!({"deadLetterTargetArn": dead.arn, "maxReceiveCount": MAX_RECEIVES}).to_string();
        let attributes = json!({"VisibilityTimeout": VISIBILITY_SECONDS.to_string(), "RedrivePolicy": redrive});
        Ok((Self::create(endpoint, name, &attributes).await?, dead))
    }

    async fn create(endpoint: &str, name: &str, attributes: &Value) -> Result<Self> {
        let mut queue = Self {
            http: Client::new(),
            endpoint: endpoint.to_owned(),
            url: String::new(),
            arn: String::new(),
        };
        let wanted = json!({"QueueName": name, "Attributes": attributes});
        queue.url = text(&queue.call("CreateQueue", &wanted).await?, "/QueueUrl")?;
        let wanted = json!({"QueueUrl": queue.url, "AttributeNames": ["QueueArn"]});
        queue.arn = text(
            &queue.call("GetQueueAttributes", &wanted).await?,
            "/Attributes/QueueArn",
        )?;
        Ok(queue)
    }

    /// Up to ten messages as records of Lambda's SQS event.
    pub(crate) async fn receive(&self) -> Result<Vec<Value>> {
        let wanted = json!({
            "QueueUrl": self.url,
            "MaxNumberOfMessages": 10,
            "WaitTimeSeconds": WAIT_SECONDS,
            "AttributeNames": ["All"],
            "MessageAttributeNames": ["All"],
        });
        let received = self.call("ReceiveMessage", &wanted).await?;
        let messages = received["Messages"].as_array().cloned().unwrap_or_default();
        Ok(messages.iter().map(|message| self.record(message)).collect())
    }

    fn record(&self, message: &Value) -> Value {
        json!({
            "messageId": message["MessageId"],
            "receiptHandle": message["ReceiptHandle"],
            "body": message["Body"],
            "md5OfBody": message["MD5OfBody"],
            "attributes": message["Attributes"],
            "messageAttributes": attributes(&message["MessageAttributes"]),
            "eventSource": "aws:sqs",
            "eventSourceARN": self.arn,
            "awsRegion": REGION,
        })
    }

    /// Deletes a received message.
    pub(crate) async fn delete(&self, record: &Value) -> Result<()> {
        let wanted = json!({"QueueUrl": self.url, "ReceiptHandle": record["receiptHandle"]});
        self.call("DeleteMessage", &wanted).await.map(drop)
    }

    async fn call(&self, action: &str, body: &Value) -> Result<Value> {
        let credential = format!("Credential=test/20260101/{REGION}/sqs/aws4_request");
        let request = self
            .http
            .post(&self.endpoint)
            .header("content-type", "application/x-amz-json-1.0")
            .header("x-amz-target", format!("AmazonSQS.{action}"))
            .header(
                "authorization",
                format!("AWS4-HMAC-SHA256 {credential}, SignedHeaders=host, Signature=0"),
            )
            .body(body.to_string());
        let reply = request.send().await.with_context(|| format!("SQS {action}"))?;
        let status = reply.status();
        let text = reply.text().await.with_context(|| format!("SQS {action}"))?;
        if !status.is_success() {
            bail!("SQS {action}: {status} {text}");
        }
        Ok(serde_json::from_str(&text).unwrap_or(Value::Null))
    }
}

/// A message's own attributes, whose members Lambda writes with a small first letter.
fn attributes(of_sqs: &Value) -> Value {
    let attributes = of_sqs.as_object().into_iter().flatten().map(|(name, value)| {
        let members = json!({"stringValue": value["StringValue"], "dataType": value["DataType"]});
        (name.clone(), members)
    });
    Value::Object(attributes.collect())
}

fn text(body: &Value, pointer: &str) -> Result<String> {
    let text = body.pointer(pointer).and_then(Value::as_str);
    Ok(text.with_context(|| format!("no {pointer} in {body}"))?.to_owned())
}
