use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use cloud_core::Millis;
use serde_json::{Value, json};

use crate::digest;

/// Place of a message in its queue: grows with every message of the machine, across restarts.
pub(crate) type Seq = i64;

/// Value of a message attribute.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AttributeData {
    /// `String`, `Number` and their custom types.
    Text(String),
    /// `Binary` and its custom types.
    Binary(Bytes),
}

/// A message attribute as the sender set it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MessageAttribute {
    /// `String`, `Number` or `Binary`, optionally with a custom label after a dot.
    pub data_type: String,
    /// The value, which fits the type.
    pub value: AttributeData,
}

impl MessageAttribute {
    /// A `String` attribute.
    pub fn string(value: impl Into<String>) -> Self {
        Self { data_type: "String".to_owned(), value: AttributeData::Text(value.into()) }
    }

    /// Bytes that count towards the limit of the message.
    pub(crate) fn size(&self) -> usize {
        let value = match &self.value {
            AttributeData::Text(text) => text.len(),
            AttributeData::Binary(bytes) => bytes.len(),
        };
        self.data_type.len() + value
    }
}

/// A message to be sent.
#[derive(Clone, Debug, Default)]
pub struct Outgoing {
    /// The text; at most the queue's `MaximumMessageSize` together with the attributes.
    pub body: String,
    /// Message attributes, at most ten.
    pub attributes: BTreeMap<String, MessageAttribute>,
    /// The `AWSTraceHeader` system attribute.
    pub trace_header: Option<String>,
    /// Message group; required by FIFO queues.
    pub group: Option<String>,
    /// Deduplication id; FIFO queues only, and not needed with content-based deduplication.
    pub dedup: Option<String>,
    /// Seconds until the message is visible, 0–900; the queue's own delay when absent. Standard queues only.
    pub delay_s: Option<u32>,
}

impl Outgoing {
    /// A message of this text and nothing else.
    pub fn text(body: impl Into<String>) -> Self {
        Self { body: body.into(), ..Self::default() }
    }

    /// Bytes that count towards the limit: body, and names, types and values of the attributes.
    pub(crate) fn size(&self) -> usize {
        self.body.len() + self.attributes.iter().map(|(name, a)| name.len() + a.size()).sum::<usize>()
    }
}

/// A received message, with everything that a Lambda event record needs.
#[derive(Clone, Debug)]
pub struct Message {
    /// Stays the same over all deliveries, and when the message moves to its dead-letter queue.
    pub message_id: String,
    /// Good for this delivery only.
    pub receipt_handle: String,
    /// The text.
    pub body: String,
    /// MD5 of the body in hexadecimal.
    pub md5_of_body: String,
    /// `ApproximateReceiveCount`, `SentTimestamp`, `ApproximateFirstReceiveTimestamp`, `SenderId`, and where they
    /// apply `MessageGroupId`, `MessageDeduplicationId`, `SequenceNumber`, `AWSTraceHeader`,
    /// `DeadLetterQueueSourceArn`.
    pub attributes: BTreeMap<String, String>,
    /// What the sender set.
    pub message_attributes: BTreeMap<String, MessageAttribute>,
}

impl Message {
    /// How often the message was received over all queues, this time included.
    #[must_use]
    pub fn receive_count(&self) -> u32 {
        self.attributes.get("ApproximateReceiveCount").and_then(|n| n.parse().ok()).unwrap_or(1)
    }

    /// The record that Lambda hands a function for this message.
    ///
    /// <https://docs.aws.amazon.com/lambda/latest/dg/with-sqs.html>
    #[must_use]
    pub fn lambda_record(&self, queue_arn: &str) -> Value {
        use base64::Engine as _;
        let attributes: serde_json::Map<String, Value> = self
            .message_attributes
            .iter()
            .map(|(name, attribute)| {
                let (field, value) = match &attribute.value {
                    AttributeData::Text(text) => ("stringValue", text.clone()),
                    AttributeData::Binary(bytes) => {
                        ("binaryValue", base64::engine::general_purpose::STANDARD.encode(bytes))
                    }
                };
                let value = json!({
                    field: value, "stringListValues": [], "binaryListValues": [], "dataType": attribute.data_type,
                });
                (name.clone(), value)
            })
            .collect();
        let mut record = json!({
            "messageId": self.message_id,
            "receiptHandle": self.receipt_handle,
            "body": self.body,
            "attributes": self.attributes,
            "messageAttributes": attributes,
            "md5OfBody": self.md5_of_body,
            "eventSource": "aws:sqs",
            "eventSourceARN": queue_arn,
            "awsRegion": queue_arn.split(':').nth(3).unwrap_or_default(),
        });
        if let (Some(md5), Some(fields)) =
            (digest::attributes(&self.message_attributes), record.as_object_mut())
        {
            fields.insert("md5OfMessageAttributes".to_owned(), Value::String(md5));
        }
        record
    }
}

/// What the sender fixed once and for all.
#[derive(Debug)]
pub(crate) struct Content {
    pub id: String,
    pub body: String,
    pub body_md5: String,
    pub attributes: BTreeMap<String, MessageAttribute>,
    pub trace_header: Option<String>,
    pub group: Option<String>,
    pub dedup: Option<String>,
}

/// Whether a message can be received.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Phase {
    Ready,
    Delayed { until: Millis },
    InFlight { since: Millis, until: Millis },
}

impl Phase {
    /// When the message turns visible by itself.
    pub fn due(self) -> Option<Millis> {
        match self {
            Self::Ready => None,
            Self::Delayed { until } | Self::InFlight { until, .. } => Some(until),
        }
    }
}

/// A message in a queue.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    pub seq: Seq,
    /// Where the message stands among those of a standard queue; differs from `seq` only when reordered on purpose.
    pub order: Seq,
    pub content: Arc<Content>,
    pub sent_ms: Millis,
    pub phase: Phase,
    /// Over all queues; what `ApproximateReceiveCount` shows.
    pub receives: u32,
    /// In this queue; what `maxReceiveCount` limits.
    pub receives_here: u32,
    pub first_received_ms: Option<Millis>,
    /// Of the latest receipt handle.
    pub nonce: u64,
    /// The queue that this message was dead-lettered from.
    pub dead_from_arn: Option<String>,
}

// First sequence number of the machine; SQS's have twenty digits.
const SEQUENCE_BASE: u64 = 10_000_000_000_000_000_000;

/// The sequence number of a FIFO message: twenty digits, growing.
pub(crate) fn sequence_number(seq: Seq) -> String {
    SEQUENCE_BASE.saturating_add(u64::try_from(seq).unwrap_or(0)).to_string()
}
