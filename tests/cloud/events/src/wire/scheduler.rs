//! `EventBridge` Scheduler: `/schedules/{name}`, `/schedule-groups/{name}`, `/tags/{arn}`.

use std::collections::HashMap;

use cloud_core::Millis;
use http::Method;
use http::request::Parts;
use percent_encoding::percent_decode_str;
use serde::Deserialize;
use serde_json::{Value, json};

use super::put_events::millis;
use super::tags::TagResource;
use super::{Tag, check_name, listed, page, parse, present, tag_map};
use crate::core::Core;
use crate::error::EventsError;
use crate::events::Events;
use crate::model::{DEFAULT_GROUP, DISABLED, ENABLED, Group, Schedule, Target};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct ScheduleInput {
    group_name: Option<String>,
    description: Option<String>,
    #[serde(default)]
    schedule_expression: String,
    schedule_expression_timezone: Option<String>,
    start_date: Option<Value>,
    end_date: Option<Value>,
    state: Option<String>,
    flexible_time_window: Option<Value>,
    #[serde(default)]
    target: Target,
    action_after_completion: Option<String>,
    kms_key_arn: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct GroupInput {
    #[serde(default)]
    tags: Vec<Tag>,
}

/// The parameters of a query string; some of their names differ from operation to operation.
struct Query(HashMap<String, Vec<String>>);

impl Query {
    fn read(parts: &Parts) -> Self {
        let mut values: HashMap<String, Vec<String>> = HashMap::new();
        for (name, value) in url::form_urlencoded::parse(parts.uri.query().unwrap_or_default().as_bytes()) {
            values.entry(name.into_owned()).or_default().push(value.into_owned());
        }
        Self(values)
    }

    fn one(&self, name: &str) -> Option<&str> {
        self.0.get(name)?.first().map(String::as_str)
    }

    fn limit(&self) -> Result<Option<usize>, EventsError> {
        let not_a_number = |_| EventsError::Validation("MaxResults is not a number.".to_owned());
        self.one("MaxResults").map(|text| text.parse().map_err(not_a_number)).transpose()
    }

    fn group(&self) -> &str {
        self.one("groupName").unwrap_or(DEFAULT_GROUP)
    }
}

impl Events {
    pub(super) fn scheduler(&self, parts: &Parts, body: &[u8]) -> Result<Value, EventsError> {
        let query = Query::read(parts);
        let path = parts.uri.path();
        let (collection, name) = match path.trim_start_matches('/').split_once('/') {
            Some((collection, name)) => (collection, Some(name)),
            None => (path.trim_start_matches('/'), None),
        };
        let name = name.map(|name| percent_decode_str(name).decode_utf8_lossy().into_owned());
        let name = name.as_deref();
        match (&parts.method, collection, name) {
            (&Method::POST, "schedules", Some(name)) => self.create_schedule(name, parse(body)?),
            (&Method::PUT, "schedules", Some(name)) => self.update_schedule(name, parse(body)?),
            (&Method::GET, "schedules", Some(name)) => self.get_schedule(query.group(), name),
            (&Method::DELETE, "schedules", Some(name)) => {
                self.lock().remove_schedule(query.group(), name).map(|()| json!({}))
            }
            (&Method::GET, "schedules", None) => self.list_schedules(&query),
            (&Method::POST, "schedule-groups", Some(name)) => self.create_group(name, parse(body)?),
            (&Method::GET, "schedule-groups", Some(name)) => self.get_group(name),
            (&Method::DELETE, "schedule-groups", Some(name)) => self.delete_group(name),
            (&Method::GET, "schedule-groups", None) => self.list_groups(&query),
            (&Method::POST, "tags", Some(arn)) => {
                let input: TagResource = parse(body)?;
                self.tag_resource(TagResource { resource_arn: arn.to_owned(), ..input })
            }
            (&Method::DELETE, "tags", Some(arn)) => {
                let tag_keys = query.0.get("TagKeys").cloned().unwrap_or_default();
                self.untag_resource(&TagResource {
                    resource_arn: arn.to_owned(),
                    tag_keys,
                    ..TagResource::default()
                })
            }
            (&Method::GET, "tags", Some(arn)) => self.list_tags_for_resource(&TagResource {
                resource_arn: arn.to_owned(),
                ..TagResource::default()
            }),
            (method, _, _) => Err(EventsError::UnknownOperation(format!("{method} {path}"))),
        }
    }

    fn create_schedule(&self, name: &str, input: ScheduleInput) -> Result<Value, EventsError> {
        let now = self.clock.now_ms();
        let schedule = input.schedule(name, now)?;
        let mut core = self.lock();
        require_group(&core, &schedule.group)?;
        if core.schedule(&schedule.group, name).is_ok() {
            return Err(EventsError::AlreadyExists(format!("Schedule {name}")));
        }
        let arn = core.schedule_arn(&schedule.group, name);
        core.set_schedule(schedule, now)?;
        Ok(json!({"ScheduleArn": arn}))
    }

    /// Replaces the schedule: what is not given falls back to its default.
    fn update_schedule(&self, name: &str, input: ScheduleInput) -> Result<Value, EventsError> {
        let now = self.clock.now_ms();
        let schedule = input.schedule(name, now)?;
        let mut core = self.lock();
        require_group(&core, &schedule.group)?;
        core.schedule(&schedule.group, name)?;
        let arn = core.schedule_arn(&schedule.group, name);
        core.set_schedule(schedule, now)?;
        Ok(json!({"ScheduleArn": arn}))
    }

    fn get_schedule(&self, group: &str, name: &str) -> Result<Value, EventsError> {
        let core = self.lock();
        let schedule = core.schedule(group, name)?;
        let after = if schedule.delete_when_over { "DELETE" } else { "NONE" };
        Ok(present([
            ("Arn", Some(core.schedule_arn(group, name).into())),
            ("GroupName", Some(group.into())),
            ("Name", Some(name.into())),
            ("Description", schedule.description.clone().map(Value::from)),
            ("ScheduleExpression", Some(schedule.expression_text.clone().into())),
            ("ScheduleExpressionTimezone", Some(schedule.timezone.clone().into())),
            ("StartDate", schedule.start_ms.map(seconds)),
            ("EndDate", schedule.end_ms.map(seconds)),
            ("State", Some(schedule.state.clone().into())),
            ("FlexibleTimeWindow", Some(schedule.window.clone())),
            ("Target", Some(json!(schedule.target))),
            ("ActionAfterCompletion", Some(after.into())),
            ("KmsKeyArn", schedule.kms_key_arn.clone().map(Value::from)),
            ("CreationDate", Some(seconds(schedule.created_ms))),
            ("LastModificationDate", Some(seconds(schedule.modified_ms))),
        ]))
    }

    fn list_schedules(&self, query: &Query) -> Result<Value, EventsError> {
        let core = self.lock();
        let (group, state) = (query.one("ScheduleGroup"), query.one("State"));
        let prefix = query.one("NamePrefix").unwrap_or_default();
        let wanted = core.schedules.values().filter(|schedule| {
            group.is_none_or(|group| schedule.group == group)
                && state.is_none_or(|state| schedule.state == state)
                && schedule.name.starts_with(prefix)
        });
        let shown = wanted.map(|schedule| {
            let summary = json!({
                "Arn": core.schedule_arn(&schedule.group, &schedule.name),
                "GroupName": schedule.group,
                "Name": schedule.name,
                "State": schedule.state,
                "Target": {"Arn": schedule.target.arn},
                "CreationDate": seconds(schedule.created_ms),
                "LastModificationDate": seconds(schedule.modified_ms),
            });
            (format!("{}/{}", schedule.group, schedule.name), summary)
        });
        let (schedules, next) = page(shown, query.limit()?, query.one("NextToken"))?;
        Ok(listed("Schedules", json!(schedules), next))
    }

    fn create_group(&self, name: &str, input: GroupInput) -> Result<Value, EventsError> {
        check_name("Schedule group name", name, 64, "-_.")?;
        let mut core = self.lock();
        if core.groups.contains_key(name) {
            return Err(EventsError::AlreadyExists(format!("Schedule group {name}")));
        }
        core.save_group(Group { name: name.to_owned(), created_ms: self.clock.now_ms() })?;
        let arn = core.group_arn(name);
        if !input.tags.is_empty() {
            core.save_tags(&arn, tag_map(input.tags))?;
        }
        Ok(json!({"ScheduleGroupArn": arn}))
    }

    fn get_group(&self, name: &str) -> Result<Value, EventsError> {
        let core = self.lock();
        require_group(&core, name)?;
        core.groups
            .get(name)
            .map(|group| shown_group(&core, group))
            .ok_or_else(|| EventsError::NotFound(format!("Schedule group {name}")))
    }

    fn delete_group(&self, name: &str) -> Result<Value, EventsError> {
        if name == DEFAULT_GROUP {
            return Err(EventsError::Validation("The default schedule group can't be deleted.".to_owned()));
        }
        let mut core = self.lock();
        require_group(&core, name)?;
        core.remove_group(name)?;
        Ok(json!({}))
    }

    fn list_groups(&self, query: &Query) -> Result<Value, EventsError> {
        let core = self.lock();
        let prefix = query.one("NamePrefix").unwrap_or_default();
        let groups = core.groups.values().filter(|group| group.name.starts_with(prefix));
        let shown = groups.map(|group| (group.name.clone(), shown_group(&core, group)));
        let (groups, next) = page(shown, query.limit()?, query.one("NextToken"))?;
        Ok(listed("ScheduleGroups", json!(groups), next))
    }
}

impl ScheduleInput {
    fn schedule(self, name: &str, now: Millis) -> Result<Schedule, EventsError> {
        check_name("Schedule name", name, 64, "-_.")?;
        let invalid = |text: &str| EventsError::Validation(text.to_owned());
        let window = self.flexible_time_window.ok_or_else(|| invalid("FlexibleTimeWindow is required."))?;
        let minutes = window.get("MaximumWindowInMinutes").and_then(Value::as_u64);
        match (window.get("Mode").and_then(Value::as_str), minutes) {
            (Some("OFF"), None) | (Some("FLEXIBLE"), Some(1..=1440)) => {}
            _ => return Err(invalid("FlexibleTimeWindow must be OFF, or FLEXIBLE with 1 to 1440 minutes.")),
        }
        let state = self.state.unwrap_or_else(|| ENABLED.to_owned());
        if state != ENABLED && state != DISABLED {
            return Err(invalid("State must be ENABLED or DISABLED."));
        }
        let date = |value: Option<Value>| {
            value.map(|value| millis(&value).ok_or_else(|| invalid("A date is not valid."))).transpose()
        };
        let (start_ms, end_ms) = (date(self.start_date)?, date(self.end_date)?);
        if start_ms.zip(end_ms).is_some_and(|(start, end)| start >= end) {
            return Err(invalid("EndDate must be after StartDate."));
        }
        if self.target.is_fifo_queue() && self.target.group().is_none() {
            return Err(invalid("SqsParameters.MessageGroupId is required for FIFO queues."));
        }
        let delete_when_over = match self.action_after_completion.as_deref() {
            None | Some("NONE") => false,
            Some("DELETE") => true,
            Some(_) => return Err(invalid("ActionAfterCompletion must be NONE or DELETE.")),
        };
        Ok(Schedule {
            group: self.group_name.unwrap_or_else(|| DEFAULT_GROUP.to_owned()),
            name: name.to_owned(),
            description: self.description,
            expression_text: self.schedule_expression,
            timezone: self.schedule_expression_timezone.unwrap_or_else(|| "UTC".to_owned()),
            start_ms,
            end_ms,
            state,
            window,
            target: self.target,
            delete_when_over,
            kms_key_arn: self.kms_key_arn,
            created_ms: now,
            modified_ms: now,
            anchor_ms: now,
            next_due_ms: None,
            compiled: None,
        })
    }
}

fn require_group(core: &Core, name: &str) -> Result<(), EventsError> {
    if core.groups.contains_key(name) {
        return Ok(());
    }
    Err(EventsError::NotFound(format!("Schedule group {name}")))
}

fn shown_group(core: &Core, group: &Group) -> Value {
    json!({
        "Arn": core.group_arn(&group.name),
        "Name": group.name,
        "State": "ACTIVE",
        "CreationDate": seconds(group.created_ms),
        "LastModificationDate": seconds(group.created_ms),
    })
}

/// A time as REST writes it: seconds since the epoch.
fn seconds(ms: Millis) -> Value {
    ms.div_euclid(1000).into()
}
