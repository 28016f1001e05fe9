use serde::Deserialize;
use serde_json::{Value, json};

use super::{Tag, check_name, listed, page, present, tag_map};
use crate::core::Core;
use crate::error::EventsError;
use crate::events::Events;
use crate::model::{DISABLED, ENABLED, Rule, state};

/// Characters of a pattern.
const PATTERN_LEN_MAX: usize = 4096;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct PutRule {
    #[serde(default)]
    name: String,
    event_bus_name: Option<String>,
    schedule_expression: Option<String>,
    event_pattern: Option<String>,
    state: Option<String>,
    description: Option<String>,
    role_arn: Option<String>,
    #[serde(default)]
    tags: Vec<Tag>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct RuleName {
    #[serde(default)]
    name: String,
    event_bus_name: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct ListRules {
    #[serde(default)]
    name_prefix: String,
    #[serde(default)]
    target_arn: String,
    event_bus_name: Option<String>,
    limit: Option<usize>,
    next_token: Option<String>,
}

impl Events {
    pub(super) fn put_rule(&self, input: PutRule) -> Result<Value, EventsError> {
        check_name("Rule name", &input.name, 64, ".-_")?;
        if input.event_pattern.as_ref().is_some_and(|pattern| pattern.len() > PATTERN_LEN_MAX) {
            return Err(EventsError::Validation(format!("EventPattern is longer than {PATTERN_LEN_MAX}.")));
        }
        let now = self.clock.now_ms();
        let mut core = self.lock();
        let bus = core.bus_named(input.event_bus_name.as_deref())?;
        let old = core.rule(&bus, &input.name).ok();
        // The targets stay; everything else is as given now.
        let targets = old.map(|rule| rule.targets.clone()).unwrap_or_default();
        let is_new = old.is_none();
        let arn = core.rule_arn(&bus, &input.name);
        let filled = |text: Option<String>| text.filter(|text| !text.is_empty());
        let rule = Rule {
            bus,
            name: input.name,
            description: input.description,
            role_arn: input.role_arn,
            event_pattern: filled(input.event_pattern),
            schedule_expression: filled(input.schedule_expression),
            state: checked_state(input.state)?,
            targets,
            anchor_ms: now,
            next_due_ms: None,
            pattern: None,
            expression: None,
        };
        core.set_rule(rule, now)?;
        // Tags of an existing rule are changed by TagResource only.
        if is_new && !input.tags.is_empty() {
            core.save_tags(&arn, tag_map(input.tags))?;
        }
        Ok(json!({"RuleArn": arn}))
    }

    pub(super) fn delete_rule(&self, input: &RuleName) -> Result<Value, EventsError> {
        let mut core = self.lock();
        let bus = core.bus_named(input.event_bus_name.as_deref())?;
        let Ok(rule) = core.rule(&bus, &input.name) else { return Ok(Value::Null) };
        if !rule.targets.is_empty() {
            return Err(EventsError::Validation("Rule can't be deleted since it has targets.".to_owned()));
        }
        core.remove_rule(&bus, &input.name)?;
        Ok(Value::Null)
    }

    pub(super) fn describe_rule(&self, input: &RuleName) -> Result<Value, EventsError> {
        let core = self.lock();
        let bus = core.bus_named(input.event_bus_name.as_deref())?;
        let mut answer = shown(&core, core.rule(&bus, &input.name)?);
        if let Some(fields) = answer.as_object_mut() {
            fields.insert("CreatedBy".to_owned(), core.place.account.clone().into());
        }
        Ok(answer)
    }

    pub(super) fn enable_rule(&self, input: &RuleName, enabled: bool) -> Result<Value, EventsError> {
        let mut core = self.lock();
        let bus = core.bus_named(input.event_bus_name.as_deref())?;
        let mut rule = core.rule(&bus, &input.name)?.clone();
        rule.state = state(enabled);
        core.set_rule(rule, self.clock.now_ms())?;
        Ok(Value::Null)
    }

    pub(super) fn list_rules(&self, input: &ListRules) -> Result<Value, EventsError> {
        let core = self.lock();
        let bus = core.bus_named(input.event_bus_name.as_deref())?;
        let rules = core.rules.values().filter(|r| r.bus == bus && r.name.starts_with(&input.name_prefix));
        let (rules, next) =
            page(rules.map(|r| (r.name.clone(), shown(&core, r))), input.limit, input.next_token.as_deref())?;
        Ok(listed("Rules", json!(rules), next))
    }

    pub(super) fn list_rule_names_by_target(&self, input: &ListRules) -> Result<Value, EventsError> {
        let core = self.lock();
        let bus = core.bus_named(input.event_bus_name.as_deref())?;
        let to_target =
            |rule: &&Rule| rule.bus == bus && rule.targets.iter().any(|t| t.arn == input.target_arn);
        let names = core.rules.values().filter(to_target).map(|r| (r.name.clone(), r.name.clone()));
        let (names, next) = page(names, input.limit, input.next_token.as_deref())?;
        Ok(listed("RuleNames", json!(names), next))
    }
}

fn checked_state(state: Option<String>) -> Result<String, EventsError> {
    match state {
        None => Ok(ENABLED.to_owned()),
        Some(state)
            if [ENABLED, DISABLED, "ENABLED_WITH_ALL_CLOUDTRAIL_MANAGEMENT_EVENTS"].contains(&&*state) =>
        {
            Ok(state)
        }
        Some(state) => Err(EventsError::Validation(format!("State {state} is not valid."))),
    }
}

fn shown(core: &Core, rule: &Rule) -> Value {
    present([
        ("Name", Some(rule.name.clone().into())),
        ("Arn", Some(core.rule_arn(&rule.bus, &rule.name).into())),
        ("EventPattern", rule.event_pattern.clone().map(Value::from)),
        ("ScheduleExpression", rule.schedule_expression.clone().map(Value::from)),
        ("State", Some(rule.state.clone().into())),
        ("Description", rule.description.clone().map(Value::from)),
        ("RoleArn", rule.role_arn.clone().map(Value::from)),
        ("EventBusName", Some(rule.bus.clone().into())),
    ])
}
