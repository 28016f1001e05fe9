//! What is stored, in the shape that the wire has.

use std::collections::BTreeMap;

use cloud_core::Millis;
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::error::EventsError;
use crate::pattern::Pattern;
use crate::schedule::{Dialect, Expression};

/// The bus that is always there.
pub(crate) const DEFAULT_BUS: &str = "default";
/// The schedule group that is always there.
pub(crate) const DEFAULT_GROUP: &str = "default";
/// How `EventBridge` calls a rule or schedule that rests.
pub(crate) const DISABLED: &str = "DISABLED";
/// How `EventBridge` calls one that works.
pub(crate) const ENABLED: &str = "ENABLED";

/// Which of the two.
pub(crate) fn state(enabled: bool) -> String {
    if enabled { ENABLED } else { DISABLED }.to_owned()
}

/// Where an event goes, and as what. Of `input`, `input_path` and `input_transformer` at most one is set; without
/// any, the target gets the event itself.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Target {
    /// Unique within the rule.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub id: String,
    /// A queue, a function, another bus.
    #[serde(default)]
    pub arn: String,
    /// Kept, not checked: there are no roles on one machine.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub role_arn: Option<String>,
    /// A fixed text instead of the event.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub input: Option<String>,
    /// A part of the event, as JSON path.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub input_path: Option<String>,
    /// A text made from parts of the event.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub input_transformer: Option<InputTransformer>,
    /// The message group, for FIFO queues.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sqs_parameters: Option<SqsParameters>,
    /// As what an event of a schedule enters a bus.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub event_bridge_parameters: Option<EventBridgeParameters>,
    /// How long to try.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retry_policy: Option<RetryPolicy>,
    /// Where it goes when trying ends.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dead_letter_config: Option<DeadLetterConfig>,
    /// Parameters of targets that one machine does not have; shown again as they were given.
    #[serde(flatten)]
    pub other: Map<String, Value>,
}

impl Target {
    /// A target that gets the event as it is.
    pub fn new(id: impl Into<String>, arn: impl Into<String>) -> Self {
        Self { id: id.into(), arn: arn.into(), ..Self::default() }
    }

    /// Whether this is a FIFO queue, which takes nothing without a message group.
    pub(crate) fn is_fifo_queue(&self) -> bool {
        matches!(self.arn.rsplit_once('.'), Some((queue, "fifo")) if queue.starts_with("arn:aws:sqs:"))
    }

    /// The message group, for FIFO queues.
    #[must_use]
    pub fn group(&self) -> Option<&str> {
        self.sqs_parameters.as_ref()?.message_group_id.as_deref()
    }
}

/// A text with `<variables>` that stand for parts of the event.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct InputTransformer {
    /// JSON path of each variable.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub input_paths_map: BTreeMap<String, String>,
    /// The text.
    pub input_template: String,
}

/// Parameters of a queue as a target.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct SqsParameters {
    /// Required by FIFO queues.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message_group_id: Option<String>,
}

/// Parameters of a bus as a schedule's target.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct EventBridgeParameters {
    /// Of the event that enters the bus.
    pub detail_type: String,
    /// Of the event that enters the bus.
    pub source: String,
}

/// How long to try a delivery.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct RetryPolicy {
    /// 0–185; 185 when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub maximum_retry_attempts: Option<u32>,
    /// 60–86 400; a day when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub maximum_event_age_in_seconds: Option<u32>,
}

/// Where deliveries end that never succeeded.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct DeadLetterConfig {
    /// ARN of a standard queue.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub arn: Option<String>,
}

/// A rule as a template states it: all of it, with exactly these targets.
#[derive(Clone, Debug, Default)]
pub struct RuleSpec {
    /// Events that the rule wants; this or `schedule`, or both.
    pub pattern: Option<Value>,
    /// `rate(…)` or `cron(…)`, in UTC.
    pub schedule: Option<String>,
    /// At most five.
    pub targets: Vec<Target>,
    /// Whether the rule works.
    pub enabled: bool,
    /// The bus; the default one when absent. Schedules exist on the default bus only.
    pub bus: Option<String>,
}

