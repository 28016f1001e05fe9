//! Functions and what calls them.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::iam::Statement;

/// A Lambda function.
#[derive(Clone, Debug)]
pub struct Function {
    /// Logical id, unique in its stack.
    pub logical_id: String,
    /// Name in Lambda.
    pub name: String,
    /// Name of its stack.
    pub stack: String,
    /// ARN without alias.
    pub arn: String,
    /// Handler; `bootstrap` for a custom runtime.
    pub handler: Option<String>,
    /// Runtime, for example `provided.al2023`.
    pub runtime: Option<String>,
    /// `arm64` or `x86_64`.
    pub architecture: String,
    /// Where the code is, as the template says it.
    pub code_uri: Option<String>,
    /// Seconds after which an invocation is ended.
    pub timeout_s: u32,
    /// MiB of memory.
    pub memory_mb: u32,
    /// Environment variables.
    pub environment: BTreeMap<String, String>,
    /// What its role may do.
    pub statements: Vec<Statement>,
    /// Managed policies of its role that are not expanded into `statements`.
    pub managed_policies: Vec<String>,
    /// Most invocations at the same time.
    pub reserved_concurrency: Option<u32>,
    /// What happens to asynchronous invocations.
    pub asynchronous: Asynchronous,
    /// What calls it, besides routes and patterns of events.
    pub events: Vec<EventSource>,
}

impl Function {
    /// Whether `which` is this function's logical id, name or ARN, with or without a version or alias.
    #[must_use]
    pub fn is(&self, which: &str) -> bool {
        let unqualified =
            |whole: &str| which == whole || which.strip_prefix(whole).is_some_and(|q| q.starts_with(':'));
        which == self.logical_id || unqualified(&self.name) || unqualified(&self.arn)
    }
}

/// How Lambda treats asynchronous invocations of a function.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Asynchronous {
    /// Retries after a failure; Lambda's default is 2.
    pub max_retries: Option<u32>,
    /// Seconds that an event may wait.
    pub max_age_s: Option<u32>,
    /// ARN that failed events go to.
    pub on_failure: Option<String>,
    /// ARN of the dead-letter queue or topic.
    pub dead_letter: Option<String>,
}

/// What calls a function by itself.
#[derive(Clone, Debug, PartialEq)]
pub enum EventSource {
    /// Messages of a queue.
    Sqs {
        /// The queue.
        queue_arn: String,
        /// Most messages in one call.
        batch_size: u32,
        /// Seconds to wait for a full batch.
        window_s: u32,
        /// Whether the function reports which messages failed.
        report_failures: bool,
        /// Patterns; a message that matches none of them is dropped. None at all lets everything through.
        filters: Vec<Value>,
        /// Most calls at the same time.
        max_concurrency: Option<u32>,
        /// Whether the source is switched on.
        enabled: bool,
    },
    /// Records of a table's stream.
    DynamoDbStream {
        /// The stream, as the template refers to it.
        stream_arn: String,
        /// The table's name.
        table: String,
        /// Most records in one call.
        batch_size: u32,
        /// Seconds to wait for a full batch.
        window_s: u32,
        /// Whether the function reports from which record on it failed.
        report_failures: bool,
        /// Patterns; a record that matches none of them is skipped. None at all lets everything through.
        filters: Vec<Value>,
        /// Retries of a failed batch; `None` until the records expire.
        max_retries: Option<u32>,
        /// Seconds until a record is given up; `None` for the life of the stream.
        max_age_s: Option<u32>,
        /// Whether a failed batch is halved.
        bisect: bool,
        /// ARN that is told of batches given up.
        on_failure: Option<String>,
        /// Batches of one shard at the same time.
        parallelization: u32,
        /// Whether reading begins at the oldest record (`TRIM_HORIZON`) or at the newest (`LATEST`).
        from_oldest: bool,
        /// Whether the source is switched on.
        enabled: bool,
    },
    /// A time. The same schedule is in [`Product::rules`](super::Product::rules) or [`Product::schedules`](super::Product::schedules): drive it from one of them.
    Schedule {
        /// `rate(…)`, `cron(…)` or `at(…)`.
        expression: String,
        /// Name of the rule or schedule.
        name: String,
        /// The event; without it, EventBridge's own.
        input: Option<String>,
        /// Time zone of a cron expression; UTC without it.
        timezone: Option<String>,
        /// Whether the schedule is switched on.
        enabled: bool,
    },
}

/// A resource-based permission.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Permission {
    /// Name of the function.
    pub function: String,
    /// Who, for example `apigateway.amazonaws.com`.
    pub principal: String,
    /// Pattern of ARNs on whose behalf; `None` for all.
    pub source_arn: Option<String>,
}
