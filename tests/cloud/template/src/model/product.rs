//! The whole product and its stacks.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde_json::Value;

use super::{
    Alarm, Api, Bucket, Bus, Distribution, Function, KeyGroup, Parameter, Permission, PublicKey, Queue,
    Route, Rule, Schedule, Table, Topic,
};

/// Everything that the root template and its nested stacks declare.
#[derive(Clone, Debug, Default)]
pub struct Product {
    /// Functions.
    pub functions: Vec<Function>,
    /// HTTP and WebSocket APIs.
    pub apis: Vec<Api>,
    /// What the APIs route to functions.
    pub routes: Vec<Route>,
    /// Who may invoke which function. AWS refuses a route, rule, topic or bucket without one.
    pub permissions: Vec<Permission>,
    /// DynamoDB tables.
    pub tables: Vec<Table>,
    /// SQS queues.
    pub queues: Vec<Queue>,
    /// S3 buckets.
    pub buckets: Vec<Bucket>,
    /// EventBridge rules, those of SAM events included.
    pub rules: Vec<Rule>,
    /// EventBridge Scheduler schedules, those of SAM events included.
    pub schedules: Vec<Schedule>,
    /// SNS topics.
    pub topics: Vec<Topic>,
    /// EventBridge buses besides the default one.
    pub buses: Vec<Bus>,
    /// SSM parameters.
    pub parameters: Vec<Parameter>,
    /// CloudFront distributions.
    pub distributions: Vec<Distribution>,
    /// Public keys that CloudFront verifies signatures with.
    pub public_keys: Vec<PublicKey>,
    /// Groups of such keys.
    pub key_groups: Vec<KeyGroup>,
    /// CloudWatch alarms.
    pub alarms: Vec<Alarm>,
    /// Every stack with its resources, the root first.
    pub stacks: Vec<StackView>,
}

impl Product {
    /// The function with this logical id, name or ARN (with or without alias).
    #[must_use]
    pub fn function(&self, which: &str) -> Option<&Function> {
        self.functions.iter().find(|f| f.is(which))
    }

    /// How many CloudFormation resources a stack has after the SAM transform; `None` when there is no such stack.
    #[must_use]
    pub fn expanded_resource_count(&self, stack: &str) -> Option<usize> {
        self.stacks.iter().find(|s| s.name == stack).map(|s| s.expanded_resources)
    }
}

/// One stack.
#[derive(Clone, Debug)]
pub struct StackView {
    /// The stack's name.
    pub name: String,
    /// The template's file.
    pub file: PathBuf,
    /// Values of its parameters.
    pub parameters: BTreeMap<String, Value>,
    /// Values of its outputs.
    pub outputs: BTreeMap<String, Value>,
    /// Resources that exist (conditions applied), by logical id.
    pub resources: BTreeMap<String, RawResource>,
    /// Resources that CloudFormation would count after the SAM transform, those with a false condition included.
    pub expanded_resources: usize,
}

/// A resource with its properties resolved.
#[derive(Clone, Debug)]
pub struct RawResource {
    /// For example `AWS::SQS::Queue`.
    pub kind: String,
    /// Line of the logical id in the template.
    pub line: usize,
    /// The properties, `Globals` merged in.
    pub properties: Value,
}
