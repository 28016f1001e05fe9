//! Tags of buses and rules, and of schedule groups, whose protocol differs.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::{Value, json};

use super::{Tag, tag_map};
use crate::error::EventsError;
use crate::events::Events;

#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct TagResource {
    #[serde(default, rename = "ResourceARN")]
    pub resource_arn: String,
    #[serde(default)]
    pub tags: Vec<Tag>,
    #[serde(default)]
    pub tag_keys: Vec<String>,
}

impl Events {
    pub(super) fn tag_resource(&self, input: TagResource) -> Result<Value, EventsError> {
        self.change_tags(&input.resource_arn, |tags| tags.extend(tag_map(input.tags)))
    }

    pub(super) fn untag_resource(&self, input: &TagResource) -> Result<Value, EventsError> {
        self.change_tags(&input.resource_arn, |tags| tags.retain(|key, _| !input.tag_keys.contains(key)))
    }

    pub(super) fn list_tags_for_resource(&self, input: &TagResource) -> Result<Value, EventsError> {
        let core = self.lock();
        if !core.taggable(&input.resource_arn) {
            return Err(EventsError::NotFound(format!("Resource {}", input.resource_arn)));
        }
        let tags = core.tags.get(&input.resource_arn).into_iter().flatten();
        let tags: Vec<Tag> =
            tags.map(|(key, value)| Tag { key: key.clone(), value: value.clone() }).collect();
        Ok(json!({"Tags": tags}))
    }

    fn change_tags(
        &self,
        arn: &str,
        change: impl FnOnce(&mut BTreeMap<String, String>),
    ) -> Result<Value, EventsError> {
        let mut core = self.lock();
        if !core.taggable(arn) {
            return Err(EventsError::NotFound(format!("Resource {arn}")));
        }
        let mut tags = core.tags.get(arn).cloned().unwrap_or_default();
        change(&mut tags);
        core.save_tags(arn, tags)?;
        Ok(json!({}))
    }
}
