use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::{page, queue_of};
use crate::error::QueueError;
use crate::queues::Queues;
use crate::settings::Settings;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct CreateQueue {
    #[serde(default)]
    queue_name: String,
    #[serde(default)]
    attributes: BTreeMap<String, String>,
    #[serde(default, alias = "tags")]
    tags: BTreeMap<String, String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct QueueName {
    #[serde(default)]
    queue_name: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct QueueUrl {
    #[serde(default)]
    queue_url: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct ListQueues {
    #[serde(default)]
    queue_name_prefix: String,
    max_results: Option<i64>,
    next_token: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct GetQueueAttributes {
    #[serde(default)]
    queue_url: String,
    #[serde(default)]
    attribute_names: Vec<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct SetQueueAttributes {
    #[serde(default)]
    queue_url: String,
    #[serde(default)]
    attributes: BTreeMap<String, String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct TagQueue {
    #[serde(default)]
    queue_url: String,
    #[serde(default)]
    tags: BTreeMap<String, String>,
    #[serde(default)]
    tag_keys: Vec<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct ListDeadLetterSourceQueues {
    #[serde(default)]
    queue_url: String,
    max_results: Option<i64>,
    next_token: Option<String>,
}

/// Attributes that a queue shows but does not take.
const READ_ONLY: [&str; 6] = [
    "QueueArn",
    "ApproximateNumberOfMessages",
    "ApproximateNumberOfMessagesNotVisible",
    "ApproximateNumberOfMessagesDelayed",
    "CreatedTimestamp",
    "LastModifiedTimestamp",
];
/// Attributes that may be asked for and are only shown when set.
const SETTABLE: [&str; 15] = [
    "DelaySeconds",
    "MaximumMessageSize",
    "MessageRetentionPeriod",
    "Policy",
    "ReceiveMessageWaitTimeSeconds",
    "VisibilityTimeout",
    "RedrivePolicy",
    "RedriveAllowPolicy",
    "KmsMasterKeyId",
    "KmsDataKeyReusePeriodSeconds",
    "SqsManagedSseEnabled",
    "FifoQueue",
    "ContentBasedDeduplication",
    "DeduplicationScope",
    "FifoThroughputLimit",
];

impl Queues {
    fn url(&self, name: &str) -> String {
        let core = self.lock();
        format!("{}/{}/{name}", core.place.endpoint, core.place.account)
    }

    pub(super) fn create_queue(&self, input: CreateQueue) -> Result<Value, QueueError> {
        let now = self.now_ms();
        {
            let mut core = self.lock();
            if let Some(queue) = core.queues.get(&input.queue_name) {
                // Creating what exists is fine as long as nothing differs.
                if let Some(name) = queue.settings.differing(&input.attributes) {
                    return Err(QueueError::QueueNameExists(name.to_owned()));
                }
            } else {
                let settings = Settings::new(&input.queue_name, &input.attributes)?;
                core.check_redrive(&input.queue_name, &settings)?;
                core.save(&input.queue_name, settings, input.tags, now)?;
            }
        }
        Ok(json!({"QueueUrl": self.url(&input.queue_name)}))
    }

    pub(super) fn get_queue_url(&self, input: &QueueName) -> Result<Value, QueueError> {
        if !self.lock().queues.contains_key(&input.queue_name) {
            return Err(QueueError::QueueDoesNotExist);
        }
        Ok(json!({"QueueUrl": self.url(&input.queue_name)}))
    }

    pub(super) fn list_queues(&self, input: &ListQueues) -> Result<Value, QueueError> {
        let names =
            self.lock().queues.keys().filter(|n| n.starts_with(&input.queue_name_prefix)).cloned().collect();
        let (names, next) = page(names, input.max_results, input.next_token.as_deref())?;
        let mut answer = Map::new();
        if !names.is_empty() {
            answer.insert("QueueUrls".to_owned(), names.iter().map(|name| self.url(name)).collect());
        }
        answer.extend(next.map(|token| ("NextToken".to_owned(), Value::String(token))));
        Ok(Value::Object(answer))
    }

    pub(super) fn delete_queue(&self, input: &QueueUrl) -> Result<Value, QueueError> {
        self.lock().drop_queue(queue_of(&input.queue_url)?)?;
        Ok(Value::Null)
    }

    pub(super) fn purge_queue(&self, input: &QueueUrl) -> Result<Value, QueueError> {
        self.lock().purge(queue_of(&input.queue_url)?, true, self.now_ms())?;
        Ok(Value::Null)
    }

    pub(super) fn get_queue_attributes(&self, input: &GetQueueAttributes) -> Result<Value, QueueError> {
        let name = queue_of(&input.queue_url)?;
        let mut core = self.lock();
        let arn = core.arn(name);
        let queue = core.queue(name, self.now_ms())?;
        let mut all = queue.settings.raw().clone();
        all.extend(
            [
                ("QueueArn", arn),
                ("ApproximateNumberOfMessages", queue.visible().to_string()),
                ("ApproximateNumberOfMessagesNotVisible", queue.in_flight().to_string()),
                ("ApproximateNumberOfMessagesDelayed", queue.delayed().to_string()),
                ("CreatedTimestamp", queue.created_s.to_string()),
                ("LastModifiedTimestamp", queue.modified_s.to_string()),
            ]
            .map(|(name, value)| (name.to_owned(), value)),
        );
        let asked = &input.attribute_names;
        let known = |name: &str| name == "All" || READ_ONLY.contains(&name) || SETTABLE.contains(&name);
        if let Some(unknown) = asked.iter().find(|name| !known(name)) {
            return Err(QueueError::InvalidAttributeName(unknown.clone()));
        }
        if !asked.iter().any(|name| name == "All") {
            all.retain(|name, _| asked.contains(name));
        }
        Ok(if all.is_empty() { json!({}) } else { json!({"Attributes": all}) })
    }

    pub(super) fn set_queue_attributes(&self, input: &SetQueueAttributes) -> Result<Value, QueueError> {
        let name = queue_of(&input.queue_url)?;
        let now = self.now_ms();
        let mut core = self.lock();
        let queue = core.queue(name, now)?;
        let settings = queue.settings.with(&input.attributes)?;
        let tags = queue.tags.clone();
        if input.attributes.contains_key("RedrivePolicy") {
            core.check_redrive(name, &settings)?;
        }
        core.save(name, settings, tags, now)?;
        Ok(Value::Null)
    }

    pub(super) fn tag_queue(&self, input: TagQueue) -> Result<Value, QueueError> {
        self.change_tags(&input.queue_url, |tags| tags.extend(input.tags))
    }

    pub(super) fn untag_queue(&self, input: &TagQueue) -> Result<Value, QueueError> {
        self.change_tags(&input.queue_url, |tags| tags.retain(|key, _| !input.tag_keys.contains(key)))
    }

    fn change_tags(
        &self,
        url: &str,
        change: impl FnOnce(&mut BTreeMap<String, String>),
    ) -> Result<Value, QueueError> {
        let name = queue_of(url)?;
        let now = self.now_ms();
        let mut core = self.lock();
        let queue = core.queue(name, now)?;
        let mut tags = queue.tags.clone();
        let settings = queue.settings.clone();
        change(&mut tags);
        core.save(name, settings, tags, now)?;
        Ok(Value::Null)
    }

    pub(super) fn list_queue_tags(&self, input: &QueueUrl) -> Result<Value, QueueError> {
        let mut core = self.lock();
        let tags = &core.queue(queue_of(&input.queue_url)?, self.now_ms())?.tags;
        Ok(if tags.is_empty() { json!({}) } else { json!({"Tags": tags}) })
    }

    pub(super) fn list_dead_letter_source_queues(
        &self,
        input: &ListDeadLetterSourceQueues,
    ) -> Result<Value, QueueError> {
        let name = queue_of(&input.queue_url)?;
        let names = {
            let core = self.lock();
            if !core.queues.contains_key(name) {
                return Err(QueueError::QueueDoesNotExist);
            }
            let feeds = |settings: &Settings| settings.redrive.as_ref().is_some_and(|r| r.target() == name);
            core.queues.values().filter(|q| feeds(&q.settings)).map(|q| q.name.clone()).collect()
        };
        let (names, next) = page(names, input.max_results, input.next_token.as_deref())?;
        let urls: Vec<String> = names.iter().map(|name| self.url(name)).collect();
        // This one operation writes its list in lower case.
        let mut answer = json!({"queueUrls": urls});
        if let (Some(token), Some(fields)) = (next, answer.as_object_mut()) {
            fields.insert("NextToken".to_owned(), Value::String(token));
        }
        Ok(answer)
    }
}
