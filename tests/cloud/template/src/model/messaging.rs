//! Queues, topics, buses, rules and schedules.

use serde_json::Value;

/// An SQS queue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Queue {
    /// Logical id.
    pub logical_id: String,
    /// Name of its stack.
    pub stack: String,
    /// Name.
    pub name: String,
    /// ARN.
    pub arn: String,
    /// URL.
    pub url: String,
    /// Whether order is kept.
    pub fifo: bool,
    /// Whether a hash of the body is the deduplication id.
    pub content_deduplication: bool,
    /// `queue` or `messageGroup`.
    pub deduplication_scope: Option<String>,
    /// `perQueue` or `perMessageGroupId`.
    pub throughput_limit: Option<String>,
    /// Seconds that a received message is hidden.
    pub visibility_s: u32,
    /// Seconds that a sent message is hidden.
    pub delay_s: u32,
    /// Seconds that a message is kept.
    pub retention_s: u32,
    /// Seconds that a receive waits.
    pub wait_s: u32,
    /// Bytes of the largest message.
    pub max_message_bytes: Option<u32>,
    /// Where messages go that nobody can process.
    pub redrive: Option<Redrive>,
}

/// A queue's redrive policy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Redrive {
    /// ARN of the dead-letter queue.
    pub target_arn: String,
    /// Receives after which a message moves there.
    pub max_receives: u32,
}

/// An EventBridge rule.
#[derive(Clone, Debug, PartialEq)]
pub struct Rule {
    /// Logical id, or that of SAM's generated rule.
    pub logical_id: String,
    /// Name of its stack.
    pub stack: String,
    /// Name.
    pub name: String,
    /// ARN.
    pub arn: String,
    /// Name or ARN of the bus.
    pub bus: String,
    /// Event pattern.
    pub pattern: Option<Value>,
    /// `rate(…)` or `cron(…)`.
    pub schedule: Option<String>,
    /// Whether it is switched on.
    pub enabled: bool,
    /// Targets, as `PutTargets` takes them (`Arn`, `Id`, `Input`, `InputPath`, `InputTransformer`, `SqsParameters`,
    /// `DeadLetterConfig`, `RetryPolicy`).
    pub targets: Vec<Value>,
}

/// An EventBridge Scheduler schedule.
#[derive(Clone, Debug, PartialEq)]
pub struct Schedule {
    /// Logical id, or that of SAM's generated schedule.
    pub logical_id: String,
    /// Name of its stack.
    pub stack: String,
    /// Name.
    pub name: String,
    /// Name of its group.
    pub group: String,
    /// `rate(…)`, `cron(…)` or `at(…)`.
    pub expression: String,
    /// Time zone of a cron or at expression.
    pub timezone: Option<String>,
    /// Whether it is switched on.
    pub enabled: bool,
    /// Target, as `CreateSchedule` takes it (`Arn`, `Input`, `RetryPolicy`, `DeadLetterConfig` …).
    pub target: Value,
}

/// An SNS topic.
#[derive(Clone, Debug, PartialEq)]
pub struct Topic {
    /// Logical id.
    pub logical_id: String,
    /// Name of its stack.
    pub stack: String,
    /// Name.
    pub name: String,
    /// ARN.
    pub arn: String,
    /// Whether order is kept.
    pub fifo: bool,
    /// Subscriptions.
    pub subscriptions: Vec<Subscription>,
}

/// A subscription of a topic.
#[derive(Clone, Debug, PartialEq)]
pub struct Subscription {
    /// `sqs`, `lambda`, `email` …
    pub protocol: String,
    /// ARN or address.
    pub endpoint: String,
    /// Filter policy.
    pub filter: Option<Value>,
    /// Whether the message comes without SNS's envelope.
    pub raw: bool,
}

/// An EventBridge bus.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bus {
    /// Logical id.
    pub logical_id: String,
    /// Name of its stack.
    pub stack: String,
    /// Name.
    pub name: String,
    /// ARN.
    pub arn: String,
}
