//! What the tables promise beyond the DynamoDB engine's own tests: expiry by the clock, streams for pollers, tables
//! from a template, and a state that survives.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::float_cmp,
    clippy::cast_precision_loss,
    reason = "helpers of tests fail the test"
)]

use std::sync::Arc;
use std::time::Duration;

use cloud_core::{Clock, Place, State};
use cloud_tables::{
    Error, IndexSpec, KeyAttribute, KeyKind, ProjectionSpec, StreamRecord, StreamView, TableSpec, Tables,
};
use serde_json::{Value, json};

fn place() -> Place {
    Place {
        account: "123456789012".to_owned(),
        region: "ap-northeast-1".to_owned(),
        endpoint: "http://127.0.0.1:4566".to_owned(),
    }
}

fn open(state: &State, clock: &Clock) -> Arc<Tables> {
    Tables::open(state, place(), clock.clone()).unwrap()
}

fn string(name: &str) -> KeyAttribute {
    KeyAttribute { name: name.to_owned(), kind: KeyKind::String }
}

fn orders() -> TableSpec {
    TableSpec {
        name: "orders".to_owned(),
        partition_key: string("pk"),
        sort_key: Some(string("sk")),
        indexes: vec![by_buyer()],
        stream: Some(StreamView::NewAndOldImages),
        ttl_attribute: Some("expires_at".to_owned()),
    }
}

fn by_buyer() -> IndexSpec {
    IndexSpec {
        name: "by-buyer".to_owned(),
        partition_key: string("buyer"),
        sort_key: Some(string("sk")),
        projection: ProjectionSpec::Include(vec!["total".to_owned(), "state".to_owned()]),
    }
}

async fn put(tables: &Tables, pk: &str, more: Value) {
    let mut item = json!({"pk": {"S": pk}, "sk": {"S": "a"}, "buyer": {"S": "b"}});
    item.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    tables.invoke("PutItem", &json!({"TableName": "orders", "Item": item})).await.unwrap();
}

async fn exists(tables: &Tables, pk: &str) -> bool {
    let key = json!({"pk": {"S": pk}, "sk": {"S": "a"}});
    let found = tables.invoke("GetItem", &json!({"TableName": "orders", "Key": key})).await.unwrap();
    found.get("Item").is_some()
}

async fn in_index(tables: &Tables) -> usize {
    let query = json!({
        "TableName": "orders", "IndexName": "by-buyer", "KeyConditionExpression": "buyer = :b",
        "ExpressionAttributeValues": {":b": {"S": "b"}},
    });
    let found = tables.invoke("Query", &query).await.unwrap();
    usize::try_from(found["Count"].as_u64().unwrap()).unwrap()
}

