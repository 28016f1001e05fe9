//! Tables, buckets and parameters.

use serde::Deserialize;
use serde_json::Value;

use super::{All, Declared};
use crate::error::TemplateError;
use crate::model::{Bucket, Cors, Index, KeyAttribute, Notification, Parameter, Table};
use crate::values::{flag, number, text_of};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct TableProperties {
    attribute_definitions: Vec<Attribute>,
    key_schema: Vec<KeyPart>,
    #[serde(default)]
    global_secondary_indexes: Vec<IndexProperties>,
    stream_specification: Option<Stream>,
    time_to_live_specification: Option<TimeToLive>,
    point_in_time_recovery_specification: Option<Recovery>,
    /// A global table says per region what a table says once.
    #[serde(default)]
    replicas: Vec<Replica>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Replica {
    point_in_time_recovery_specification: Option<Recovery>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Attribute {
    attribute_name: String,
    attribute_type: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct KeyPart {
    attribute_name: String,
    key_type: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct IndexProperties {
    index_name: String,
    key_schema: Vec<KeyPart>,
    projection: Projection,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Projection {
    projection_type: String,
    #[serde(default)]
    non_key_attributes: Vec<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Stream {
    stream_view_type: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct TimeToLive {
    attribute_name: Option<String>,
    #[serde(deserialize_with = "flag")]
    enabled: bool,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Recovery {
    #[serde(default, deserialize_with = "flag")]
    point_in_time_recovery_enabled: bool,
}

pub(super) fn tables(all: &All<'_>) -> Result<Vec<Table>, TemplateError> {
    let mut tables = all
        .of(&["AWS::DynamoDB::Table", "AWS::DynamoDB::GlobalTable"])
        .map(table)
        .collect::<Result<Vec<_>, _>>()?;
    for declared in all.of(&["AWS::Serverless::SimpleTable"]) {
        tables.push(simple_table(declared)?);
    }
    Ok(tables)
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct SimpleTableProperties {
    primary_key: PrimaryKey,
    point_in_time_recovery_specification: Option<Recovery>,
}

/// SAM's default is a text attribute `id`.
#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct PrimaryKey {
    name: Option<String>,
    #[serde(rename = "Type")]
    kind: Option<String>,
}

fn simple_table(declared: &Declared<'_>) -> Result<Table, TemplateError> {
    let properties: SimpleTableProperties = declared.typed()?;
    let kind = match properties.primary_key.kind.as_deref() {
        None | Some("String") => "S",
        Some("Number") => "N",
        Some("Binary") => "B",
        Some(other) => return Err(declared.error(format!("{other} is no type of a key"))),
    };
    Ok(Table {
        logical_id: declared.logical_id(),
        stack: declared.stack_name(),
        name: declared.name.clone(),
        arn: declared.arn.clone(),
        partition_key: KeyAttribute {
            name: properties.primary_key.name.unwrap_or_else(|| "id".to_owned()),
            kind: kind.to_owned(),
        },
        sort_key: None,
        indexes: Vec::new(),
        stream: None,
        ttl_attribute: None,
        recovery: properties
            .point_in_time_recovery_specification
            .is_some_and(|r| r.point_in_time_recovery_enabled),
    })
}

fn table(declared: &Declared<'_>) -> Result<Table, TemplateError> {
    let properties: TableProperties = declared.typed()?;
    let attributes = &properties.attribute_definitions;
    let (partition_key, sort_key) = keys(declared, attributes, &properties.key_schema)?;
    let mut indexes = Vec::new();
    for index in &properties.global_secondary_indexes {
        let (partition_key, sort_key) = keys(declared, attributes, &index.key_schema)?;
        indexes.push(Index {
            name: index.index_name.clone(),
            partition_key,
            sort_key,
            projection: index.projection.projection_type.clone(),
            included: index.projection.non_key_attributes.clone(),
        });
    }
    Ok(Table {
        logical_id: declared.logical_id(),
        stack: declared.stack_name(),
        name: declared.name.clone(),
        arn: declared.arn.clone(),
        partition_key,
        sort_key,
        indexes,
        stream: properties.stream_specification.map(|s| s.stream_view_type),
        ttl_attribute: properties
            .time_to_live_specification
            .filter(|t| t.enabled)
            .and_then(|t| t.attribute_name),
        recovery: properties
            .point_in_time_recovery_specification
            .iter()
            .chain(properties.replicas.iter().filter_map(|r| r.point_in_time_recovery_specification.as_ref()))
            .any(|r| r.point_in_time_recovery_enabled),
    })
}

fn keys(
    declared: &Declared<'_>,
    attributes: &[Attribute],
    schema: &[KeyPart],
) -> Result<(KeyAttribute, Option<KeyAttribute>), TemplateError> {
    let find = |role: &str| {
        let Some(part) = schema.iter().find(|p| p.key_type == role) else { return Ok(None) };
        let attribute = attributes.iter().find(|a| a.attribute_name == part.attribute_name);
        let attribute = attribute.ok_or_else(|| {
            declared.error(format!("{} is a key but has no definition", part.attribute_name))
        })?;
        Ok(Some(KeyAttribute { name: part.attribute_name.clone(), kind: attribute.attribute_type.clone() }))
    };
    let partition = find("HASH")?.ok_or_else(|| declared.error("a key schema has no HASH part"))?;
    Ok((partition, find("RANGE")?))
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct BucketProperties {
    #[serde(rename = "CorsConfiguration")]
    cors: CorsConfiguration,
    #[serde(rename = "NotificationConfiguration")]
    notification: NotificationConfiguration,
    #[serde(rename = "LifecycleConfiguration")]
    lifecycle: LifecycleConfiguration,
    #[serde(rename = "VersioningConfiguration")]
    versioning: VersioningConfiguration,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct CorsConfiguration {
    cors_rules: Vec<CorsRule>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct CorsRule {
    allowed_origins: Vec<String>,
    allowed_methods: Vec<String>,
    allowed_headers: Vec<String>,
    exposed_headers: Vec<String>,
    #[serde(deserialize_with = "number")]
    max_age: Option<u32>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct NotificationConfiguration {
    #[serde(rename = "QueueConfigurations")]
    queues: Vec<NotifiedTarget>,
    #[serde(rename = "LambdaConfigurations")]
    functions: Vec<NotifiedTarget>,
    #[serde(rename = "TopicConfigurations")]
    topics: Vec<NotifiedTarget>,
    #[serde(rename = "EventBridgeConfiguration")]
    bus: Option<EventBridge>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct NotifiedTarget {
    event: String,
    #[serde(alias = "Queue", alias = "Function", alias = "Topic")]
    arn: String,
    #[serde(default)]
    filter: Filter,
}

/// The `Filter` of a notification, in CloudFormation and in SAM.
#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct Filter {
    #[serde(rename = "S3Key")]
    key: KeyFilter,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct KeyFilter {
    rules: Vec<FilterRule>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct FilterRule {
    name: String,
    value: String,
}

impl Filter {
    fn part(&self, name: &str) -> Option<String> {
        let rule = self.key.rules.iter().find(|r| r.name.eq_ignore_ascii_case(name));
        rule.map(|r| r.value.clone())
    }

    pub(super) fn notification(&self, events: Vec<String>, target_arn: String) -> Notification {
        Notification { events, target_arn, prefix: self.part("prefix"), suffix: self.part("suffix") }
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct EventBridge {
    #[serde(rename = "EventBridgeEnabled", default = "yes", deserialize_with = "flag")]
    enabled: bool,
}

const fn yes() -> bool {
    true
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct LifecycleConfiguration {
    rules: Vec<Value>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct VersioningConfiguration {
    status: Option<String>,
}

pub(super) fn buckets(all: &All<'_>) -> Result<Vec<Bucket>, TemplateError> {
    all.of(&["AWS::S3::Bucket"]).map(bucket).collect()
}

fn bucket(declared: &Declared<'_>) -> Result<Bucket, TemplateError> {
    let properties: BucketProperties = declared.typed()?;
    let told = properties.notification;
    let targets = told.queues.into_iter().chain(told.functions).chain(told.topics);
    let cors = properties.cors.cors_rules.into_iter().map(|rule| Cors {
        origins: rule.allowed_origins,
        methods: rule.allowed_methods,
        headers: rule.allowed_headers,
        exposed: rule.exposed_headers,
        max_age_s: rule.max_age,
        credentials: false,
    });
    Ok(Bucket {
        logical_id: declared.logical_id(),
        stack: declared.stack_name(),
        name: declared.name.clone(),
        arn: declared.arn.clone(),
        cors: cors.collect(),
        notifications: targets.map(|t| t.filter.notification(vec![t.event], t.arn)).collect(),
        eventbridge: told.bus.is_some_and(|e| e.enabled),
        lifecycle: properties.lifecycle.rules,
        versioning: properties.versioning.status.as_deref() == Some("Enabled"),
    })
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct ParameterProperties {
    #[serde(rename = "Type")]
    kind: String,
    value: Value,
}

pub(super) fn parameters(all: &All<'_>) -> Result<Vec<Parameter>, TemplateError> {
    all.of(&["AWS::SSM::Parameter"])
        .map(|declared| {
            let properties: ParameterProperties = declared.typed()?;
            Ok(Parameter {
                logical_id: declared.logical_id(),
                stack: declared.stack_name(),
                name: declared.name.clone(),
                kind: properties.kind,
                value: text_of(&properties.value),
            })
        })
        .collect()
}
