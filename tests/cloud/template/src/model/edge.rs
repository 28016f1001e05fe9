//! CloudFront and alarms.

use serde_json::Value;

/// A CloudFront distribution.
#[derive(Clone, Debug, PartialEq)]
pub struct Distribution {
    /// Logical id.
    pub logical_id: String,
    /// Name of its stack.
    pub stack: String,
    /// Id.
    pub id: String,
    /// `{id}.cloudfront.net`.
    pub domain: String,
    /// The `DistributionConfig`, resolved.
    pub config: Value,
}

/// A public key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PublicKey {
    /// Logical id.
    pub logical_id: String,
    /// Name of its stack.
    pub stack: String,
    /// Id: `Key-Pair-Id` of signed URLs and cookies.
    pub id: String,
    /// PEM.
    pub pem: String,
}

/// A group of public keys.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyGroup {
    /// Logical id.
    pub logical_id: String,
    /// Name of its stack.
    pub stack: String,
    /// Id.
    pub id: String,
    /// Ids of the keys.
    pub keys: Vec<String>,
}

/// A CloudWatch alarm.
#[derive(Clone, Debug, PartialEq)]
pub struct Alarm {
    /// Logical id.
    pub logical_id: String,
    /// Name of its stack.
    pub stack: String,
    /// Name.
    pub name: String,
    /// ARN.
    pub arn: String,
    /// Metric, dimensions, threshold and actions, as CloudFormation writes them.
    pub properties: Value,
}
