//! Limits of CloudFormation and API Gateway, least privilege, dead-letter queues.

use std::collections::{BTreeMap, BTreeSet};

use cloud_template::{EventSource, RouteKey};
use gates::{root, templates};

/// CloudFormation allows 500 resources a stack.
const RESOURCES_MAX: usize = 450;
/// An HTTP API takes 300 integrations (no more) and 300 routes (by default).
const ROUTES_MAX: usize = 290;

#[test]
fn no_stack_grows_beyond_what_cloudformation_takes_after_the_transform() {
    for stack in templates().unwrap().stacks {
        assert!(
            stack.expanded_resources <= RESOURCES_MAX,
            "{}: {} resources after the transform",
            stack.name,
            stack.expanded_resources
        );
    }
}

#[test]
fn no_api_has_more_routes_or_integrations_than_api_gateway_takes() {
    let product = templates().unwrap();
    let mut routes: BTreeMap<&str, usize> = BTreeMap::new();
    for route in product.routes.iter().filter(|r| !matches!(r.key, RouteKey::WebSocket(_))) {
        *routes.entry(&route.api).or_default() += 1;
    }
    assert!(!routes.is_empty());
    for (api, count) in routes {
        assert!(count <= ROUTES_MAX, "{api}: {count} routes");
    }
    let integrations: usize = product
        .stacks
        .iter()
        .flat_map(|s| s.resources.values())
        .filter(|r| r.kind == "AWS::ApiGatewayV2::Integration")
        .count();
    assert!(integrations <= ROUTES_MAX, "{integrations} integrations");
}

#[test]
fn logical_ids_are_unique_across_stacks() {
    let mut seen = BTreeSet::new();
    for stack in templates().unwrap().stacks {
        for id in stack.resources.keys() {
            assert!(seen.insert(id.clone()), "{id} is in two stacks");
        }
    }
}

/// Actions whose resource has no ARN.
const WITHOUT_ARN: [&str; 5] = [
    "sns:Publish",
    "mediaconvert:Probe",
    "dynamodb:ListStreams",
    "xray:PutTelemetryRecords",
    "xray:PutTraceSegments",
];

#[test]
fn no_role_has_a_wildcard_where_an_arn_exists() {
    for function in templates().unwrap().functions {
        for statement in &function.statements {
            for action in &statement.actions {
                assert!(!action.contains('*'), "{}: action {action}", function.name);
                let all = statement.resources.iter().any(|r| r == "*");
                assert!(!all || WITHOUT_ARN.contains(&action.as_str()), "{}: {action} on *", function.name);
            }
        }
        assert!(function.managed_policies.is_empty(), "{}: {:?}", function.name, function.managed_policies);
    }
}

#[test]
fn every_function_has_its_own_log_group_with_retention() {
    let product = templates().unwrap();
    let groups: BTreeSet<String> = product
        .stacks
        .iter()
        .flat_map(|s| s.resources.values())
        .filter(|r| r.kind == "AWS::Logs::LogGroup" && r.properties.get("RetentionInDays").is_some())
        .filter_map(|r| r.properties["LogGroupName"].as_str().map(str::to_owned))
        .collect();
    for function in product.functions {
        assert!(groups.contains(&format!("/aws/lambda/{}", function.name)), "{}", function.name);
    }
}

#[test]
fn every_consumed_queue_has_a_watched_dead_letter_queue_and_waits_six_timeouts() {
    let product = templates().unwrap();
    let queues: BTreeMap<&str, _> = product.queues.iter().map(|q| (q.arn.as_str(), q)).collect();
    let watched: BTreeSet<String> = product
        .stacks
        .iter()
        .flat_map(|s| s.resources.values())
        .filter(|r| r.kind == "AWS::CloudWatch::Alarm" && r.properties["Namespace"] == "AWS/SQS")
        .filter_map(|r| r.properties["Dimensions"][0]["Value"].as_str().map(str::to_owned))
        .collect();
    let mut consumed = 0;
    for function in &product.functions {
        for source in &function.events {
            match source {
                EventSource::Sqs { queue_arn, report_failures, .. } => {
                    consumed += 1;
                    assert!(report_failures, "{} does not report failures", function.name);
                    let queue = queues[queue_arn.as_str()];
                    assert!(queue.visibility_s >= 6 * function.timeout_s, "{}", queue.name);
                    let redrive =
                        queue.redrive.as_ref().unwrap_or_else(|| panic!("{} has no DLQ", queue.name));
                    let dlq = queues[redrive.target_arn.as_str()];
                    assert!(watched.contains(&dlq.name), "no alarm on {}", dlq.name);
                }
                EventSource::DynamoDbStream { report_failures, on_failure, .. } => {
                    assert!(*report_failures && on_failure.is_some(), "{}", function.name);
                }
                EventSource::Schedule { .. } => {}
            }
        }
    }
    assert!(consumed > 0);
}

#[test]
fn tables_can_be_restored_expire_and_stream() {
    for table in templates().unwrap().tables {
        assert!(table.recovery, "{}", table.name);
        assert_eq!(table.ttl_attribute.as_deref(), Some("expires_at"), "{}", table.name);
        assert_eq!(table.stream.as_deref(), Some("NEW_AND_OLD_IMAGES"), "{}", table.name);
    }
}

#[test]
fn the_makefile_and_the_templates_agree_on_how_functions_are_built() {
    let makefile = std::fs::read_to_string(root().join("Makefile")).unwrap();
    assert!(makefile.contains("build-%:"));
    for function in templates().unwrap().functions {
        assert_eq!(function.runtime.as_deref(), Some("provided.al2023"), "{}", function.name);
    }
}

#[test]
fn templates_and_the_openapi_document_are_what_the_functions_declare() {
    for (path, text) in generate::files() {
        let committed = std::fs::read_to_string(root().join(&path)).unwrap_or_default();
        assert!(committed == text, "{path} is not up to date: make generate");
    }
}
