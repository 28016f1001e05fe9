//! The wire format: targets, headers and error bodies as DynamoDB writes them.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "helpers of tests fail the test")]

use std::sync::Arc;

use axum::body::{Body, to_bytes};
use cloud_core::{Clock, Place, Service, State};
use cloud_tables::Tables;
use http::{HeaderMap, Request, StatusCode};
use serde_json::{Value, json};

fn tables() -> Arc<Tables> {
    let place = Place {
        account: "123456789012".to_owned(),
        region: "eu-west-1".to_owned(),
        endpoint: "http://127.0.0.1:4566".to_owned(),
    };
    Tables::open(&State::Memory, place, Clock::default()).unwrap()
}

async fn send(tables: &Tables, target: &str, body: &str) -> (StatusCode, HeaderMap, Value) {
    let request = Request::post("/")
        .header("content-type", "application/x-amz-json-1.0")
        .header("x-amz-date", "20260101T000000Z")
        .header(
            "authorization",
            "AWS4-HMAC-SHA256 Credential=test/20260101/eu-west-1/dynamodb/aws4_request, SignedHeaders=host, Signature=00",
        )
        .header("x-amz-target", target)
        .body(Body::from(body.to_owned()))
        .unwrap();
    let (parts, body) = tables.call(request).await.into_parts();
    let bytes = to_bytes(body, usize::MAX).await.unwrap();
    let checksum = parts.headers.get("x-amz-crc32").unwrap().to_str().unwrap();
    assert_eq!(checksum, crc32fast::hash(&bytes).to_string());
    assert_eq!(parts.headers.get("x-amzn-requestid").unwrap().len(), 52);
    (parts.status, parts.headers, serde_json::from_slice(&bytes).unwrap())
}

async fn ddb(tables: &Tables, operation: &str, body: Value) -> (StatusCode, Value) {
    let (status, _, body) = send(tables, &format!("DynamoDB_20120810.{operation}"), &body.to_string()).await;
    (status, body)
}

async fn with_table() -> Arc<Tables> {
    let tables = tables();
    let created = ddb(
        &tables,
        "CreateTable",
        json!({
            "TableName": "tab", "BillingMode": "PAY_PER_REQUEST",
            "AttributeDefinitions": [{"AttributeName": "pk", "AttributeType": "S"}],
            "KeySchema": [{"AttributeName": "pk", "KeyType": "HASH"}],
            "StreamSpecification": {"StreamEnabled": true, "StreamViewType": "NEW_IMAGE"},
        }),
    )
    .await;
    assert_eq!(created.0, StatusCode::OK, "{}", created.1);
    tables
}

#[tokio::test]
async fn a_failed_condition_has_dynamodbs_type_and_the_item_asked_for() {
    let tables = with_table().await;
    ddb(&tables, "PutItem", json!({"TableName": "tab", "Item": {"pk": {"S": "a"}, "n": {"N": "1"}}})).await;
    let (status, body) = ddb(
        &tables,
        "PutItem",
        json!({
            "TableName": "tab", "Item": {"pk": {"S": "a"}}, "ConditionExpression": "attribute_not_exists(pk)",
            "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
        }),
    )
    .await;
    assert_eq!(status, StatusCode::BAD_REQUEST);
    assert_eq!(body["__type"], "com.amazonaws.dynamodb.v20120810#ConditionalCheckFailedException");
    assert_eq!(body["message"], "The conditional request failed");
    assert_eq!(body["Item"]["n"]["N"], "1");
}

