//! Everything that is set up: buses, rules, schedules. Changes go to disk before they count.

use std::collections::BTreeMap;

use cloud_core::{Millis, Place};

use crate::error::EventsError;
use crate::json_path;
use crate::model::{Bus, DEFAULT_BUS, DEFAULT_GROUP, Group, Rule, Schedule, Target};
use crate::storage::{Change, Kind, Storage};

/// Targets of one rule.
pub(crate) const TARGETS_MAX: usize = 5;

/// A name below the bus or group that it belongs to.
pub(crate) type Scoped = (String, String);

pub(crate) struct Core {
    pub place: Place,
    pub storage: Storage,
    pub buses: BTreeMap<String, Bus>,
    pub rules: BTreeMap<Scoped, Rule>,
    pub groups: BTreeMap<String, Group>,
    pub schedules: BTreeMap<Scoped, Schedule>,
    /// By the ARN of what is tagged.
    pub tags: BTreeMap<String, BTreeMap<String, String>>,
}

pub(crate) fn scoped(scope: &str, name: &str) -> Scoped {
    (scope.to_owned(), name.to_owned())
}

fn key(scope: &str, name: &str) -> String {
    format!("{scope}\n{name}")
}

impl Core {
    pub fn open(place: Place, storage: Storage, now: Millis) -> Result<Self, EventsError> {
        let mut core = Self {
            place,
            storage,
            buses: BTreeMap::new(),
            rules: BTreeMap::new(),
            groups: BTreeMap::new(),
            schedules: BTreeMap::new(),
            tags: BTreeMap::new(),
        };
        core.load()?;
        core.add_defaults(now)?;
        Ok(core)
    }

    fn load(&mut self) -> Result<(), EventsError> {
        self.buses = self.storage.all(Kind::Bus)?.into_iter().collect();
        self.groups = self.storage.all(Kind::Group)?.into_iter().collect();
        self.tags = self.storage.all(Kind::Tags)?.into_iter().collect();
        self.rules.clear();
        for (_, mut rule) in self.storage.all::<Rule>(Kind::Rule)? {
            rule.compile()?;
            self.rules.insert(scoped(&rule.bus, &rule.name), rule);
        }
        self.schedules.clear();
        for (_, mut schedule) in self.storage.all::<Schedule>(Kind::Schedule)? {
            schedule.compile()?;
            self.schedules.insert(scoped(&schedule.group, &schedule.name), schedule);
        }
        Ok(())
    }

    fn add_defaults(&mut self, now: Millis) -> Result<(), EventsError> {
        if !self.buses.contains_key(DEFAULT_BUS) {
            self.save_bus(Bus { name: DEFAULT_BUS.to_owned(), description: None, created_ms: now })?;
        }
        if !self.groups.contains_key(DEFAULT_GROUP) {
            self.save_group(Group { name: DEFAULT_GROUP.to_owned(), created_ms: now })?;
        }
        Ok(())
    }

    /// Empties everything but the default bus and group.
    pub fn reset(&mut self, now: Millis) -> Result<(), EventsError> {
        self.storage.commit(&[Change::Everything])?;
        self.load()?;
        self.add_defaults(now)
    }

    // --- names ---

    pub fn bus_arn(&self, bus: &str) -> String {
        self.place.arn("events", &format!("event-bus/{bus}"))
    }

    pub fn rule_arn(&self, bus: &str, rule: &str) -> String {
        let path = if bus == DEFAULT_BUS { format!("rule/{rule}") } else { format!("rule/{bus}/{rule}") };
        self.place.arn("events", &path)
    }

    pub fn group_arn(&self, group: &str) -> String {
        self.place.arn("scheduler", &format!("schedule-group/{group}"))
    }

    pub fn schedule_arn(&self, group: &str, schedule: &str) -> String {
        self.place.arn("scheduler", &format!("schedule/{group}/{schedule}"))
    }

    /// The existing bus that a name or an ARN means; the default one when there is neither.
    pub fn bus_named(&self, name_or_arn: Option<&str>) -> Result<String, EventsError> {
        let given = name_or_arn.unwrap_or(DEFAULT_BUS);
        let name = bus_of_arn(given).unwrap_or(given);
        if self.buses.contains_key(name) {
            return Ok(name.to_owned());
        }
        Err(EventsError::NotFound(format!("Event bus {name}")))
    }

    pub fn rule(&self, bus: &str, name: &str) -> Result<&Rule, EventsError> {
        self.rules
            .get(&scoped(bus, name))
            .ok_or_else(|| EventsError::NotFound(format!("Rule {name} on EventBus {bus}")))
    }

    pub fn schedule(&self, group: &str, name: &str) -> Result<&Schedule, EventsError> {
        self.schedules
            .get(&scoped(group, name))
            .ok_or_else(|| EventsError::NotFound(format!("Schedule {name}")))
    }

    // --- changes ---

    pub fn save_bus(&mut self, bus: Bus) -> Result<(), EventsError> {
        self.storage.commit(&[Change::put(Kind::Bus, &bus.name, &bus)])?;
        self.buses.insert(bus.name.clone(), bus);
        Ok(())
    }

    pub fn save_group(&mut self, group: Group) -> Result<(), EventsError> {
        self.storage.commit(&[Change::put(Kind::Group, &group.name, &group)])?;
        self.groups.insert(group.name.clone(), group);
        Ok(())
    }

