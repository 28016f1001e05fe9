//! What calls a function by itself: event source mappings, schedules, and SAM's events that stand for them.

use serde::Deserialize;
use serde_json::{Value, json};

use super::functions::{Destinations, input_text, sam_events};
use super::stores::Filter;
use super::{All, Declared};
use crate::error::TemplateError;
use crate::model::{EventSource, Permission, Product, Subscription};
use crate::values::{flag, number, texts};

/// Lambda's defaults: batches of 10 messages or 100 stream records.
const SQS_BATCH: u32 = 10;
const STREAM_BATCH: u32 = 100;

/// `AWS::Lambda::EventSourceMapping`, and SAM's `SQS` and DynamoDB events, which have `Queue` and `Stream`.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Mapping {
    #[serde(alias = "Queue", alias = "Stream")]
    event_source_arn: String,
    #[serde(default)]
    function_name: String,
    #[serde(default, deserialize_with = "number")]
    batch_size: Option<u32>,
    #[serde(default, deserialize_with = "number")]
    maximum_batching_window_in_seconds: Option<u32>,
    #[serde(default)]
    function_response_types: Vec<String>,
    #[serde(default)]
    filter_criteria: Filters,
    #[serde(default)]
    scaling_config: Scaling,
    /// -1 is "until the records expire".
    #[serde(default, deserialize_with = "number")]
    maximum_retry_attempts: Option<i64>,
    #[serde(default, deserialize_with = "number")]
    maximum_record_age_in_seconds: Option<i64>,
    #[serde(default, deserialize_with = "flag")]
    bisect_batch_on_function_error: bool,
    #[serde(default)]
    destination_config: Destinations,
    #[serde(default, deserialize_with = "number")]
    parallelization_factor: Option<u32>,
    #[serde(default)]
    starting_position: Option<String>,
    #[serde(default = "on", deserialize_with = "flag")]
    enabled: bool,
}

