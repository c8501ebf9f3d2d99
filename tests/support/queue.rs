//! A queue for one test, and what Lambda does with it: receive, hand over, delete what did not fail.

use aws_lambda_events::event::sqs::SqsEvent;
use aws_sdk_sqs::Client;
use aws_sdk_sqs::types::{MessageSystemAttributeName, QueueAttributeName};
use serde_json::{Map, Value, json};
use uuid::Uuid;
use worker::app::Worker;
use worker::batch;
use worker::invocation::{Deadline, Invocation};

/// A queue of its own.
pub struct TestQueue {
    client: Client,
    pub url: String,
}

impl TestQueue {
    pub async fn create() -> Self {
        let sdk = aws_config::defaults(aws_config::BehaviorVersion::latest()).load().await;
        let client = Client::new(&sdk);
        let name = format!("test-{}", Uuid::new_v4());
        let made = client
            .create_queue()
            .queue_name(name)
            .attributes(QueueAttributeName::VisibilityTimeout, "60")
            .send()
            .await
            .expect("create a queue");
        Self {
            client,
            url: made.queue_url.expect("a queue has a URL"),
        }
    }

    /// Up to ten visible messages as the event that Lambda would make of them.
    pub async fn receive(&self) -> SqsEvent {
        let received = self
            .client
            .receive_message()
            .queue_url(&self.url)
            .max_number_of_messages(10)
            .message_system_attribute_names(MessageSystemAttributeName::All)
            .message_attribute_names("All")
            .send()
            .await
            .unwrap();
        let records = received.messages.unwrap_or_default().into_iter().map(|message| {
            let system: Map<String, Value> = message
                .attributes
                .into_iter()
                .flatten()
                .map(|(name, value)| (name.as_str().to_owned(), value.into()))
                .collect();
            let own: Map<String, Value> = message
                .message_attributes
                .into_iter()
                .flatten()
                .map(|(name, value)| {
                    let value = json!({"stringValue": value.string_value, "dataType": value.data_type});
                    (name, value)
                })
                .collect();
            json!({
                "messageId": message.message_id,
                "receiptHandle": message.receipt_handle,
                "body": message.body,
                "attributes": system,
                "messageAttributes": own,
            })
        });
        event(records.collect())
    }

    /// Receives a batch, has it worked through, and deletes what was not reported as failed.
    pub async fn work_once(&self, worker: &Worker) {
        let event = self.receive().await;
        if !event.records.is_empty() {
            self.hand_over(worker, event).await;
        }
    }

    /// Has a batch that was received worked through, and deletes what was not reported as failed.
    pub async fn hand_over(&self, worker: &Worker, event: SqsEvent) {
        let receipts: Vec<(String, String)> = event
            .records
            .iter()
            .map(|record| {
                (
                    record.message_id.clone().unwrap(),
                    record.receipt_handle.clone().unwrap(),
                )
            })
            .collect();
        let failed: Vec<String> = batch::handle(worker, event, &invocation())
            .await
            .batch_item_failures
            .into_iter()
            .map(|failure| failure.item_identifier)
            .collect();
        for (id, receipt) in receipts {
            if !failed.contains(&id) {
                self.client
                    .delete_message()
                    .queue_url(&self.url)
                    .receipt_handle(receipt)
                    .send()
                    .await
                    .unwrap();
            }
        }
    }

    /// How many messages there are, seen and unseen.
    pub async fn len(&self) -> i64 {
        let names = [
            QueueAttributeName::ApproximateNumberOfMessages,
            QueueAttributeName::ApproximateNumberOfMessagesNotVisible,
            QueueAttributeName::ApproximateNumberOfMessagesDelayed,
        ];
        let answer = self
            .client
            .get_queue_attributes()
            .queue_url(&self.url)
            .set_attribute_names(Some(names.to_vec()))
            .send()
            .await
            .unwrap();
        let attributes = answer.attributes.unwrap_or_default();
        names
            .iter()
            .filter_map(|name| attributes.get(name))
            .map(|count| count.parse::<i64>().unwrap())
            .sum()
    }
}

/// The event of a batch with these records.
pub fn event(records: Vec<Value>) -> SqsEvent {
    serde_json::from_value(json!({ "Records": records })).unwrap()
}

/// An invocation without an end.
pub fn invocation() -> Invocation {
    Invocation {
        request_id: "test".to_owned(),
        deadline: Deadline::none(),
        segment: None,
    }
}