/// A schedule of `EventBridge` Scheduler as a template states it, in the default group.
#[derive(Clone, Debug, Default)]
pub struct ScheduleSpec {
    /// `at(…)`, `rate(…)` or `cron(…)`.
    pub expression: String,
    /// An IANA name; UTC when absent.
    pub timezone: Option<String>,
    /// Where it goes.
    pub target: Target,
    /// Whether the schedule works.
    pub enabled: bool,
}

/// An event bus.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Bus {
    pub name: String,
    pub description: Option<String>,
    pub created_ms: Millis,
}

/// A rule of a bus.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Rule {
    pub bus: String,
    pub name: String,
    pub description: Option<String>,
    pub role_arn: Option<String>,
    pub event_pattern: Option<String>,
    pub schedule_expression: Option<String>,
    pub state: String,
    pub targets: Vec<Target>,
    /// From when a rate counts.
    pub anchor_ms: Millis,
    pub next_due_ms: Option<Millis>,
    #[serde(skip)]
    pub pattern: Option<Pattern>,
    #[serde(skip)]
    pub expression: Option<Expression>,
}

impl Rule {
    /// Makes the texts ready for use.
    pub fn compile(&mut self) -> Result<(), EventsError> {
        self.pattern = self.event_pattern.as_deref().map(Pattern::parse).transpose()?;
        let schedule = self.schedule_expression.as_deref();
        self.expression = schedule.map(|text| Expression::parse(text, Dialect::Rule)).transpose()?;
        Ok(())
    }

    pub fn enabled(&self) -> bool {
        self.state != DISABLED
    }

    /// When the rule is due next, after `now`.
    pub fn due_after(&self, now: Millis) -> Option<Millis> {
        let expression = self.expression.as_ref().filter(|_| self.enabled())?;
        expression.next_after(now, self.anchor_ms, &TimeZone::UTC)
    }
}

/// A schedule of `EventBridge` Scheduler.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Schedule {
    pub group: String,
    pub name: String,
    pub description: Option<String>,
    pub expression_text: String,
    pub timezone: String,
    pub start_ms: Option<Millis>,
    pub end_ms: Option<Millis>,
    pub state: String,
    /// `FlexibleTimeWindow`: running when due is within any window.
    pub window: Value,
    pub target: Target,
    pub delete_when_over: bool,
    pub kms_key_arn: Option<String>,
    pub created_ms: Millis,
    pub modified_ms: Millis,
    pub anchor_ms: Millis,
    pub next_due_ms: Option<Millis>,
    #[serde(skip)]
    pub compiled: Option<(Expression, TimeZone)>,
}

impl Schedule {
    pub fn compile(&mut self) -> Result<(), EventsError> {
        let expression = Expression::parse(&self.expression_text, Dialect::Scheduler)?;
        let zone = TimeZone::get(&self.timezone).map_err(|_| {
            EventsError::Validation(format!("Invalid ScheduleExpressionTimezone {}.", self.timezone))
        })?;
        self.compiled = Some((expression, zone));
        Ok(())
    }

    /// Sets when the schedule runs first, counted from `now`. A rate without a start runs at once; a one-time
    /// schedule whose time has passed does too.
    pub fn start(&mut self, now: Millis) {
        let begin = self.start_ms.unwrap_or(now).max(now);
        self.anchor_ms = self.start_ms.unwrap_or(now);
        let one_time = self.compiled.as_ref().is_some_and(|(expression, _)| expression.one_time());
        self.next_due_ms = self.due_after(if one_time { 0 } else { begin - 1 });
    }

    /// When the schedule is due next, after `after`.
    pub fn due_after(&self, after: Millis) -> Option<Millis> {
        let (expression, zone) = self.compiled.as_ref().filter(|_| self.state != DISABLED)?;
        let due = expression.next_after(after, self.anchor_ms, zone)?;
        (self.end_ms.is_none_or(|end| due <= end) || expression.one_time()).then_some(due)
    }

    /// Whether nothing can come after a run.
    pub fn one_time(&self) -> bool {
        self.compiled.as_ref().is_some_and(|(expression, _)| expression.one_time())
    }
}

/// A group of schedules.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Group {
    pub name: String,
    pub created_ms: Millis,
}
