//! Queues and topics.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;

use super::{All, Declared};
use crate::error::TemplateError;
use crate::model::{Queue, Redrive, Subscription, Topic};
use crate::values::{flag, number};

/// SQS's defaults, in seconds: `VisibilityTimeout` 30, `MessageRetentionPeriod` four days.
const VISIBILITY_S: u32 = 30;
const RETENTION_S: u32 = 4 * 24 * 3600;

#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct QueueProperties {
    #[serde(deserialize_with = "flag")]
    fifo_queue: bool,
    #[serde(deserialize_with = "flag")]
    content_based_deduplication: bool,
    deduplication_scope: Option<String>,
    fifo_throughput_limit: Option<String>,
    #[serde(deserialize_with = "number")]
    visibility_timeout: Option<u32>,
    #[serde(deserialize_with = "number")]
    delay_seconds: Option<u32>,
    #[serde(deserialize_with = "number")]
    message_retention_period: Option<u32>,
    #[serde(deserialize_with = "number")]
    receive_message_wait_time_seconds: Option<u32>,
    #[serde(deserialize_with = "number")]
    maximum_message_size: Option<u32>,
    redrive_policy: Option<Value>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RedrivePolicy {
    dead_letter_target_arn: String,
    #[serde(deserialize_with = "number")]
    max_receive_count: Option<u32>,
}

pub(super) fn queues(all: &All<'_>) -> Result<Vec<Queue>, TemplateError> {
    all.of(&["AWS::SQS::Queue"]).map(|declared| queue(all, declared)).collect()
}

fn queue(all: &All<'_>, declared: &Declared<'_>) -> Result<Queue, TemplateError> {
    let properties: QueueProperties = declared.typed()?;
    // SQS compares the suffix as it is written.
    #[allow(clippy::case_sensitive_file_extension_comparisons)]
    if properties.fifo_queue != declared.name.ends_with(".fifo") {
        return Err(declared.error("a FIFO queue's name ends with .fifo, and no other's does"));
    }
    let redrive = match &properties.redrive_policy {
        // The policy may be written as JSON text.
        Some(Value::String(text)) => {
            let value: Value =
                serde_json::from_str(text).map_err(|e| declared.error(format!("RedrivePolicy: {e}")))?;
            Some(declared.typed_part::<RedrivePolicy>(&value)?)
        }
        Some(value) => Some(declared.typed_part::<RedrivePolicy>(value)?),
        None => None,
    };
    Ok(Queue {
        logical_id: declared.logical_id(),
        stack: declared.stack_name(),
        name: declared.name.clone(),
        arn: declared.arn.clone(),
        url: declared.reference(all.world)?,
        fifo: properties.fifo_queue,
        content_deduplication: properties.content_based_deduplication,
        deduplication_scope: properties.deduplication_scope,
        throughput_limit: properties.fifo_throughput_limit,
        visibility_s: properties.visibility_timeout.unwrap_or(VISIBILITY_S),
        delay_s: properties.delay_seconds.unwrap_or(0),
        retention_s: properties.message_retention_period.unwrap_or(RETENTION_S),
        wait_s: properties.receive_message_wait_time_seconds.unwrap_or(0),
        max_message_bytes: properties.maximum_message_size,
        redrive: redrive.map(|policy| Redrive {
            target_arn: policy.dead_letter_target_arn,
            max_receives: policy.max_receive_count.unwrap_or(10),
        }),
    })
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct TopicProperties {
    #[serde(deserialize_with = "flag")]
    fifo_topic: bool,
    subscription: Vec<SubscriptionProperties>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct SubscriptionProperties {
    topic_arn: String,
    protocol: String,
    endpoint: String,
    filter_policy: Option<Value>,
    #[serde(deserialize_with = "flag")]
    raw_message_delivery: bool,
}

impl From<SubscriptionProperties> for Subscription {
    fn from(properties: SubscriptionProperties) -> Self {
        Self {
            protocol: properties.protocol,
            endpoint: properties.endpoint,
            filter: properties.filter_policy,
            raw: properties.raw_message_delivery,
        }
    }
}

pub(super) fn topics(all: &All<'_>) -> Result<Vec<Topic>, TemplateError> {
    let mut separate: BTreeMap<String, Vec<Subscription>> = BTreeMap::new();
    for declared in all.of(&["AWS::SNS::Subscription"]) {
        let properties: SubscriptionProperties = declared.typed()?;
        separate.entry(properties.topic_arn.clone()).or_default().push(properties.into());
    }
    all.of(&["AWS::SNS::Topic"])
        .map(|declared| {
            let properties: TopicProperties = declared.typed()?;
            let mut subscriptions: Vec<Subscription> =
                properties.subscription.into_iter().map(Into::into).collect();
            subscriptions.extend(separate.remove(&declared.arn).unwrap_or_default());
            Ok(Topic {
                logical_id: declared.logical_id(),
                stack: declared.stack_name(),
                name: declared.name.clone(),
                arn: declared.arn.clone(),
                fifo: properties.fifo_topic,
                subscriptions,
            })
        })
        .collect()
}
