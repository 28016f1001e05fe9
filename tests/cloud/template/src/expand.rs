//! How many resources a template has once SAM has expanded it: CloudFormation allows 500 a stack and counts then.
//!
//! Source: "Generated CloudFormation resources" of the SAM developer guide, checked against `aws-sam-translator`.
//! Resources with a false condition count too.

use std::collections::BTreeSet;
use std::path::Path;

use crate::error::TemplateError;
use crate::template::{Resource, Template};
use crate::yaml::{Entry, Node};

/// How many CloudFormation resources the template in `file` has after the SAM transform, nested stacks counting as one
/// each. Needs no parameters: resources with a false condition count too.
///
/// # Errors
/// When the file cannot be read or is no template.
pub fn expanded_resource_count(file: &Path) -> Result<usize, TemplateError> {
    let error = |line, problem| TemplateError { file: file.to_owned(), line, logical_id: None, problem };
    let text = std::fs::read_to_string(file).map_err(|e| error(None, format!("cannot be read: {e}")))?;
    let template = Template::read(&text).map_err(|p| error(Some(p.line), p.text))?;
    Ok(expanded_resources(&template))
}

pub(crate) fn expanded_resources(template: &Template) -> usize {
    let own: usize = template.resources.iter().map(expanded).sum();
    own + shared(template)
}

fn expanded(resource: &Resource) -> usize {
    let properties = &resource.properties;
    let domain = |node: &Node| match node.get("Domain") {
        // Domain name, one mapping for each path, record set.
        Some(domain) => {
            1 + domain.get("BasePath").map_or(1, |p| p.items().len().max(1))
                + usize::from(domain.get("Route53").is_some())
        }
        None => 0,
    };
    match resource.kind.as_str() {
        "AWS::Serverless::Function" => function(properties),
        // API and stage.
        "AWS::Serverless::HttpApi" => 2 + domain(properties),
        // API, deployment and stage.
        "AWS::Serverless::Api" => 3 + domain(properties),
        // State machine and role.
        "AWS::Serverless::StateMachine" => 2 - usize::from(properties.get("Role").is_some()),
        _ => 1,
    }
}

fn function(properties: &Node) -> usize {
    let has = |name: &str| properties.get(name).is_some();
    let role = usize::from(!has("Role"));
    // Version and alias.
    let alias = if has("AutoPublishAlias") { 2 } else { 0 };
    let deployment = usize::from(has("DeploymentPreference"));
    // URL, and the permissions to invoke it and through it when anyone may.
    let url = properties
        .get("FunctionUrlConfig")
        .map_or(0, |c| if c.text_of("AuthType") == Some("NONE") { 3 } else { 1 });
    let invoke = properties.get("EventInvokeConfig").map_or(0, |config| 1 + made_destinations(config));
    let events: usize =
        properties.get("Events").map(Node::entries).unwrap_or_default().iter().map(event).sum();
    1 + role + alias + deployment + url + invoke + events
}

/// Destinations of type SQS or SNS without an ARN are made by SAM.
fn made_destinations(config: &Node) -> usize {
    let destinations = config.get("DestinationConfig").map(Node::entries).unwrap_or_default();
    let made = |e: &&Entry| {
        matches!(e.value.text_of("Type"), Some("SQS" | "SNS")) && e.value.get("Destination").is_none()
    };
    destinations.iter().filter(made).count()
}

fn event(entry: &Entry) -> usize {
    let properties = entry.value.get("Properties");
    let has = |name: &str| properties.is_some_and(|p| p.get(name).is_some());
    // `DeadLetterConfig: {Type: SQS}` makes a queue and its policy.
    let dead_letters = properties
        .and_then(|p| p.get("DeadLetterConfig"))
        .map_or(0, |d| if d.get("Type").is_some() { 2 } else { 0 });
    match entry.value.text_of("Type").unwrap_or_default() {
        "Schedule" | "CloudWatchEvent" | "EventBridgeRule" => 2 + dead_letters,
        "ScheduleV2" => {
            // Schedule and role; its dead-letter queue needs no policy.
            1 + usize::from(!has("RoleArn")) + dead_letters.min(1)
        }
        "SNS" if properties.is_some_and(|p| p.get("SqsSubscription").is_some()) => 4,
        "SNS" | "IoTRule" | "CloudWatchLogs" => 2,
        // An event source mapping for what is polled; a permission for the others, whose rest goes into the API or bucket.
        _ => 1,
    }
}

/// What is made once for the whole template.
fn shared(template: &Template) -> usize {
    let functions = || template.resources.iter().filter(|r| r.kind == "AWS::Serverless::Function");
    let events = || functions().filter_map(|f| f.properties.get("Events")).flat_map(Node::entries);
    let rest_event = |e: &Entry| {
        e.value.text_of("Type") == Some("Api")
            && e.value.get("Properties").is_none_or(|p| p.get("RestApiId").is_none())
    };
    // The implicit REST API, its deployment and stage. (The implicit HTTP API is among the resources.)
    let rest = if events().any(rest_event) { 3 } else { 0 };
    // CodeDeploy's application and, for those that bring none, its role.
    let preferences: Vec<&Node> =
        functions().filter_map(|f| f.properties.get("DeploymentPreference")).collect();
    let roles: BTreeSet<bool> = preferences.iter().map(|p| p.get("Role").is_some()).collect();
    rest + usize::from(!preferences.is_empty()) + usize::from(roles.contains(&false))
}
