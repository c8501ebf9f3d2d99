//! A stand-in for an event source mapping: reads a queue, invokes a function through cargo-lambda, and deletes what it
//! has acknowledged. For the worker where an emulator cannot reach it, and for the janitor's dead-letter queue.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use anyhow::Result;
use serde_json::{Map, Value, json};

use super::aws::{Endpoint, Queue, REGION};
use crate::{http, progress};

/// A batch takes at most the function's timeout.
const LIMIT: Duration = Duration::from_secs(100);
/// The pause after a failed call.
const PAUSE: Duration = Duration::from_secs(1);
/// Seconds the emulator waits for messages: Ctrl-C waits no longer than that.
const WAIT_SECONDS: u32 = 1;

/// The running pump; dropping it ends it after the batch at hand.
#[derive(Debug)]
pub(crate) struct Pump {
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Pump {
    /// Starts to deliver the queue's messages to the function of this name at the invoke URL.
    pub(crate) fn start(function: &'static str, aws: &Endpoint, queue: &Queue, invoke: String) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let (aws, queue, stopped) = (aws.clone(), queue.clone(), stop.clone());
        let thread = std::thread::spawn(move || {
            while !stopped.load(Ordering::SeqCst) {
                let result = deliver(function, &aws, &queue, &invoke);
                if let (Err(error), false) = (result, stopped.load(Ordering::SeqCst)) {
                    progress::line(&format!("          {function}: {error:#}"));
                    std::thread::sleep(PAUSE);
                }
            }
        });
        Self {
            stop,
            thread: Some(thread),
        }
    }

    /// Takes no further messages.
    pub(crate) fn stop(&self) {
        self.stop.store(true, Ordering::SeqCst);
    }
}

impl Drop for Pump {
    fn drop(&mut self) {
        self.stop();
        if let Some(thread) = self.thread.take() {
            // A panic there has been printed.
            let _ = thread.join();
        }
    }
}

fn deliver(function: &str, aws: &Endpoint, queue: &Queue, invoke: &str) -> Result<()> {
    let wanted = json!({
        "QueueUrl": queue.url,
        "MaxNumberOfMessages": 10,
        "WaitTimeSeconds": WAIT_SECONDS,
        "AttributeNames": ["All"],
        "MessageAttributeNames": ["All"],
    });
    let received = aws.sqs("ReceiveMessage", &wanted)?;
    let Some(messages) = received
        .get("Messages")
        .and_then(Value::as_array)
        .filter(|all| !all.is_empty())
    else {
        return Ok(());
    };
    let records: Vec<Value> = messages.iter().map(|message| record(message, &queue.arn)).collect();
    // A failed invocation acknowledges nothing: its messages come again after their visibility timeout.
    let response = http::post_within(LIMIT, invoke, &[], &json!({"Records": records}))?.expect(function, &[200])?;
    for handle in acknowledged(messages, &response) {
        aws.sqs(
            "DeleteMessage",
            &json!({"QueueUrl": queue.url, "ReceiptHandle": handle}),
        )?;
    }
    Ok(())
}

/// A received message as a record of Lambda's SQS event.
fn record(message: &Value, queue_arn: &str) -> Value {
    json!({
        "messageId": message["MessageId"],
        "receiptHandle": message["ReceiptHandle"],
        "body": message["Body"],
        "md5OfBody": message["MD5OfBody"],
        "attributes": message["Attributes"],
        "messageAttributes": attributes(&message["MessageAttributes"]),
        "eventSource": "aws:sqs",
        "eventSourceARN": queue_arn,
        "awsRegion": REGION,
    })
}

/// A message's own attributes, whose members Lambda writes with a small first letter.
fn attributes(of_sqs: &Value) -> Value {
    let member = |(name, value): (&String, &Value)| {
        let mut letters = name.chars();
        let first = letters.next().map(|letter| letter.to_ascii_lowercase());
        (first.into_iter().chain(letters).collect(), value.clone())
    };
    let attribute = |(name, members): (&String, &Value)| {
        let members: Map<String, Value> = members.as_object().into_iter().flatten().map(member).collect();
        (name.clone(), Value::Object(members))
    };
    Value::Object(of_sqs.as_object().into_iter().flatten().map(attribute).collect())
}

/// The receipt handles of the messages that are not among the reported failures.
fn acknowledged<'a>(messages: &'a [Value], response: &Value) -> Vec<&'a str> {
    let failures = response.get("batchItemFailures").and_then(Value::as_array);
    let failed: Vec<&Value> = failures
        .into_iter()
        .flatten()
        .map(|failure| &failure["itemIdentifier"])
        .collect();
    let succeeded = messages
        .iter()
        .filter(|message| !failed.contains(&&message["MessageId"]));
    succeeded
        .filter_map(|message| message["ReceiptHandle"].as_str())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_messages_attributes_are_handed_on_in_lambdas_form() {
        let message = json!({
            "MessageId": "1",
            "Attributes": {"AWSTraceHeader": "Root=1", "MessageGroupId": "ada"},
            "MessageAttributes": {"traceparent": {"DataType": "String", "StringValue": "00-1-2-01"}},
        });
        let record = record(&message, "arn");
        let traceparent = json!({"dataType": "String", "stringValue": "00-1-2-01"});
        assert_eq!(record["messageAttributes"], json!({ "traceparent": traceparent }));
        assert_eq!(record["attributes"], message["Attributes"]);
        assert_eq!(super::record(&json!({}), "arn")["messageAttributes"], json!({}));
    }

    #[test]
    fn reported_failures_are_not_acknowledged() {
        let messages = [
            json!({"MessageId": "1", "ReceiptHandle": "a"}),
            json!({"MessageId": "2", "ReceiptHandle": "b"}),
        ];
        let one_failed = json!({"batchItemFailures": [{"itemIdentifier": "2"}]});
        assert_eq!(acknowledged(&messages, &one_failed), ["a"]);
        assert_eq!(acknowledged(&messages, &json!({"batchItemFailures": []})), ["a", "b"]);
        assert_eq!(acknowledged(&messages, &Value::Null), ["a", "b"]);
    }
}