const fn on() -> bool {
    true
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct Filters {
    filters: Vec<FilterText>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct FilterText {
    pattern: String,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct Scaling {
    #[serde(deserialize_with = "number")]
    maximum_concurrency: Option<u32>,
}

impl Mapping {
    fn source(self, declared: &Declared<'_>) -> Result<EventSource, TemplateError> {
        let patterns = self.filter_criteria.filters.iter().map(|f| serde_json::from_str(&f.pattern));
        let filters: Vec<Value> =
            patterns.collect::<Result<_, _>>().map_err(|e| declared.error(format!("filter pattern: {e}")))?;
        let report_failures = self.function_response_types.iter().any(|t| t == "ReportBatchItemFailures");
        let window_s = self.maximum_batching_window_in_seconds.unwrap_or(0);
        let arn = self.event_source_arn;
        match arn.split(':').nth(2) {
            Some("sqs") => Ok(EventSource::Sqs {
                queue_arn: arn,
                batch_size: self.batch_size.unwrap_or(SQS_BATCH),
                window_s,
                report_failures,
                filters,
                max_concurrency: self.scaling_config.maximum_concurrency,
                enabled: self.enabled,
            }),
            Some("dynamodb") => {
                let table = arn.split_once(":table/").and_then(|(_, rest)| rest.split_once("/stream/"));
                let (table, _) =
                    table.ok_or_else(|| declared.error(format!("{arn} is no stream of a table")))?;
                Ok(EventSource::DynamoDbStream {
                    table: table.to_owned(),
                    stream_arn: arn,
                    batch_size: self.batch_size.unwrap_or(STREAM_BATCH),
                    window_s,
                    report_failures,
                    filters,
                    max_retries: self.maximum_retry_attempts.and_then(|n| u32::try_from(n).ok()),
                    max_age_s: self.maximum_record_age_in_seconds.and_then(|n| u32::try_from(n).ok()),
                    bisect: self.bisect_batch_on_function_error,
                    on_failure: self.destination_config.on_failure(),
                    parallelization: self.parallelization_factor.unwrap_or(1),
                    from_oldest: self.starting_position.as_deref() != Some("LATEST"),
                    enabled: self.enabled,
                })
            }
            _ => Err(declared.error(format!("event sources like {arn} do not run here"))),
        }
    }
}

/// SAM's `SNS` event.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct SnsEvent {
    topic: String,
    filter_policy: Option<Value>,
}

/// SAM's `S3` event.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct S3Event {
    bucket: String,
    #[serde(deserialize_with = "texts")]
    events: Vec<String>,
    #[serde(default)]
    filter: Filter,
}

/// Gives every function its sources, and to topics and buckets what SAM's events add to them.
pub(super) fn attach(all: &All<'_>, product: &mut Product) -> Result<(), TemplateError> {
    for declared in all.of(&["AWS::Lambda::EventSourceMapping"]) {
        let mapping: Mapping = declared.typed()?;
        let name = mapping.function_name.clone();
        let source = mapping.source(declared)?;
        if !add(product, &name, source) {
            return Err(declared.error(format!("there is no function {name}")));
        }
    }
    for (function, name, event) in sam_events(all)? {
        attach_sam(product, function, &name, &event.kind, &event.properties)?;
    }
    attach_schedules(product);
    Ok(())
}

fn add(product: &mut Product, function: &str, source: EventSource) -> bool {
    match product.functions.iter_mut().find(|f| f.is(function)) {
        Some(function) => {
            function.events.push(source);
            true
        }
        None => false,
    }
}

fn attach_sam(
    product: &mut Product,
    function: &Declared<'_>,
    name: &str,
    kind: &str,
    properties: &Value,
) -> Result<(), TemplateError> {
    let permit = |principal: &str, source: String| Permission {
        function: function.name.clone(),
        principal: principal.to_owned(),
        source_arn: Some(source),
    };
    match kind {
        "SQS" | "DynamoDB" => {
            let source = function.typed_part::<Mapping>(properties)?.source(function)?;
            add(product, &function.arn, source);
        }
        // Read where rules, schedules and routes are.
        "EventBridgeRule" | "CloudWatchEvent" | "Schedule" => {
            let logical_id = format!("{}{name}", function.resource.logical_id);
            let rule =
                product.rules.iter().find(|r| r.logical_id == logical_id && r.stack == function.stack.name);
            product.permissions.extend(rule.map(|r| permit("events.amazonaws.com", r.arn.clone())));
        }
        "ScheduleV2" | "HttpApi" => {}
        "SNS" => {
            let event: SnsEvent = function.typed_part(properties)?;
            let topic = product.topics.iter_mut().find(|t| t.arn == event.topic);
            let topic = topic.ok_or_else(|| function.error(format!("there is no topic {}", event.topic)))?;
            topic.subscriptions.push(Subscription {
                protocol: "lambda".to_owned(),
                endpoint: function.arn.clone(),
                filter: event.filter_policy,
                raw: false,
            });
            product.permissions.push(permit("sns.amazonaws.com", event.topic));
        }
        "S3" => {
            let event: S3Event = function.typed_part(properties)?;
            let bucket = product.buckets.iter_mut().find(|b| b.name == event.bucket);
            let bucket =
                bucket.ok_or_else(|| function.error(format!("there is no bucket {}", event.bucket)))?;
            bucket.notifications.push(event.filter.notification(event.events, function.arn.clone()));
            product.permissions.push(permit("s3.amazonaws.com", bucket.arn.clone()));
        }
        other => return Err(function.error(format!("event {name}: events of type {other} do not run here"))),
    }
    Ok(())
}

/// Shows each function the schedules that call it.
fn attach_schedules(product: &mut Product) {
    let mut found = Vec::new();
    for rule in &product.rules {
        for target in &rule.targets {
            if let Some(expression) = &rule.schedule {
                found.push((target, expression, &rule.name, None, rule.enabled));
            }
        }
    }
    for schedule in &product.schedules {
        let zone = schedule.timezone.clone();
        found.push((&schedule.target, &schedule.expression, &schedule.name, zone, schedule.enabled));
    }
    let sources: Vec<(String, EventSource)> = found
        .into_iter()
        .map(|(target, expression, name, timezone, enabled)| {
            let source = EventSource::Schedule {
                expression: expression.clone(),
                name: name.clone(),
                input: input_text(target.get("Input")),
                timezone,
                enabled,
            };
            (target.get("Arn").unwrap_or(&json!("")).as_str().unwrap_or_default().to_owned(), source)
        })
        .collect();
    for (arn, source) in sources {
        // A schedule may also send to a queue or a bus; then no function has it.
        add(product, &arn, source);
    }
}
