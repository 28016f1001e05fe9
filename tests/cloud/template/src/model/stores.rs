//! Tables, buckets and parameters.

use serde_json::Value;

use super::Cors;

/// A DynamoDB table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Table {
    /// Logical id.
    pub logical_id: String,
    /// Name of its stack.
    pub stack: String,
    /// Name.
    pub name: String,
    /// ARN.
    pub arn: String,
    /// Partition key.
    pub partition_key: KeyAttribute,
    /// Sort key.
    pub sort_key: Option<KeyAttribute>,
    /// Global secondary indexes.
    pub indexes: Vec<Index>,
    /// Stream view type, for example `NEW_AND_OLD_IMAGES`; `None` for no stream.
    pub stream: Option<String>,
    /// TTL attribute.
    pub ttl_attribute: Option<String>,
    /// Whether point-in-time recovery is on.
    pub recovery: bool,
}

/// An attribute of a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyAttribute {
    /// Name.
    pub name: String,
    /// `S`, `N` or `B`.
    pub kind: String,
}

/// A global secondary index.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Index {
    /// Name.
    pub name: String,
    /// Partition key.
    pub partition_key: KeyAttribute,
    /// Sort key.
    pub sort_key: Option<KeyAttribute>,
    /// `ALL`, `KEYS_ONLY` or `INCLUDE`.
    pub projection: String,
    /// Attributes of an `INCLUDE` projection.
    pub included: Vec<String>,
}

/// An S3 bucket.
#[derive(Clone, Debug, PartialEq)]
pub struct Bucket {
    /// Logical id.
    pub logical_id: String,
    /// Name of its stack.
    pub stack: String,
    /// Name.
    pub name: String,
    /// ARN.
    pub arn: String,
    /// Cross-origin rules.
    pub cors: Vec<Cors>,
    /// Notifications.
    pub notifications: Vec<Notification>,
    /// Whether events go to the default bus.
    pub eventbridge: bool,
    /// Lifecycle rules, as CloudFormation writes them.
    pub lifecycle: Vec<Value>,
    /// Whether versions are kept.
    pub versioning: bool,
}

/// A bucket's notification.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notification {
    /// Event types, for example `s3:ObjectCreated:*`.
    pub events: Vec<String>,
    /// ARN of a queue, topic or function.
    pub target_arn: String,
    /// Keys must begin with this.
    pub prefix: Option<String>,
    /// Keys must end with this.
    pub suffix: Option<String>,
}

/// An SSM parameter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parameter {
    /// Logical id.
    pub logical_id: String,
    /// Name of its stack.
    pub stack: String,
    /// Name.
    pub name: String,
    /// `String` or `StringList`.
    pub kind: String,
    /// Value.
    pub value: String,
}
