//! SQS: sends jobs on their way and puts received messages off.

use std::time::Duration;

use aws_sdk_sqs::error::DisplayErrorContext;
use aws_sdk_sqs::types::{
    MessageAttributeValue, MessageSystemAttributeNameForSends, MessageSystemAttributeValue, QueueAttributeName,
};

use crate::aws;
use crate::config::QueueConfig;
use crate::job_message::Envelope;
use crate::telemetry::trace::{Origin, TRACEPARENT, TRACESTATE, Trace};
use crate::telemetry::{Step, measures};

/// The longest time SQS lets a message wait before its first delivery.
const LONGEST_DELAY: Duration = Duration::from_secs(900);

/// The longest a call may take, all attempts together.
const PATIENCE: Duration = Duration::from_secs(4);

/// The job queue.
#[derive(Debug, Clone)]
pub struct Queue {
    client: aws_sdk_sqs::Client,
    url: String,
}

/// SQS did not do what it was asked.
#[derive(Debug, thiserror::Error)]
#[error("{action}: {cause}")]
pub struct QueueError {
    action: &'static str,
    cause: String,
}

impl Queue {
    /// Makes the client. It connects at its first call.
    pub async fn connect(config: &QueueConfig) -> Self {
        let sdk = aws::sdk(config.endpoint.as_deref(), PATIENCE).await;
        Self {
            client: aws_sdk_sqs::Client::new(&sdk),
            url: config.url.clone(),
        }
    }

    /// Sends a message on its way; it is delivered after `delay` (at most 15 minutes). The trace of the work at hand goes
    /// with it in its attributes, never in its body.
    ///
    /// # Errors
    /// [`QueueError`] if SQS did not accept the message. It may still have arrived: a job has to stand a second delivery.
    pub async fn send(&self, envelope: impl Into<Envelope>, delay: Duration) -> Result<(), QueueError> {
        let _timed = measures::timed(Step::Queue);
        let Envelope { message, group } = envelope.into();
        let (trace, segment) = match Origin::current() {
            Some(Origin { trace, segment }) => (trace, segment),
            None => (Trace::begin(), None),
        };
        let mut request = self
            .client
            .send_message()
            .queue_url(&self.url)
            .message_body(message.to_body())
            .message_group_id(group)
            .delay_seconds(whole_seconds(delay.min(LONGEST_DELAY)))
            .message_attributes(TRACEPARENT, attribute(&trace.traceparent())?);
        if let Some(state) = trace.tracestate() {
            request = request.message_attributes(TRACESTATE, attribute(state)?);
        }
        if let Some(segment) = segment {
            let name = MessageSystemAttributeNameForSends::AwsTraceHeader;
            request = request.message_system_attributes(name, system_attribute(segment.header().as_str())?);
        }
        request
            .send()
            .await
            .map(drop)
            .map_err(|error| failed("send message", error))
    }

    /// Makes a received message visible again after `delay`, whatever the queue's own visibility timeout is.
    ///
    /// # Errors
    /// [`QueueError`] if SQS refused; the message then comes back after the time that was set before.
    pub async fn defer(&self, receipt_handle: &str, delay: Duration) -> Result<(), QueueError> {
        let _timed = measures::timed(Step::Queue);
        self.client
            .change_message_visibility()
            .queue_url(&self.url)
            .receipt_handle(receipt_handle)
            .visibility_timeout(whole_seconds(delay))
            .send()
            .await
            .map(drop)
            .map_err(|error| failed("change message visibility", error))
    }

    /// Whether the queue answers.
    ///
    /// # Errors
    /// [`QueueError`] if it does not.
    pub async fn ping(&self) -> Result<(), QueueError> {
        self.client
            .get_queue_attributes()
            .queue_url(&self.url)
            .attribute_names(QueueAttributeName::QueueArn)
            .send()
            .await
            .map(drop)
            .map_err(|error| failed("get queue attributes", error))
    }
}

/// SQS counts in whole seconds. Rounded up: a message that comes back early would only have to be put off again.
fn whole_seconds(span: Duration) -> i32 {
    i32::try_from(span.as_millis().div_ceil(1000)).unwrap_or(i32::MAX)
}

fn attribute(value: &str) -> Result<MessageAttributeValue, QueueError> {
    let attribute = MessageAttributeValue::builder().data_type("String").string_value(value);
    attribute.build().map_err(|error| failed("write an attribute", error))
}

fn system_attribute(value: &str) -> Result<MessageSystemAttributeValue, QueueError> {
    let attribute = MessageSystemAttributeValue::builder();
    let attribute = attribute.data_type("String").string_value(value).build();
    attribute.map_err(|error| failed("write a system attribute", error))
}

fn failed(action: &'static str, error: impl std::error::Error) -> QueueError {
    QueueError {
        action,
        cause: DisplayErrorContext(error).to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seconds_are_rounded_up() {
        assert_eq!(whole_seconds(Duration::ZERO), 0);
        assert_eq!(whole_seconds(Duration::from_millis(1)), 1);
        assert_eq!(whole_seconds(Duration::from_secs(2)), 2);
    }
}
