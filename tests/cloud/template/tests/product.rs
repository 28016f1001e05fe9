//! The fixture in `fixtures/product` has the shape of the deployed product: a root with APIs, tables and buckets, and
//! nested stacks with functions, routes and queues.

#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of tests fail the test")]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use cloud_core::Place;
use cloud_template::{
    ApiKind, DynamicReference, Endpoints, EventSource, Function, Options, Product, RouteKey, TemplateError,
    expanded_resource_count, iam, read,
};
use serde_json::json;

const REGION: &str = "us-east-1";

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(name)
}

fn known(reference: &DynamicReference) -> Option<String> {
    match (reference.service.as_str(), reference.key.as_str()) {
        ("ssm", "/product/sender-domain") => Some("example.com".to_owned()),
        ("ssm", "/product/cdn-public-key") => Some("-----BEGIN PUBLIC KEY-----".to_owned()),
        _ => None,
    }
}

fn product(parameters: &[(&str, &str)]) -> Product {
    read_fixture("product/template.yaml", parameters).unwrap_or_else(|e| panic!("{e}"))
}

fn read_fixture(name: &str, parameters: &[(&str, &str)]) -> Result<Product, TemplateError> {
    let options = Options {
        stack_name: "local".to_owned(),
        place: Place {
            account: "000000000000".to_owned(),
            region: REGION.to_owned(),
            endpoint: "http://127.0.0.1:4566".to_owned(),
        },
        endpoints: Endpoints {
            http: "http://127.0.0.1:3000".to_owned(),
            websocket: "ws://127.0.0.1:3000".to_owned(),
            connections: "http://127.0.0.1:4566/_aws/execute-api".to_owned(),
            cdn: "http://127.0.0.1:3001".to_owned(),
        },
        parameters: parameters.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect(),
        dynamic: &known,
    };
    read(&fixture(name), &options)
}

fn function<'a>(product: &'a Product, logical_id: &str) -> &'a Function {
    product.function(logical_id).unwrap()
}

#[test]
fn a_function_has_its_globals_its_own_settings_and_its_environment_resolved_for_this_machine() {
    let product = product(&[]);
    let get = function(&product, "VideosGet");
    assert_eq!(get.name, "local-Videos-videos-get");
    assert_eq!(get.arn, "arn:aws:lambda:us-east-1:000000000000:function:local-Videos-videos-get");
    assert_eq!((get.timeout_s, get.memory_mb, get.architecture.as_str()), (10, 256, "arm64"));
    assert_eq!(get.runtime.as_deref(), Some("provided.al2023"));
    let environment: BTreeMap<&str, &str> =
        get.environment.iter().map(|(k, v)| (k.as_str(), v.as_str())).collect();
    let wanted = BTreeMap::from([
        ("API_URL", "http://127.0.0.1:3000"),
        ("AREA", "videos"),
        ("CDN_URL", "http://127.0.0.1:3001/media"),
        ("PAGE_SIZE", "20"),
        ("QUEUE_URL", "http://127.0.0.1:4566/000000000000/local-Videos-IngestQueue"),
        ("SOCKET_ENDPOINT", "http://127.0.0.1:4566/_aws/execute-api/live"),
        ("STRICT", "true"),
        ("TABLE", "local-VideoTable"),
    ]);
    assert_eq!(environment, wanted);
    assert_eq!(function(&product, "VideosStartTranscode").timeout_s, 60);
    assert_eq!(function(&product, "VideosRelay").timeout_s, 30);
}

#[test]
fn parameters_reach_nested_stacks_and_conditions_choose() {
    let dev = product(&[]);
    assert_eq!(function(&dev, "VideosStartTranscode").reserved_concurrency, Some(5));
    assert_eq!(dev.buckets.len(), 1);
    assert!(dev.topics[0].subscriptions.is_empty());
    assert!(!dev.stacks[0].outputs.contains_key("Domain"));
    let prod = product(&[("Stage", "prod")]);
    assert_eq!(function(&prod, "VideosStartTranscode").reserved_concurrency, Some(50));
    assert_eq!(prod.buckets.len(), 2);
    assert_eq!(prod.topics[0].subscriptions[0].endpoint, "ops@example.com");
    assert_eq!(prod.stacks[0].outputs["Domain"], "example.com", "an SSM parameter's value, not its name");
    assert_eq!(prod.stacks[0].outputs["Territory"], "KR");
}

#[test]
fn nested_stacks_take_each_others_outputs_whatever_their_order() {
    let product = product(&[]);
    let login = function(&product, "AuthLogin");
    assert_eq!(login.environment["QUEUE"], "local-Videos-IngestQueue");
    assert_eq!(login.environment["IMPORTED"], "arn:aws:sqs:us-east-1:000000000000:local-Videos-IngestQueue");
    let names: Vec<&str> = product.stacks.iter().map(|s| s.name.as_str()).collect();
    assert_eq!(names, ["local", "local-Identity", "local-Videos"]);
}

