use serde::Deserialize;
use serde_json::{Value, json};

use super::{listed, page};
use crate::core::check_targets;
use crate::error::EventsError;
use crate::events::Events;
use crate::model::Target;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct PutTargets {
    #[serde(default)]
    rule: String,
    event_bus_name: Option<String>,
    #[serde(default)]
    targets: Vec<Target>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct RemoveTargets {
    #[serde(default)]
    rule: String,
    event_bus_name: Option<String>,
    #[serde(default)]
    ids: Vec<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct ListTargetsByRule {
    #[serde(default)]
    rule: String,
    event_bus_name: Option<String>,
    limit: Option<usize>,
    next_token: Option<String>,
}

impl Events {
    pub(super) fn put_targets(&self, input: PutTargets) -> Result<Value, EventsError> {
        let mut core = self.lock();
        let bus = core.bus_named(input.event_bus_name.as_deref())?;
        let mut rule = core.rule(&bus, &input.rule)?.clone();
        check_targets(&input.targets)?;
        for target in input.targets {
            match rule.targets.iter_mut().find(|old| old.id == target.id) {
                Some(old) => *old = target,
                None => rule.targets.push(target),
            }
        }
        check_targets(&rule.targets)?;
        core.save_rule(rule)?;
        Ok(json!({"FailedEntryCount": 0, "FailedEntries": []}))
    }

    pub(super) fn remove_targets(&self, input: &RemoveTargets) -> Result<Value, EventsError> {
        let mut core = self.lock();
        let bus = core.bus_named(input.event_bus_name.as_deref())?;
        let mut rule = core.rule(&bus, &input.rule)?.clone();
        rule.targets.retain(|target| !input.ids.contains(&target.id));
        core.save_rule(rule)?;
        Ok(json!({"FailedEntryCount": 0, "FailedEntries": []}))
    }

    pub(super) fn list_targets_by_rule(&self, input: &ListTargetsByRule) -> Result<Value, EventsError> {
        let core = self.lock();
        let bus = core.bus_named(input.event_bus_name.as_deref())?;
        let mut targets: Vec<&Target> = core.rule(&bus, &input.rule)?.targets.iter().collect();
        targets.sort_by(|a, b| a.id.cmp(&b.id));
        let sorted = targets.into_iter().map(|target| (target.id.clone(), target));
        let (targets, next) = page(sorted, input.limit, input.next_token.as_deref())?;
        Ok(listed("Targets", json!(targets), next))
    }
}
