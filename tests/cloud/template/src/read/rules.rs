//! EventBridge: buses, rules and schedules, declared by themselves or as events of SAM functions.

use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::functions::sam_events;
use super::{All, Declared};
use crate::error::TemplateError;
use crate::model::{Bus, Rule, Schedule};
use crate::values::flag;

const DEFAULT: &str = "default";

pub(super) fn buses(all: &All<'_>) -> Vec<Bus> {
    let buses = all.of(&["AWS::Events::EventBus"]).map(|declared| Bus {
        logical_id: declared.logical_id(),
        stack: declared.stack_name(),
        name: declared.name.clone(),
        arn: declared.arn.clone(),
    });
    buses.collect()
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct RuleProperties {
    event_bus_name: Option<String>,
    #[serde(alias = "Pattern")]
    event_pattern: Option<Value>,
    #[serde(alias = "Schedule")]
    schedule_expression: Option<String>,
    state: Option<String>,
    /// SAM's `Schedule` event has this instead of `State`.
    enabled: Option<Value>,
    targets: Vec<Value>,
    #[serde(alias = "RuleName")]
    name: Option<String>,
}

impl RuleProperties {
    fn enabled(&self) -> Result<bool, serde_json::Error> {
        let flagged = self.enabled.as_ref().map(flag).transpose()?;
        Ok(flagged.unwrap_or(true) && self.state.as_deref().is_none_or(|state| state.starts_with("ENABLED")))
    }

    fn pattern(&self, declared: &Declared<'_>) -> Result<Option<Value>, TemplateError> {
        match &self.event_pattern {
            Some(Value::String(text)) => serde_json::from_str(text)
                .map(Some)
                .map_err(|e| declared.error(format!("event pattern: {e}"))),
            pattern => Ok(pattern.clone()),
        }
    }
}

pub(super) fn rules(all: &All<'_>) -> Result<Vec<Rule>, TemplateError> {
    let mut rules = Vec::new();
    for declared in all.of(&["AWS::Events::Rule"]) {
        let properties: RuleProperties = declared.typed()?;
        rules.push(Rule {
            logical_id: declared.logical_id(),
            stack: declared.stack_name(),
            name: declared.name.clone(),
            arn: declared.arn.clone(),
            bus: properties.event_bus_name.clone().unwrap_or_else(|| DEFAULT.to_owned()),
            pattern: properties.pattern(declared)?,
            schedule: properties.schedule_expression.clone(),
            enabled: properties.enabled().map_err(|e| declared.error(e.to_string()))?,
            targets: properties.targets,
        });
    }
    for (function, event, declared) in sam_events(all)? {
        if matches!(declared.kind.as_str(), "EventBridgeRule" | "CloudWatchEvent" | "Schedule") {
            rules.push(sam_rule(all, function, &event, &declared.properties)?);
        }
    }
    Ok(rules)
}

/// SAM names what it makes for an event `{function}{event}`.
fn sam_rule(
    all: &All<'_>,
    function: &Declared<'_>,
    event: &str,
    given: &Value,
) -> Result<Rule, TemplateError> {
    let properties: RuleProperties = function.typed_part(given)?;
    let logical_id = format!("{}{event}", function.resource.logical_id);
    let name = properties.name.clone().unwrap_or_else(|| function.stack.derived_name(&logical_id));
    let bus = properties.event_bus_name.clone().unwrap_or_else(|| DEFAULT.to_owned());
    let id =
        given.pointer("/Target/Id").cloned().unwrap_or_else(|| json!(format!("{logical_id}LambdaTarget")));
    let target = target_of(function, given, ("Id", id));
    Ok(Rule {
        stack: function.stack_name(),
        arn: match bus.as_str() {
            DEFAULT => all.world.arn("events", &format!("rule/{name}")),
            bus => all.world.arn("events", &format!("rule/{}/{name}", bus.rsplit('/').next().unwrap_or(bus))),
        },
        bus,
        pattern: properties.pattern(function)?,
        schedule: properties.schedule_expression.clone(),
        enabled: properties.enabled().map_err(|e| function.error(e.to_string()))?,
        targets: vec![target],
        logical_id,
        name,
    })
}

/// A target that invokes the function, with what the event says about it.
fn target_of(function: &Declared<'_>, given: &Value, extra: (&str, Value)) -> Value {
    let mut target = Map::new();
    target.insert("Arn".to_owned(), json!(function.arn));
    target.insert(extra.0.to_owned(), extra.1);
    for member in ["Input", "InputPath", "InputTransformer", "RetryPolicy", "DeadLetterConfig"] {
        if let Some(value) = given.get(member) {
            target.insert(member.to_owned(), value.clone());
        }
    }
    if let Some(dead_letter) = target.get_mut("DeadLetterConfig").and_then(Value::as_object_mut) {
        dead_letter.retain(|member, _| member == "Arn");
    }
    Value::Object(target)
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct ScheduleProperties {
    schedule_expression: String,
    schedule_expression_timezone: Option<String>,
    group_name: Option<String>,
    state: Option<String>,
    target: Option<Value>,
    name: Option<String>,
}

impl ScheduleProperties {
    fn schedule(self, stack: String, logical_id: String, name: String, target: Value) -> Schedule {
        Schedule {
            logical_id,
            stack,
            name,
            group: self.group_name.unwrap_or_else(|| DEFAULT.to_owned()),
            expression: self.schedule_expression,
            timezone: self.schedule_expression_timezone,
            enabled: self.state.as_deref() != Some("DISABLED"),
            target,
        }
    }
}

pub(super) fn schedules(all: &All<'_>) -> Result<Vec<Schedule>, TemplateError> {
    let mut schedules = Vec::new();
    for declared in all.of(&["AWS::Scheduler::Schedule"]) {
        let mut properties: ScheduleProperties = declared.typed()?;
        let target = properties.target.take().ok_or_else(|| declared.error("has no Target"))?;
        schedules.push(properties.schedule(
            declared.stack_name(),
            declared.logical_id(),
            declared.name.clone(),
            target,
        ));
    }
    for (function, event, declared) in sam_events(all)? {
        if declared.kind == "ScheduleV2" {
            let properties: ScheduleProperties = function.typed_part(&declared.properties)?;
            let logical_id = format!("{}{event}", function.resource.logical_id);
            let name = properties.name.clone().unwrap_or_else(|| logical_id.clone());
            let role = declared.properties.get("RoleArn").cloned();
            let role =
                role.unwrap_or_else(|| json!(function.stack.derived_name(&format!("{logical_id}Role"))));
            let target = target_of(function, &declared.properties, ("RoleArn", role));
            schedules.push(properties.schedule(function.stack_name(), logical_id, name, target));
        }
    }
    Ok(schedules)
}
