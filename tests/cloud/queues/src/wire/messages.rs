use std::collections::BTreeMap;
use std::time::Duration;

use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::attributes::{WireAttribute, from_wire, to_wire, wanted};
use super::queue_of;
use crate::core::Sent;
use crate::digest;
use crate::error::QueueError;
use crate::message::{AttributeData, Message, Outgoing};
use crate::queues::Queues;
use crate::settings::{DELAY_S_MAX, VISIBILITY_S_MAX, WAIT_S_MAX};

const RECEIVE_MAX: i64 = 10;

/// A message to be sent, alone or in a batch.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct WireMessage {
    #[serde(default)]
    message_body: String,
    delay_seconds: Option<i64>,
    #[serde(default)]
    message_attributes: BTreeMap<String, WireAttribute>,
    #[serde(default)]
    message_system_attributes: BTreeMap<String, WireAttribute>,
    message_deduplication_id: Option<String>,
    message_group_id: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct SendMessage {
    #[serde(default)]
    queue_url: String,
    #[serde(flatten)]
    message: WireMessage,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct ReceiveMessage {
    #[serde(default)]
    queue_url: String,
    /// The former name of `MessageSystemAttributeNames`.
    #[serde(default)]
    attribute_names: Vec<String>,
    #[serde(default)]
    message_system_attribute_names: Vec<String>,
    #[serde(default)]
    message_attribute_names: Vec<String>,
    max_number_of_messages: Option<i64>,
    visibility_timeout: Option<i64>,
    wait_time_seconds: Option<i64>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct DeleteMessage {
    #[serde(default)]
    queue_url: String,
    #[serde(default)]
    receipt_handle: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct ChangeMessageVisibility {
    #[serde(default)]
    queue_url: String,
    #[serde(default)]
    receipt_handle: String,
    visibility_timeout: Option<i64>,
}

impl WireMessage {
    pub(super) fn outgoing(self) -> Result<Outgoing, QueueError> {
        let delay_s = self.delay_seconds.map(|s| within("DelaySeconds", s, 0, DELAY_S_MAX)).transpose()?;
        let mut system = from_wire(self.message_system_attributes)?;
        let trace_header = match system.remove("AWSTraceHeader").map(|attribute| attribute.value) {
            Some(AttributeData::Text(text)) => Some(text),
            None => None,
            Some(AttributeData::Binary(_)) => {
                return Err(QueueError::InvalidParameterValue(
                    "AWSTraceHeader must be of type String.".to_owned(),
                ));
            }
        };
        if let Some(name) = system.keys().next() {
            return Err(QueueError::InvalidParameterValue(format!(
                "Message system attribute name '{name}' is invalid."
            )));
        }
        Ok(Outgoing {
            body: self.message_body,
            attributes: from_wire(self.message_attributes)?,
            trace_header,
            group: self.message_group_id,
            dedup: self.message_deduplication_id,
            delay_s: delay_s.and_then(|s| u32::try_from(s).ok()),
        })
    }
}

/// A number in its range, or the error that names both.
pub(super) fn within(name: &str, value: i64, min: i64, max: i64) -> Result<i64, QueueError> {
    if (min..=max).contains(&value) {
        return Ok(value);
    }
    Err(QueueError::InvalidParameterValue(format!(
        "Value {value} for parameter {name} is invalid. Reason: Must be between {min} and {max}, if provided."
    )))
}

/// The fields of an answer to a send.
pub(super) fn sent_fields(sent: Sent) -> Map<String, Value> {
    [
        ("MessageId", Some(sent.message_id)),
        ("MD5OfMessageBody", Some(sent.md5_of_body)),
        ("MD5OfMessageAttributes", sent.md5_of_attributes),
        ("MD5OfMessageSystemAttributes", sent.md5_of_system_attributes),
        ("SequenceNumber", sent.sequence_number),
    ]
    .into_iter()
    .filter_map(|(name, value)| Some((name.to_owned(), Value::String(value?))))
    .collect()
}

impl Queues {
    pub(super) fn send_message(&self, input: SendMessage) -> Result<Value, QueueError> {
        let sent = self.send_checked(queue_of(&input.queue_url)?, input.message.outgoing()?)?;
        Ok(Value::Object(sent_fields(sent)))
    }

    pub(super) async fn receive_message(&self, input: ReceiveMessage) -> Result<Value, QueueError> {
        let name = queue_of(&input.queue_url)?;
        let max = within("MaxNumberOfMessages", input.max_number_of_messages.unwrap_or(1), 1, RECEIVE_MAX)?;
        let seconds = |s: i64| Duration::from_secs(s.unsigned_abs());
        let visibility = input
            .visibility_timeout
            .map(|s| within("VisibilityTimeout", s, 0, VISIBILITY_S_MAX).map(seconds))
            .transpose()?;
        let wait = if let Some(s) = input.wait_time_seconds {
            seconds(within("WaitTimeSeconds", s, 0, WAIT_S_MAX)?)
        } else {
            let own_ms = self.lock().queue(name, self.now_ms())?.settings.wait_ms;
            Duration::from_millis(own_ms.unsigned_abs())
        };
        let max = usize::try_from(max).unwrap_or(1);
        let messages = self.receive(name, max, wait, visibility).await?;
        if messages.is_empty() {
            return Ok(json!({}));
        }
        let mut system = input.attribute_names;
        system.extend(input.message_system_attribute_names);
        let shown: Vec<Value> =
            messages.into_iter().map(|m| shown(m, &system, &input.message_attribute_names)).collect();
        Ok(json!({"Messages": shown}))
    }

    pub(super) fn delete_message(&self, input: &DeleteMessage) -> Result<Value, QueueError> {
        if input.receipt_handle.is_empty() {
            return Err(QueueError::MissingParameter("ReceiptHandle"));
        }
        self.delete(queue_of(&input.queue_url)?, &input.receipt_handle)?;
        Ok(Value::Null)
    }

    pub(super) fn change_message_visibility(
        &self,
        input: &ChangeMessageVisibility,
    ) -> Result<Value, QueueError> {
        if input.receipt_handle.is_empty() {
            return Err(QueueError::MissingParameter("ReceiptHandle"));
        }
        let seconds = input.visibility_timeout.ok_or(QueueError::MissingParameter("VisibilityTimeout"))?;
        let seconds = within("VisibilityTimeout", seconds, 0, VISIBILITY_S_MAX)?;
        let span = Duration::from_secs(seconds.unsigned_abs());
        self.change_visibility(queue_of(&input.queue_url)?, &input.receipt_handle, span)?;
        Ok(Value::Null)
    }
}

/// A message with the attributes that were asked for.
fn shown(mut message: Message, system: &[String], own: &[String]) -> Value {
    let all = system.iter().any(|name| name == "All");
    message.attributes.retain(|name, _| all || system.contains(name));
    message.message_attributes.retain(|name, _| wanted(own, name));
    let mut fields = json!({
        "MessageId": message.message_id,
        "ReceiptHandle": message.receipt_handle,
        "MD5OfBody": message.md5_of_body,
        "Body": message.body,
    });
    if let Some(fields) = fields.as_object_mut() {
        if !message.attributes.is_empty() {
            fields.insert("Attributes".to_owned(), json!(message.attributes));
        }
        // Over those that are shown, so that clients can verify it.
        if let Some(md5) = digest::attributes(&message.message_attributes) {
            fields.insert("MessageAttributes".to_owned(), json!(to_wire(&message.message_attributes)));
            fields.insert("MD5OfMessageAttributes".to_owned(), Value::String(md5));
        }
    }
    fields
}
