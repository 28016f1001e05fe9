//! Functions and who may invoke them.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;

use super::policies::{Rights, of_role};
use super::{All, Declared, texts_of};
use crate::error::TemplateError;
use crate::model::{Asynchronous, Function, Permission};
use crate::values::{number, text_of};

pub(super) const SAM_FUNCTION: &str = "AWS::Serverless::Function";

/// Lambda's defaults.
const TIMEOUT_S: u32 = 3;
const MEMORY_MB: u32 = 128;

/// The properties that SAM's and Lambda's own type share, and where they differ, both.
#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct FunctionProperties {
    handler: Option<String>,
    runtime: Option<String>,
    architectures: Vec<String>,
    #[serde(deserialize_with = "number")]
    timeout: Option<u32>,
    #[serde(deserialize_with = "number")]
    memory_size: Option<u32>,
    #[serde(alias = "Code")]
    code_uri: Value,
    environment: Environment,
    role: Option<String>,
    policies: Value,
    #[serde(deserialize_with = "number")]
    reserved_concurrent_executions: Option<u32>,
    event_invoke_config: InvokeConfig,
    dead_letter_queue: Option<DeadLetter>,
    dead_letter_config: Option<DeadLetter>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct Environment {
    variables: BTreeMap<String, Value>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct DeadLetter {
    target_arn: String,
}

#[derive(Clone, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct InvokeConfig {
    function_name: String,
    #[serde(deserialize_with = "number")]
    maximum_retry_attempts: Option<u32>,
    #[serde(deserialize_with = "number")]
    maximum_event_age_in_seconds: Option<u32>,
    destination_config: Destinations,
}

/// Where batches or events go that failed for good.
#[derive(Clone, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct Destinations {
    on_failure: Option<Destination>,
}

#[derive(Clone, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Destination {
    destination: Option<String>,
}

impl Destinations {
    pub(super) fn on_failure(self) -> Option<String> {
        self.on_failure?.destination
    }
}

pub(super) fn functions(all: &All<'_>) -> Result<Vec<Function>, TemplateError> {
    let mut functions = Vec::new();
    for declared in all.of(&[SAM_FUNCTION, "AWS::Lambda::Function"]) {
        functions.push(function(all, declared)?);
    }
    for declared in all.of(&["AWS::Lambda::EventInvokeConfig"]) {
        let config: InvokeConfig = declared.typed()?;
        let function = functions.iter_mut().find(|f| f.is(&config.function_name));
        let function = function
            .ok_or_else(|| declared.error(format!("there is no function {}", config.function_name)))?;
        function.asynchronous = asynchronous(config, function.asynchronous.dead_letter.take());
    }
    Ok(functions)
}

fn function(all: &All<'_>, declared: &Declared<'_>) -> Result<Function, TemplateError> {
    let properties: FunctionProperties = declared.typed()?;
    if declared.properties.get("FunctionUrlConfig").is_some() {
        return Err(declared.error("function URLs do not run here"));
    }
    let mut rights = Rights::default();
    match &properties.role {
        Some(role) => {
            let found = of_role(all, role)?;
            rights =
                found.ok_or_else(|| declared.error(format!("its role {role} is not in the templates")))?;
        }
        None if declared.kind() == SAM_FUNCTION => {
            rights.add_sam(all.world, declared, &properties.policies)?;
            rights.add_managed(declared, "AWSLambdaBasicExecutionRole")?;
        }
        None => return Err(declared.error("has no Role")),
    }
    let dead_letter = properties.dead_letter_queue.or(properties.dead_letter_config).map(|d| d.target_arn);
    Ok(Function {
        logical_id: declared.logical_id(),
        name: declared.name.clone(),
        stack: declared.stack_name(),
        arn: declared.arn.clone(),
        handler: properties.handler,
        runtime: properties.runtime,
        architecture: properties.architectures.into_iter().next().unwrap_or_else(|| "x86_64".to_owned()),
        code_uri: match &properties.code_uri {
            Value::String(path) => Some(path.clone()),
            _ => None,
        },
        timeout_s: properties.timeout.unwrap_or(TIMEOUT_S),
        memory_mb: properties.memory_size.unwrap_or(MEMORY_MB),
        environment: texts_of(&properties.environment.variables),
        statements: rights.statements,
        managed_policies: rights.managed,
        reserved_concurrency: properties.reserved_concurrent_executions,
        asynchronous: asynchronous(properties.event_invoke_config, dead_letter),
        events: Vec::new(),
    })
}

fn asynchronous(config: InvokeConfig, dead_letter: Option<String>) -> Asynchronous {
    Asynchronous {
        max_retries: config.maximum_retry_attempts,
        max_age_s: config.maximum_event_age_in_seconds,
        on_failure: config.destination_config.on_failure(),
        dead_letter,
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct PermissionProperties {
    function_name: String,
    principal: String,
    source_arn: Option<String>,
}

pub(super) fn permissions(all: &All<'_>, functions: &[Function]) -> Result<Vec<Permission>, TemplateError> {
    all.of(&["AWS::Lambda::Permission"])
        .map(|declared| {
            let properties: PermissionProperties = declared.typed()?;
            let function = functions.iter().find(|f| f.is(&properties.function_name));
            let function = function.ok_or_else(|| {
                declared.error(format!("there is no function {}", properties.function_name))
            })?;
            Ok(Permission {
                function: function.name.clone(),
                principal: properties.principal,
                source_arn: properties.source_arn,
            })
        })
        .collect()
}

/// An event of a SAM function.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct SamEvent {
    #[serde(rename = "Type")]
    pub(super) kind: String,
    #[serde(default)]
    pub(super) properties: Value,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct Events {
    events: BTreeMap<String, SamEvent>,
}

/// The `Events` of all SAM functions, with the function and the event's name.
pub(super) fn sam_events<'a>(
    all: &All<'a>,
) -> Result<Vec<(&'a Declared<'a>, String, SamEvent)>, TemplateError> {
    let mut found = Vec::new();
    for declared in all.of(&[SAM_FUNCTION]) {
        let events: Events = declared.typed()?;
        found.extend(events.events.into_iter().map(|(name, event)| (declared, name, event)));
    }
    Ok(found)
}

/// Text that may be JSON, or JSON that may be meant as text: event inputs are written both ways.
pub(super) fn input_text(value: Option<&Value>) -> Option<String> {
    value.map(text_of)
}
