//! Lambda's events of queues and streams; only what is read here is named.

use std::collections::HashMap;

use serde::Deserialize;
use serde_json::Value;

#[derive(Deserialize)]
pub(super) struct QueueEvent {
    #[serde(rename = "Records")]
    pub(super) records: Vec<QueueRecord>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct QueueRecord {
    pub(super) message_id: String,
    pub(super) body: String,
    #[serde(default)]
    pub(super) attributes: HashMap<String, String>,
    #[serde(default)]
    pub(super) message_attributes: HashMap<String, MessageAttribute>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct MessageAttribute {
    pub(super) string_value: Option<String>,
}

impl QueueRecord {
    pub(super) fn group(&self) -> Option<&str> {
        self.attributes.get("MessageGroupId").map(String::as_str)
    }

    /// The outbox's id of the message when it came through the relay, else SQS's own.
    pub(super) fn identity(&self) -> &str {
        self.message_attributes
            .get("message_id")
            .and_then(|a| a.string_value.as_deref())
            .unwrap_or(&self.message_id)
    }
}

#[derive(Deserialize)]
pub(super) struct StreamEvent {
    #[serde(rename = "Records")]
    pub(super) records: Vec<StreamEventRecord>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct StreamEventRecord {
    pub(super) event_name: String,
    #[serde(rename = "eventSourceARN")]
    pub(super) event_source_arn: String,
    pub(super) dynamodb: Change,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Change {
    pub(super) sequence_number: String,
    pub(super) new_image: Option<Value>,
    pub(super) old_image: Option<Value>,
}

impl StreamEventRecord {
    /// `arn:aws:dynamodb:…:table/NAME/stream/…`.
    pub(super) fn table(&self) -> &str {
        self.event_source_arn.split(":table/").nth(1).and_then(|r| r.split('/').next()).unwrap_or_default()
    }
}