#[tokio::test]
async fn a_cancelled_transaction_gives_one_reason_per_item_in_order() {
    let tables = with_table().await;
    let put = |pk: &str| json!({"Put": {"TableName": "tab", "Item": {"pk": {"S": pk}}}});
    let check = json!({"ConditionCheck": {
        "TableName": "tab", "Key": {"pk": {"S": "b"}}, "ConditionExpression": "attribute_exists(pk)",
    }});
    let (status, body) =
        ddb(&tables, "TransactWriteItems", json!({"TransactItems": [put("a"), check, put("c")]})).await;
    assert_eq!(status, StatusCode::BAD_REQUEST);
    assert_eq!(body["__type"], "com.amazonaws.dynamodb.v20120810#TransactionCanceledException");
    let codes: Vec<_> =
        body["CancellationReasons"].as_array().unwrap().iter().map(|r| r["Code"].clone()).collect();
    assert_eq!(codes, ["None", "ConditionalCheckFailed", "None"]);
    assert!(body["Message"].as_str().unwrap().contains("[None, ConditionalCheckFailed, None]"));
}

#[tokio::test]
async fn arns_are_this_places_and_are_understood_when_they_come_back() {
    let tables = with_table().await;
    let (_, described) = ddb(&tables, "DescribeTable", json!({"TableName": "tab"})).await;
    let arn = described["Table"]["TableArn"].as_str().unwrap();
    assert_eq!(arn, "arn:aws:dynamodb:eu-west-1:123456789012:table/tab");
    let stream = &described["Table"]["LatestStreamArn"];

    let (status, found) = ddb(&tables, "GetItem", json!({"TableName": arn, "Key": {"pk": {"S": "x"}}})).await;
    assert_eq!((status, found), (StatusCode::OK, json!({})));
    let (status, _) =
        ddb(&tables, "TagResource", json!({"ResourceArn": arn, "Tags": [{"Key": "k", "Value": "v"}]})).await;
    assert_eq!(status, StatusCode::OK);
    let body = json!({"StreamArn": stream}).to_string();
    let (status, _, body) = send(&tables, "DynamoDBStreams_20120810.DescribeStream", &body).await;
    assert_eq!(status, StatusCode::OK);
    assert_eq!(&body["StreamDescription"]["StreamArn"], stream);
}

#[tokio::test]
async fn an_item_that_mentions_the_engines_arn_comes_back_unchanged() {
    let tables = with_table().await;
    let text = "arn:aws:dynamodb:dynoxide:000000000000:table/tab";
    ddb(&tables, "PutItem", json!({"TableName": "tab", "Item": {"pk": {"S": "a"}, "arn": {"S": text}}}))
        .await;
    let (_, found) = ddb(&tables, "GetItem", json!({"TableName": "tab", "Key": {"pk": {"S": "a"}}})).await;
    assert_eq!(found["Item"]["arn"]["S"], text);
}

#[tokio::test]
async fn what_is_not_a_request_is_refused_as_dynamodb_refuses_it() {
    let tables = with_table().await;
    let (status, _, body) = send(&tables, "DynamoDB_20120810.Frobnicate", "{}").await;
    assert_eq!(status, StatusCode::BAD_REQUEST);
    assert_eq!(body["__type"], "com.amazon.coral.service#UnknownOperationException");
    let (status, _, body) = send(&tables, "DynamoDB_20120810.GetItem", "{").await;
    assert_eq!(status, StatusCode::BAD_REQUEST);
    assert_eq!(body["__type"], "com.amazon.coral.service#SerializationException");
    let (_, body) = ddb(&tables, "GetItem", json!({"TableName": "none", "Key": {"pk": {"S": "a"}}})).await;
    assert_eq!(body["__type"], "com.amazonaws.dynamodb.v20120810#ResourceNotFoundException");
    let (_, body) = ddb(&tables, "DescribeContinuousBackups", json!({"TableName": "none"})).await;
    assert_eq!(body["__type"], "com.amazonaws.dynamodb.v20120810#TableNotFoundException");
    let unsigned = Request::post("/")
        .header("content-type", "application/x-amz-json-1.0")
        .header("x-amz-target", "DynamoDB_20120810.ListTables")
        .body(Body::from("{}"))
        .unwrap();
    assert_eq!(tables.call(unsigned).await.status(), StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn the_endpoint_names_itself_without_a_scheme() {
    let (_, body) = ddb(&tables(), "DescribeEndpoints", json!({})).await;
    assert_eq!(body["Endpoints"][0]["Address"], "127.0.0.1:4566");
}