    pub fn save_rule(&mut self, rule: Rule) -> Result<(), EventsError> {
        self.storage.commit(&[Self::put_rule(&rule)])?;
        self.rules.insert(scoped(&rule.bus, &rule.name), rule);
        Ok(())
    }

    pub fn save_schedule(&mut self, schedule: Schedule) -> Result<(), EventsError> {
        self.storage.commit(&[Self::put_schedule(&schedule)])?;
        self.schedules.insert(scoped(&schedule.group, &schedule.name), schedule);
        Ok(())
    }

    pub fn put_rule(rule: &Rule) -> Change {
        Change::put(Kind::Rule, key(&rule.bus, &rule.name), rule)
    }

    pub fn put_schedule(schedule: &Schedule) -> Change {
        Change::put(Kind::Schedule, key(&schedule.group, &schedule.name), schedule)
    }

    pub fn drop_schedule(schedule: &Schedule) -> Change {
        Change::Drop { kind: Kind::Schedule, key: key(&schedule.group, &schedule.name) }
    }

    pub fn remove_rule(&mut self, bus: &str, name: &str) -> Result<(), EventsError> {
        let arn = self.rule_arn(bus, name);
        let rule = Change::Drop { kind: Kind::Rule, key: key(bus, name) };
        self.storage.commit(&[rule, Change::Drop { kind: Kind::Tags, key: arn.clone() }])?;
        self.rules.remove(&scoped(bus, name));
        self.tags.remove(&arn);
        Ok(())
    }

    pub fn remove_bus(&mut self, bus: &str) -> Result<(), EventsError> {
        let arn = self.bus_arn(bus);
        let change = Change::Drop { kind: Kind::Bus, key: bus.to_owned() };
        self.storage.commit(&[change, Change::Drop { kind: Kind::Tags, key: arn.clone() }])?;
        self.buses.remove(bus);
        self.tags.remove(&arn);
        Ok(())
    }

    pub fn remove_schedule(&mut self, group: &str, name: &str) -> Result<(), EventsError> {
        let change = Self::drop_schedule(self.schedule(group, name)?);
        self.storage.commit(&[change])?;
        self.schedules.remove(&scoped(group, name));
        Ok(())
    }

    /// Removes a group and the schedules in it.
    pub fn remove_group(&mut self, group: &str) -> Result<(), EventsError> {
        let arn = self.group_arn(group);
        let mut changes = vec![
            Change::Drop { kind: Kind::Group, key: group.to_owned() },
            Change::Drop { kind: Kind::Tags, key: arn.clone() },
        ];
        changes.extend(self.schedules.values().filter(|s| s.group == group).map(Self::drop_schedule));
        self.storage.commit(&changes)?;
        self.groups.remove(group);
        self.schedules.retain(|(in_group, _), _| in_group != group);
        self.tags.remove(&arn);
        Ok(())
    }

    pub fn save_tags(&mut self, arn: &str, tags: BTreeMap<String, String>) -> Result<(), EventsError> {
        self.storage.commit(&[Change::put(Kind::Tags, arn, &tags)])?;
        self.tags.insert(arn.to_owned(), tags);
        Ok(())
    }

    /// Whether there is a bus, rule or schedule group of this ARN.
    pub fn taggable(&self, arn: &str) -> bool {
        self.buses.keys().any(|bus| self.bus_arn(bus) == arn)
            || self.rules.keys().any(|(bus, rule)| self.rule_arn(bus, rule) == arn)
            || self.groups.keys().any(|group| self.group_arn(group) == arn)
    }
}

/// The bus that an ARN names; `None` when it names something else.
pub(crate) fn bus_of_arn(arn: &str) -> Option<&str> {
    if arn.starts_with("arn:") { Some(arn.split_once(":event-bus/")?.1) } else { None }
}

/// Whether these can be the targets of one rule.
pub(crate) fn check_targets(targets: &[Target]) -> Result<(), EventsError> {
    let invalid = |text: String| Err(EventsError::Validation(text));
    if targets.len() > TARGETS_MAX {
        return Err(EventsError::Limit(format!(
            "The requested resource exceeds the maximum number allowed: {TARGETS_MAX} targets per rule."
        )));
    }
    for (place, target) in targets.iter().enumerate() {
        let id = &target.id;
        if id.is_empty() || target.arn.is_empty() {
            return invalid("A target needs an Id and an Arn.".to_owned());
        }
        if targets.iter().skip(place + 1).any(|other| other.id == *id) {
            return invalid(format!("Duplicate target id {id}."));
        }
        let inputs =
            [target.input.is_some(), target.input_path.is_some(), target.input_transformer.is_some()];
        if inputs.into_iter().filter(|set| *set).count() > 1 {
            return invalid(format!(
                "Only one of Input, InputPath, or InputTransformer must be provided for target {id}."
            ));
        }
        if target.input.as_ref().is_some_and(|text| serde_json::from_str::<serde_json::Value>(text).is_err())
        {
            return invalid(format!("JSON syntax error in input for target {id}."));
        }
        let transformer_paths = target.input_transformer.iter().flat_map(|t| t.input_paths_map.values());
        if let Some(path) =
            target.input_path.iter().chain(transformer_paths).find(|path| !json_path::valid(path))
        {
            return invalid(format!("Invalid JSON path {path} for target {id}."));
        }
        if target.is_fifo_queue() && target.group().is_none() {
            return invalid(format!("Parameter(s) SqsParameters must be specified for target: {id}."));
        }
    }
    Ok(())
}
