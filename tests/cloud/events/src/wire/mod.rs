//! The two wire protocols: AWS JSON 1.1 for buses and rules, REST for `EventBridge` Scheduler.

mod buses;
mod put_events;
mod rules;
mod scheduler;
mod tags;
mod targets;

use std::collections::BTreeMap;

use cloud_core::{Request, Response, Service};
use futures::future::BoxFuture;
use http::{HeaderValue, header};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::error::{Api, EventsError};
use crate::events::Events;

/// The largest request: ten entries of together 256 KiB, with room for what JSON adds.
const REQUEST_BYTES_MAX: usize = 4 * 1024 * 1024;

impl Service for Events {
    fn call(&self, request: Request) -> BoxFuture<'_, Response> {
        Box::pin(async move {
            let target = request.headers().get("x-amz-target").and_then(|v| v.to_str().ok());
            let action = target.and_then(|t| t.strip_prefix("AWSEvents.")).map(str::to_owned);
            let (api, kind) = match action {
                Some(_) => (Api::Bus, "application/x-amz-json-1.1"),
                None => (Api::Scheduler, "application/json"),
            };
            match answer(self, action, request).await {
                Ok(value) => {
                    // Operations without a result answer with an empty body, in JSON 1.1 and in REST alike.
                    let body = if value.is_null() { String::new() } else { value.to_string() };
                    let mut response = http::Response::new(axum::body::Body::from(body));
                    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
                    response
                }
                Err(error) => error.response(api),
            }
        })
    }
}

async fn answer(events: &Events, action: Option<String>, request: Request) -> Result<Value, EventsError> {
    let (parts, body) = request.into_parts();
    let body = axum::body::to_bytes(body, REQUEST_BYTES_MAX)
        .await
        .map_err(|e| EventsError::Serialization(format!("request body: {e}")))?;
    let value = match action {
        Some(action) => bus_action(events, &action, &body)?,
        None => events.scheduler(&parts, &body)?,
    };
    // What is scheduled may be due before the loop would look again.
    events.work.notify_one();
    Ok(value)
}

fn bus_action(events: &Events, action: &str, body: &[u8]) -> Result<Value, EventsError> {
    match action {
        "PutEvents" => events.put_events(parse(body)?),
        "TestEventPattern" => put_events::test_event_pattern(&parse(body)?),
        "PutRule" => events.put_rule(parse(body)?),
        "DeleteRule" => events.delete_rule(&parse(body)?),
        "DescribeRule" => events.describe_rule(&parse(body)?),
        "EnableRule" => events.enable_rule(&parse(body)?, true),
        "DisableRule" => events.enable_rule(&parse(body)?, false),
        "ListRules" => events.list_rules(&parse(body)?),
        "ListRuleNamesByTarget" => events.list_rule_names_by_target(&parse(body)?),
        "PutTargets" => events.put_targets(parse(body)?),
        "RemoveTargets" => events.remove_targets(&parse(body)?),
        "ListTargetsByRule" => events.list_targets_by_rule(&parse(body)?),
        "CreateEventBus" => events.create_event_bus(parse(body)?),
        "DeleteEventBus" => events.delete_event_bus(&parse(body)?),
        "DescribeEventBus" => events.describe_event_bus(&parse(body)?),
        "ListEventBuses" => events.list_event_buses(&parse(body)?),
        "TagResource" => events.tag_resource(parse(body)?),
        "UntagResource" => events.untag_resource(&parse(body)?),
        "ListTagsForResource" => events.list_tags_for_resource(&parse(body)?),
        _ => Err(EventsError::UnknownOperation(action.to_owned())),
    }
}

fn parse<T: DeserializeOwned>(body: &[u8]) -> Result<T, EventsError> {
    let body = if body.is_empty() { b"{}".as_slice() } else { body };
    serde_json::from_slice(body).map_err(|e| EventsError::Serialization(e.to_string()))
}

/// A tag on the wire.
#[derive(Clone, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Tag {
    key: String,
    value: String,
}

fn tag_map(tags: Vec<Tag>) -> BTreeMap<String, String> {
    tags.into_iter().map(|tag| (tag.key, tag.value)).collect()
}

/// One page of a sorted list and the token of the next, which is the last name of the page.
fn page<T>(
    sorted: impl Iterator<Item = (String, T)>,
    limit: Option<usize>,
    token: Option<&str>,
) -> Result<(Vec<T>, Option<String>), EventsError> {
    let limit = limit.unwrap_or(100);
    if !(1..=100).contains(&limit) {
        return Err(EventsError::Validation(format!("Value {limit} must be between 1 and 100.")));
    }
    let mut rest = sorted.filter(|(name, _)| token.is_none_or(|last| name.as_str() > last));
    let mut last = None;
    let items = rest
        .by_ref()
        .take(limit)
        .map(|(name, item)| {
            last = Some(name);
            item
        })
        .collect();
    let more = rest.next().is_some();
    Ok((items, last.filter(|_| more)))
}

/// A list with its token, under the names that an operation gives them.
fn listed(name: &str, items: Value, token: Option<String>) -> Value {
    let mut fields = serde_json::Map::new();
    fields.insert(name.to_owned(), items);
    fields.extend(token.map(|token| ("NextToken".to_owned(), Value::String(token))));
    Value::Object(fields)
}

/// Fields that have a value.
fn present<const N: usize>(fields: [(&str, Option<Value>); N]) -> Value {
    fields.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))).collect()
}

/// A name of up to `len_max` letters, digits, and these characters.
fn check_name(what: &str, name: &str, len_max: usize, others: &str) -> Result<(), EventsError> {
    let fits = (1..=len_max).contains(&name.len())
        && name.chars().all(|c| c.is_ascii_alphanumeric() || others.contains(c));
    if fits {
        return Ok(());
    }
    Err(EventsError::Validation(format!(
        "{what} '{name}' must have 1 to {len_max} characters: letters, digits and {others}"
    )))
}
