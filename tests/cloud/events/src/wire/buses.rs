use serde::Deserialize;
use serde_json::{Value, json};

use super::{Tag, check_name, listed, page, present, tag_map};
use crate::core::Core;
use crate::error::EventsError;
use crate::events::Events;
use crate::model::{Bus, DEFAULT_BUS};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct CreateEventBus {
    #[serde(default)]
    name: String,
    description: Option<String>,
    #[serde(default)]
    tags: Vec<Tag>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct EventBusName {
    name: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct ListEventBuses {
    #[serde(default)]
    name_prefix: String,
    limit: Option<usize>,
    next_token: Option<String>,
}

impl Events {
    pub(super) fn create_event_bus(&self, input: CreateEventBus) -> Result<Value, EventsError> {
        check_name("Event bus name", &input.name, 256, "/.-_")?;
        let mut core = self.lock();
        if core.buses.contains_key(&input.name) {
            return Err(EventsError::AlreadyExists(format!("Event bus {}", input.name)));
        }
        let arn = core.bus_arn(&input.name);
        let description = input.description.clone();
        let created_ms = self.clock.now_ms();
        core.save_bus(Bus { name: input.name, description: input.description, created_ms })?;
        if !input.tags.is_empty() {
            core.save_tags(&arn, tag_map(input.tags))?;
        }
        Ok(present([("EventBusArn", Some(arn.into())), ("Description", description.map(Value::from))]))
    }

    pub(super) fn delete_event_bus(&self, input: &EventBusName) -> Result<Value, EventsError> {
        let mut core = self.lock();
        let name = match core.bus_named(input.name.as_deref()) {
            Ok(name) => name,
            // Deleting what is not there succeeds.
            Err(EventsError::NotFound(_)) => return Ok(Value::Null),
            Err(error) => return Err(error),
        };
        if name == DEFAULT_BUS {
            return Err(EventsError::Validation("Cannot delete event bus default.".to_owned()));
        }
        if core.rules.keys().any(|(bus, _)| *bus == name) {
            return Err(EventsError::Validation("Event bus can't be deleted since it has rules.".to_owned()));
        }
        core.remove_bus(&name)?;
        Ok(Value::Null)
    }

    pub(super) fn describe_event_bus(&self, input: &EventBusName) -> Result<Value, EventsError> {
        let core = self.lock();
        let name = core.bus_named(input.name.as_deref())?;
        let bus = core.buses.get(&name).ok_or(EventsError::NotFound(name))?;
        Ok(shown(&core, bus))
    }

    pub(super) fn list_event_buses(&self, input: &ListEventBuses) -> Result<Value, EventsError> {
        let core = self.lock();
        let buses = core.buses.values().filter(|bus| bus.name.starts_with(&input.name_prefix));
        let (buses, next) = page(
            buses.map(|bus| (bus.name.clone(), shown(&core, bus))),
            input.limit,
            input.next_token.as_deref(),
        )?;
        Ok(listed("EventBuses", json!(buses), next))
    }
}

fn shown(core: &Core, bus: &Bus) -> Value {
    present([
        ("Name", Some(bus.name.clone().into())),
        ("Arn", Some(core.bus_arn(&bus.name).into())),
        ("Description", bus.description.clone().map(Value::from)),
        ("CreationTime", Some(bus.created_ms.div_euclid(1000).into())),
        ("LastModifiedTime", Some(bus.created_ms.div_euclid(1000).into())),
    ])
}