fn names(records: &[StreamRecord]) -> Vec<&str> {
    records.iter().map(|r| r.event["eventName"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn an_item_expires_when_the_clock_passes_its_second_and_not_before() {
    let clock = Clock::default();
    let tables = open(&State::Memory, &clock);
    tables.ensure_table(&orders()).await.unwrap();
    let due = clock.now_s() + 3600;
    for i in 0..60 {
        put(&tables, &format!("due{i}"), json!({"expires_at": {"N": due.to_string()}})).await;
    }
    put(&tables, "later", json!({"expires_at": {"N": (due + 7200).to_string()}})).await;
    put(&tables, "text", json!({"expires_at": {"S": "1"}})).await;
    put(&tables, "ancient", json!({"expires_at": {"N": "1"}})).await;
    put(&tables, "never", json!({})).await;

    assert_eq!(tables.sweep().await.unwrap(), 0);
    clock.advance(Duration::from_secs(3_701));
    assert_eq!(tables.sweep().await.unwrap(), 60);
    assert!(!exists(&tables, "due0").await);
    for kept in ["later", "text", "ancient", "never"] {
        assert!(exists(&tables, kept).await, "{kept}");
    }
    assert_eq!(in_index(&tables).await, 4, "the index lost what the table lost");
}

#[tokio::test]
async fn an_expired_item_leaves_a_stream_record_of_the_service_and_a_deleted_one_does_not() {
    let clock = Clock::default();
    let tables = open(&State::Memory, &clock);
    tables.ensure_table(&orders()).await.unwrap();
    put(&tables, "expired", json!({"expires_at": {"N": (clock.now_s() - 5).to_string()}})).await;
    put(&tables, "deleted", json!({})).await;
    tables.sweep().await.unwrap();
    let key = json!({"pk": {"S": "deleted"}, "sk": {"S": "a"}});
    tables.invoke("DeleteItem", &json!({"TableName": "orders", "Key": key})).await.unwrap();

    let records = tables.stream_records("orders", None, 100).await.unwrap();
    assert_eq!(names(&records), ["INSERT", "INSERT", "REMOVE", "REMOVE"]);
    assert_eq!(
        records[2].event["userIdentity"],
        json!({"type": "Service", "principalId": "dynamodb.amazonaws.com"})
    );
    assert_eq!(records[2].event["dynamodb"]["OldImage"]["pk"]["S"], "expired");
    assert!(records[3].event.get("userIdentity").is_none());
}

#[tokio::test]
async fn the_background_loop_expires_items_at_once_when_the_clock_jumps() {
    let clock = Clock::default();
    let tables = open(&State::Memory, &clock);
    tables.ensure_table(&orders()).await.unwrap();
    put(&tables, "due", json!({"expires_at": {"N": (clock.now_s() + 1_000_000).to_string()}})).await;
    let running = tokio::spawn(Arc::clone(&tables).run());
    tokio::time::sleep(Duration::from_millis(50)).await;
    let mut changed = tables.changed("orders");
    clock.advance(Duration::from_secs(1_000_010));
    tokio::time::timeout(Duration::from_millis(900), changed.changed()).await.unwrap().unwrap();
    assert!(!exists(&tables, "due").await);
    running.abort();
}

#[tokio::test]
async fn a_stream_record_is_what_a_function_receives() {
    let clock = Clock::new(5_000_000);
    let tables = open(&State::Memory, &clock);
    tables.ensure_table(&orders()).await.unwrap();
    put(&tables, "o1", json!({"total": {"N": "5"}})).await;
    let records = tables.stream_records("orders", None, 10).await.unwrap();
    let event = &records[0].event;
    assert_eq!(event["eventSource"], "aws:dynamodb");
    assert_eq!(event["awsRegion"], "ap-northeast-1");
    assert_eq!(event["eventVersion"], "1.1");
    assert_eq!(event["eventSourceARN"], tables.stream_arn("orders").await.unwrap());
    let arn = event["eventSourceARN"].as_str().unwrap();
    assert!(arn.starts_with("arn:aws:dynamodb:ap-northeast-1:123456789012:table/orders/stream/"), "{arn}");
    let change = &event["dynamodb"];
    assert_eq!(change["Keys"], json!({"pk": {"S": "o1"}, "sk": {"S": "a"}}));
    assert_eq!(change["NewImage"]["total"]["N"], "5");
    assert_eq!(change["StreamViewType"], "NEW_AND_OLD_IMAGES");
    assert_eq!(change["SequenceNumber"], records[0].sequence_number.as_str());
    assert!(change["SizeBytes"].as_i64().unwrap() > 0);
    let at = change["ApproximateCreationDateTime"].as_f64().unwrap();
    let by_clock = clock.now_ms() as f64 / 1000.0;
    assert!((by_clock - at).abs() < 5.0, "stamped {at}, clock shows {by_clock}");
}

#[tokio::test]
async fn a_reader_goes_on_after_the_record_it_had_and_wakes_for_transactions_batches_and_partiql() {
    let tables = open(&State::Memory, &Clock::default());
    tables.ensure_table(&orders()).await.unwrap();
    let mut changed = tables.changed("orders");
    let mut after: Option<String> = None;
    let item = |pk: &str| json!({"pk": {"S": pk}, "sk": {"S": "a"}});
    let writes = [
        (
            "TransactWriteItems",
            json!({"TransactItems": [{"Put": {"TableName": "orders", "Item": item("t")}}]}),
        ),
        ("BatchWriteItem", json!({"RequestItems": {"orders": [{"PutRequest": {"Item": item("b")}}]}})),
        ("ExecuteStatement", json!({"Statement": "INSERT INTO \"orders\" VALUE {'pk': 'p', 'sk': 'a'}"})),
    ];
    for (operation, request) in writes {
        tables.invoke(operation, &request).await.unwrap();
        tokio::time::timeout(Duration::from_secs(1), changed.changed()).await.expect(operation).unwrap();
        let records = tables.stream_records("orders", after.as_deref(), 10).await.unwrap();
        assert_eq!(records.len(), 1, "{operation}");
        assert!(Some(&records[0].sequence_number) > after.as_ref(), "{operation}");
        after = Some(records[0].sequence_number.clone());
    }
    let refused = json!({
        "TableName": "orders", "Item": item("t"), "ConditionExpression": "attribute_not_exists(pk)"
    });
    assert!(tables.invoke("PutItem", &refused).await.is_err());
    assert!(!changed.has_changed().unwrap(), "a refused write changes nothing");
}

#[tokio::test]
async fn a_failed_transaction_leaves_neither_items_nor_stream_records() {
    let tables = open(&State::Memory, &Clock::default());
    tables.ensure_table(&orders()).await.unwrap();
    let request = json!({"TransactItems": [
        {"Put": {"TableName": "orders", "Item": {"pk": {"S": "x"}, "sk": {"S": "a"}}}},
        {"ConditionCheck": {
            "TableName": "orders", "Key": {"pk": {"S": "y"}, "sk": {"S": "a"}},
            "ConditionExpression": "attribute_exists(pk)",
        }},
    ]});
    assert!(tables.invoke("TransactWriteItems", &request).await.is_err());
    assert!(!exists(&tables, "x").await);
    assert!(tables.stream_records("orders", None, 10).await.unwrap().is_empty());
}

#[tokio::test]
async fn a_repeated_transaction_writes_nothing_and_is_charged_as_reads() {
    let clock = Clock::default();
    let tables = open(&State::Memory, &clock);
    tables.ensure_table(&orders()).await.unwrap();
    put(&tables, "n", json!({"n": {"N": "0"}})).await;
    let add = |size: usize| {
        json!({
            "ClientRequestToken": "once", "ReturnConsumedCapacity": "TOTAL",
            "TransactItems": [{"Update": {
                "TableName": "orders", "Key": {"pk": {"S": "n"}, "sk": {"S": "a"}},
                "UpdateExpression": "SET body = :t ADD n :one",
                "ExpressionAttributeValues": {":one": {"N": "1"}, ":t": {"S": "x".repeat(size)}},
            }}],
        })
    };
    let units = |answer: &Value| answer["ConsumedCapacity"][0]["CapacityUnits"].as_f64().unwrap();
    let first = tables.invoke("TransactWriteItems", &add(3000)).await.unwrap();
    let again = tables.invoke("TransactWriteItems", &add(3000)).await.unwrap();
    assert_eq!(units(&again), 2.0, "one 4 KiB read, doubled");
    assert!(units(&first) > units(&again));
    assert!(matches!(
        tables.invoke("TransactWriteItems", &add(1)).await,
        Err(Error::Refused(e)) if e.error_type().ends_with("IdempotentParameterMismatchException")
    ));
    let n = |item: Value| item["Item"]["n"]["N"].as_str().unwrap().to_owned();
    let get = json!({"TableName": "orders", "Key": {"pk": {"S": "n"}, "sk": {"S": "a"}}});
    assert_eq!(n(tables.invoke("GetItem", &get).await.unwrap()), "1");
    clock.advance(Duration::from_secs(601));
    tables.invoke("TransactWriteItems", &add(3000)).await.unwrap();
    assert_eq!(n(tables.invoke("GetItem", &get).await.unwrap()), "2", "the token is ten minutes old");
}

#[tokio::test]
async fn an_existing_table_gets_the_indexes_stream_and_ttl_it_lacks_and_keeps_its_items() {
    let tables = open(&State::Memory, &Clock::default());
    let bare = TableSpec { indexes: vec![], stream: None, ttl_attribute: None, ..orders() };
    tables.ensure_table(&bare).await.unwrap();
    put(&tables, "old", json!({})).await;
    assert!(tables.stream_records("orders", None, 10).await.is_err());

    for _ in 0..2 {
        tables.ensure_table(&orders()).await.unwrap();
    }
    assert_eq!(in_index(&tables).await, 1, "the index holds what was there before it");
    let stream = tables.stream_arn("orders").await.unwrap();
    tables.ensure_table(&orders()).await.unwrap();
    assert_eq!(
        tables.stream_arn("orders").await.unwrap(),
        stream,
        "an unchanged stream stays the same stream"
    );

    let other_keys = TableSpec { sort_key: None, ..orders() };
    assert!(matches!(tables.ensure_table(&other_keys).await, Err(Error::OtherTable { .. })));
    let other_index =
        TableSpec { indexes: vec![IndexSpec { projection: ProjectionSpec::All, ..by_buyer() }], ..orders() };
    assert!(matches!(tables.ensure_table(&other_index).await, Err(Error::OtherTable { .. })));
}

#[tokio::test]
async fn items_streams_positions_and_settings_survive_a_process_that_was_killed() {
    let folder = tempfile::tempdir().unwrap();
    let state = State::Dir(folder.path().to_owned());
    let clock = Clock::default();
    let record = {
        let tables = open(&state, &clock);
        tables.ensure_table(&orders()).await.unwrap();
        put(&tables, "kept", json!({"expires_at": {"N": (clock.now_s() + 60).to_string()}})).await;
        let on = json!({"PointInTimeRecoveryEnabled": true});
        let backups = json!({"TableName": "orders", "PointInTimeRecoverySpecification": on});
        tables.invoke("UpdateContinuousBackups", &backups).await.unwrap();
        let records = tables.stream_records("orders", None, 10).await.unwrap();
        tables.set_position("search", "orders", &records[0].sequence_number).await.unwrap();
        // Never dropped, so nothing is closed or checkpointed, as when the process is killed.
        std::mem::forget(tables);
        records[0].clone()
    };
    let tables = open(&state, &clock);
    assert!(exists(&tables, "kept").await);
    assert_eq!(tables.stream_records("orders", None, 10).await.unwrap(), std::slice::from_ref(&record));
    assert_eq!(tables.position("search", "orders").await.unwrap().as_ref(), Some(&record.sequence_number));
    assert_eq!(tables.position("other", "orders").await.unwrap(), None);
    let backups = tables.invoke("DescribeContinuousBackups", &json!({"TableName": "orders"})).await.unwrap();
    let status = "/ContinuousBackupsDescription/PointInTimeRecoveryDescription/PointInTimeRecoveryStatus";
    assert_eq!(backups.pointer(status).unwrap(), "ENABLED");
    clock.advance(Duration::from_mins(2));
    assert_eq!(tables.sweep().await.unwrap(), 1);
}

#[tokio::test]
async fn old_records_are_forgotten_only_when_every_consumer_has_them() {
    let clock = Clock::default();
    let tables = open(&State::Memory, &clock);
    tables.ensure_table(&orders()).await.unwrap();
    for i in 0..4 {
        put(&tables, &format!("o{i}"), json!({})).await;
    }
    let records = tables.stream_records("orders", None, 10).await.unwrap();
    tables.set_position("slow", "orders", &records[1].sequence_number).await.unwrap();
    tables.set_position("quick", "orders", &records[3].sequence_number).await.unwrap();
    clock.advance(Duration::from_hours(25));
    let running = tokio::spawn(Arc::clone(&tables).run());
    tokio::time::sleep(Duration::from_millis(300)).await;
    running.abort();
    let left = tables.stream_records("orders", None, 10).await.unwrap();
    assert_eq!(left, &records[2..], "the slow one has two to go");
}

#[tokio::test]
async fn records_wait_for_a_consumer_that_has_not_begun() {
    let clock = Clock::default();
    let tables = open(&State::Memory, &clock);
    tables.ensure_table(&orders()).await.unwrap();
    tables.register("late", "orders").await.unwrap();
    assert_eq!(tables.position("late", "orders").await.unwrap(), None);
    assert_eq!(tables.stream_end("orders").await.unwrap(), None);
    for i in 0..3 {
        put(&tables, &format!("o{i}"), json!({})).await;
    }
    let records = tables.stream_records("orders", None, 10).await.unwrap();
    assert_eq!(tables.stream_end("orders").await.unwrap().as_ref(), Some(&records[2].sequence_number));
    clock.advance(Duration::from_hours(48));
    let running = tokio::spawn(Arc::clone(&tables).run());
    tokio::time::sleep(Duration::from_millis(300)).await;
    running.abort();
    assert_eq!(tables.stream_records("orders", None, 10).await.unwrap(), records);
}

#[tokio::test]
async fn clearing_keeps_the_tables_and_resetting_does_not() {
    let tables = open(&State::Memory, &Clock::default());
    tables.ensure_table(&orders()).await.unwrap();
    put(&tables, "o", json!({})).await;
    let before = tables.stream_records("orders", None, 10).await.unwrap().remove(0).sequence_number;
    tables.set_position("c", "orders", &before).await.unwrap();

    tables.clear().await.unwrap();
    assert!(!exists(&tables, "o").await);
    assert_eq!(in_index(&tables).await, 0);
    assert!(tables.stream_records("orders", None, 10).await.unwrap().is_empty());
    assert_eq!(tables.position("c", "orders").await.unwrap(), None);
    put(&tables, "o", json!({})).await;
    let after = tables.stream_records("orders", None, 10).await.unwrap().remove(0).sequence_number;
    assert!(after > before, "a reader that kept its place misses nothing");

    tables.reset().await.unwrap();
    let listed = tables.invoke("ListTables", &json!({})).await.unwrap();
    assert_eq!(listed["TableNames"], json!([]));
}

#[tokio::test]
async fn a_table_created_again_does_not_show_the_old_ones_stream() {
    let tables = open(&State::Memory, &Clock::default());
    tables.ensure_table(&orders()).await.unwrap();
    put(&tables, "o", json!({})).await;
    tables.invoke("DeleteTable", &json!({"TableName": "orders"})).await.unwrap();
    tables.ensure_table(&orders()).await.unwrap();
    assert!(tables.stream_records("orders", None, 10).await.unwrap().is_empty());
}

#[tokio::test]
async fn a_long_read_leaves_the_runtime_free() {
    let tables = open(&State::Memory, &Clock::default());
    tables.ensure_table(&orders()).await.unwrap();
    for i in 0..400 {
        put(&tables, &format!("o{i}"), json!({"text": {"S": "x".repeat(20_000)}})).await;
    }
    let scan = json!({"TableName": "orders", "FilterExpression": "attribute_not_exists(pk)"});
    let reading = tokio::spawn({
        let tables = Arc::clone(&tables);
        async move {
            for _ in 0..8 {
                tables.invoke("Scan", &scan).await.unwrap();
            }
        }
    });
    // One thread runs this test: whenever the scan held it, this loop could not turn.
    let mut turns = 0;
    while !reading.is_finished() {
        tokio::time::sleep(Duration::from_millis(1)).await;
        turns += 1;
    }
    assert!(turns > 8, "{turns} turns beside eight scans");
}