#[test]
fn routes_of_another_stacks_api_lead_to_their_functions() {
    let product = product(&[]);
    let routes: Vec<_> = product
        .routes
        .iter()
        .map(|r| (r.api.as_str(), r.key.clone(), r.function.as_str(), r.permitted))
        .collect();
    let http = |method: &str, path: &str| RouteKey::Http { method: method.to_owned(), path: path.to_owned() };
    assert_eq!(
        routes,
        [
            ("HttpApi", http("GET", "/api/videos/{id}"), "local-Videos-videos-get", true),
            // There is no permission for it, so API Gateway would answer 500.
            ("SocketApi", RouteKey::WebSocket("$connect".to_owned()), "local-Videos-SocketsConnect", false),
            ("ServerlessHttpApi", http("POST", "/auth/login"), "local-Identity-AuthLogin", true),
        ]
    );
    let apis: Vec<_> =
        product.apis.iter().map(|a| (a.logical_id.as_str(), a.kind, a.mappings.clone())).collect();
    assert_eq!(
        apis,
        [
            ("HttpApi", ApiKind::Http, vec![]),
            ("HotelApi", ApiKind::Http, vec!["api/v1".to_owned()]),
            ("SocketApi", ApiKind::WebSocket, vec![]),
            ("ServerlessHttpApi", ApiKind::Http, vec![]),
        ]
    );
    let cors = product.apis[0].cors.as_ref().unwrap();
    assert_eq!((cors.origins.clone(), cors.max_age_s), (vec!["https://example.com".to_owned()], Some(600)));
}

#[test]
fn a_queue_a_stream_and_a_schedule_call_their_functions() {
    let product = product(&[]);
    let sources = &function(&product, "VideosStartTranscode").events;
    assert_eq!(
        sources[0],
        EventSource::Sqs {
            queue_arn: "arn:aws:sqs:us-east-1:000000000000:local-Videos-IngestQueue".to_owned(),
            batch_size: 5,
            window_s: 0,
            report_failures: true,
            filters: vec![],
            max_concurrency: Some(5),
            enabled: true,
        }
    );
    let schedules: Vec<_> = sources
        .iter()
        .filter_map(|source| match source {
            EventSource::Schedule { expression, name, input, timezone, .. } => {
                Some((expression.as_str(), name.as_str(), input.as_deref(), timezone.as_deref()))
            }
            _ => None,
        })
        .collect();
    assert_eq!(
        schedules,
        [
            (
                "cron(0 3 * * ? *)",
                "local-Videos-VideosStartTranscodeNightly",
                Some(r#"{"job":"sweep"}"#),
                None
            ),
            ("rate(5 minutes)", "VideosStartTranscodeTidy", None, Some("Asia/Tokyo")),
        ]
    );
    let relay = &function(&product, "VideosRelay").events;
    assert_eq!(
        relay[0],
        EventSource::DynamoDbStream {
            stream_arn: "arn:aws:dynamodb:us-east-1:000000000000:table/local-VideoTable/stream/2026-01-01T00:00:00.000"
                .to_owned(),
            table: "local-VideoTable".to_owned(),
            batch_size: 50,
            window_s: 0,
            report_failures: true,
            filters: vec![json!({"dynamodb": {"NewImage": {"kind": {"S": ["outbox"]}}}})],
            max_retries: Some(3),
            max_age_s: None,
            bisect: true,
            on_failure: Some("arn:aws:sqs:us-east-1:000000000000:local-Videos-IngestDeadLetters".to_owned()),
            parallelization: 1,
            from_oldest: true,
            enabled: true,
        }
    );
    assert!(
        matches!(&relay[1], EventSource::Schedule { name, enabled: false, .. } if name == "relay-hourly")
    );
}

#[test]
fn rules_and_schedules_are_listed_with_their_targets() {
    let product = product(&[]);
    let rules: BTreeMap<&str, _> = product.rules.iter().map(|r| (r.logical_id.as_str(), r)).collect();
    let published = rules["PublishedRule"];
    assert_eq!(published.bus, "local-events");
    assert_eq!(published.pattern, Some(json!({"detail-type": ["VideoPublished"]})));
    assert_eq!(published.targets[0]["SqsParameters"]["MessageGroupId"], "videos");
    let done = rules["VideosStartTranscodeDone"];
    assert_eq!(done.bus, "default");
    assert_eq!(done.targets[0]["Arn"], function(&product, "VideosStartTranscode").arn.as_str());
    assert_eq!(product.schedules.len(), 2);
    let permitted = product
        .permissions
        .iter()
        .any(|p| p.principal == "events.amazonaws.com" && p.function.ends_with("StartTranscode"));
    assert!(permitted, "SAM permits what it connects");
}

#[test]
fn policies_of_a_function_or_its_role_decide_what_it_may_do() {
    let product = product(&[]);
    let table = product.tables[0].arn.as_str();
    let queue = "arn:aws:sqs:us-east-1:000000000000:local-Videos-IngestQueue";
    let get = &function(&product, "VideosGet").statements;
    assert!(iam::allows(get, "dynamodb:GetItem", table));
    assert!(iam::allows(get, "dynamodb:Query", &format!("{table}/index/by-owner")));
    assert!(!iam::allows(get, "dynamodb:PutItem", table));
    assert!(iam::allows(get, "sqs:SendMessage", queue), "from a SAM policy template");
    let relay = &function(&product, "VideosRelay").statements;
    assert!(iam::allows(
        relay,
        "sqs:SendMessageBatch",
        "arn:aws:sqs:us-east-1:000000000000:local-Videos-EventsQueue.fifo"
    ));
    assert!(iam::allows(relay, "dynamodb:GetRecords", "*"), "from a managed policy");
    assert!(!iam::allows(relay, "sqs:DeleteMessage", queue));
    assert!(!iam::allows(&function(&product, "SocketsConnect").statements, "dynamodb:GetItem", table));
}

#[test]
fn tables_queues_buckets_and_keys_carry_their_settings() {
    let product = product(&[]);
    let table = &product.tables[0];
    assert_eq!((table.name.as_str(), table.partition_key.name.as_str()), ("local-VideoTable", "pk"));
    assert_eq!(table.indexes[0].sort_key.as_ref().unwrap().kind, "N");
    assert_eq!(table.indexes[0].included, ["title"]);
    assert_eq!(table.stream.as_deref(), Some("NEW_AND_OLD_IMAGES"));
    assert_eq!(table.ttl_attribute.as_deref(), Some("expires_at"));
    assert!(table.recovery);

    let queues: BTreeMap<&str, _> = product.queues.iter().map(|q| (q.logical_id.as_str(), q)).collect();
    let ingest = queues["IngestQueue"];
    assert_eq!((ingest.visibility_s, ingest.retention_s), (360, 345_600));
    assert_eq!(ingest.redrive.as_ref().unwrap().target_arn, queues["IngestDeadLetters"].arn);
    assert_eq!(queues["EventsQueue"].name, "local-Videos-EventsQueue.fifo");
    assert!(queues["EventsQueue"].fifo && queues["EventsQueue"].content_deduplication);

    let bucket = &product.buckets[0];
    assert_eq!(bucket.name, "local-uploadbucket");
    assert_eq!(bucket.notifications[0].target_arn, ingest.arn);
    assert_eq!(bucket.notifications[0].prefix.as_deref(), Some("uploads/"));
    assert!(bucket.eventbridge && bucket.versioning);
    assert_eq!(bucket.lifecycle[0]["AbortIncompleteMultipartUpload"]["DaysAfterInitiation"], 1);
    assert_eq!(bucket.cors[0].exposed, ["ETag"]);

    assert_eq!(product.public_keys[0].pem, "-----BEGIN PUBLIC KEY-----");
    assert_eq!(product.key_groups[0].keys, [product.public_keys[0].id.clone()]);
    let trusted = &product.distributions[0].config["DefaultCacheBehavior"]["TrustedKeyGroups"][0];
    assert_eq!(trusted, product.key_groups[0].id.as_str());
    assert_eq!(product.parameters[0].value, product.public_keys[0].id);
    assert_eq!(product.alarms[0].properties["Dimensions"][0]["Value"], "local-Videos-IngestDeadLetters");
}

#[test]
fn a_stacks_resources_are_counted_as_cloudformation_counts_them_after_sam() {
    let product = product(&[]);
    let declared = |stack: &str| product.stacks.iter().find(|s| s.name == stack).unwrap().resources.len();
    // Counted by aws-sam-translator 1.115.0 on these very templates.
    assert_eq!(product.expanded_resource_count("local"), Some(16));
    assert_eq!(product.expanded_resource_count("local-Videos"), Some(31));
    assert_eq!(product.expanded_resource_count("local-Identity"), Some(5));
    assert_eq!(product.expanded_resource_count("other"), None);
    assert!(declared("local-Videos") < 31);
}

#[test]
fn every_kind_of_sam_resource_is_counted_with_what_it_expands_to() {
    // Counted by aws-sam-translator 1.115.0 on this template.
    assert_eq!(expanded_resource_count(&fixture("expansion.yaml")).unwrap(), 67);
}
