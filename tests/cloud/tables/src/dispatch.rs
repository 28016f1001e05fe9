//! Which operation does what, and how long its work may take.

use dynoxide::DynoxideError;
use dynoxide::actions::{
    batch_execute_statement, batch_get_item, batch_write_item, create_table, delete_item, delete_table,
    describe_stream, describe_table, describe_time_to_live, execute_statement, get_item, get_records,
    get_shard_iterator, list_streams, list_tables, list_tags_of_resource, put_item, query, scan,
    tag_resource, transact_get_items, untag_resource, update_item, update_table, update_time_to_live,
};
use serde::Serialize;
use serde_json::json;

use crate::decode::decode;
use crate::engine::now;
use crate::error::Error;
use crate::{Tables, arn, backups, expiry, transactions};

/// Items up to which a query or transaction counts as short work.
const FEW_ITEMS: usize = 10;
/// A body up to which an operation on few items counts as short work: parsing and storing 64 KiB is well below a
/// millisecond.
const SMALL_BODY: usize = 64 * 1024;

/// Operations of DynamoDB and DynamoDB Streams that this service answers.
const OPERATIONS: [&str; 31] = [
    "BatchExecuteStatement",
    "BatchGetItem",
    "BatchWriteItem",
    "CreateTable",
    "DeleteItem",
    "DeleteTable",
    "DescribeContinuousBackups",
    "DescribeEndpoints",
    "DescribeLimits",
    "DescribeStream",
    "DescribeTable",
    "DescribeTimeToLive",
    "ExecuteStatement",
    "ExecuteTransaction",
    "GetItem",
    "GetRecords",
    "GetShardIterator",
    "ListStreams",
    "ListTables",
    "ListTagsOfResource",
    "PutItem",
    "Query",
    "Scan",
    "TagResource",
    "TransactGetItems",
    "TransactWriteItems",
    "UntagResource",
    "UpdateContinuousBackups",
    "UpdateItem",
    "UpdateTable",
    "UpdateTimeToLive",
];

pub(crate) fn knows(operation: &str) -> bool {
    OPERATIONS.contains(&operation)
}

/// Runs one operation on a JSON body and answers the JSON body.
pub(crate) async fn dispatch(tables: &Tables, operation: &str, body: &str) -> Result<String, Error> {
    let renamed = arn::table_names(body);
    let body = renamed.as_deref().unwrap_or(body);
    match operation {
        "GetItem" | "PutItem" | "UpdateItem" | "DeleteItem" => one_item(tables, operation, body).await,
        "Query" | "Scan" | "BatchGetItem" | "BatchWriteItem" => many_items(tables, operation, body).await,
        "TransactWriteItems" | "TransactGetItems" => transaction(tables, operation, body).await,
        "ExecuteStatement" | "BatchExecuteStatement" | "ExecuteTransaction" => {
            partiql(tables, operation, body).await
        }
        "ListStreams" | "DescribeStream" | "GetShardIterator" | "GetRecords" => {
            stream(tables, operation, body).await
        }
        _ => table(tables, operation, body).await,
    }
}

async fn one_item(tables: &Tables, operation: &str, body: &str) -> Result<String, Error> {
    let engine = &tables.engine;
    match operation {
        "GetItem" => {
            let request: get_item::GetItemRequest = decode(operation, body)?;
            encode(&engine.read(|s| now(get_item::execute(&s.storage, request))).await?)
        }
        "PutItem" => {
            let request: put_item::PutItemRequest = decode(operation, body)?;
            encode(&engine.write(|s| now(put_item::execute(&s.storage, request))).await?)
        }
        "UpdateItem" => {
            let request: update_item::UpdateItemRequest = decode(operation, body)?;
            encode(&engine.write(|s| now(update_item::execute(&s.storage, request))).await?)
        }
        _ => {
            let request: delete_item::DeleteItemRequest = decode(operation, body)?;
            encode(&engine.write(|s| now(delete_item::execute(&s.storage, request))).await?)
        }
    }
}

async fn many_items(tables: &Tables, operation: &str, body: &str) -> Result<String, Error> {
    let engine = &tables.engine;
    match operation {
        "Query" => {
            let request: query::QueryRequest = decode(operation, body)?;
            if request.limit.is_some_and(|limit| limit <= FEW_ITEMS) {
                return encode(&engine.read(|s| now(query::execute(&s.storage, request))).await?);
            }
            engine.read_heavy(|s| encode(&now(query::execute(&s.storage, request))?)).await
        }
        "Scan" => {
            let request: scan::ScanRequest = decode(operation, body)?;
            engine.read_heavy(|s| encode(&now(scan::execute(&s.storage, request))?)).await
        }
        "BatchGetItem" => {
            let request: batch_get_item::BatchGetItemRequest = decode(operation, body)?;
            engine.read_heavy(|s| encode(&now(batch_get_item::execute(&s.storage, request))?)).await
        }
        _ => {
            let request: batch_write_item::BatchWriteItemRequest = decode(operation, body)?;
            engine.write_heavy(|s| encode(&now(batch_write_item::execute(&s.storage, request))?)).await
        }
    }
}

async fn transaction(tables: &Tables, operation: &str, body: &str) -> Result<String, Error> {
    let engine = &tables.engine;
    let small = body.len() <= SMALL_BODY;
    if operation == "TransactGetItems" {
        let request: transact_get_items::TransactGetItemsRequest = decode(operation, body)?;
        let short = request.transact_items.len() <= FEW_ITEMS;
        let work = move |s: &mut crate::engine::Session| {
            encode(&now(transact_get_items::execute(&s.storage, request))?)
        };
        return if short { engine.read(work).await } else { engine.read_heavy(work).await };
    }
    let request: dynoxide::actions::transact_write_items::TransactWriteItemsRequest =
        decode(operation, body)?;
    let short = small && request.transact_items.len() <= FEW_ITEMS;
    let work = move |s: &mut crate::engine::Session| transactions::write(s, request);
    if short { engine.write(work).await } else { engine.write_heavy(work).await }
}

async fn partiql(tables: &Tables, operation: &str, body: &str) -> Result<String, Error> {
    let engine = &tables.engine;
    match operation {
        "ExecuteStatement" => {
            let request: execute_statement::ExecuteStatementRequest = decode(operation, body)?;
            engine.write_heavy(|s| encode(&now(execute_statement::execute(&s.storage, request))?)).await
        }
        "BatchExecuteStatement" => {
            let request: batch_execute_statement::BatchExecuteStatementRequest = decode(operation, body)?;
            engine.write_heavy(|s| encode(&now(batch_execute_statement::execute(&s.storage, request))?)).await
        }
        _ => {
            let request: dynoxide::actions::execute_transaction::ExecuteTransactionRequest =
                decode(operation, body)?;
            engine.write_heavy(|s| transactions::statements(s, request)).await
        }
    }
}

async fn stream(tables: &Tables, operation: &str, body: &str) -> Result<String, Error> {
    let engine = &tables.engine;
    let answer = match operation {
        "ListStreams" => {
            let request: list_streams::ListStreamsRequest =
                decode(operation, &arn::incoming(body, &tables.place))?;
            engine.read(|s| encode(&now(list_streams::execute(&s.storage, request))?)).await?
        }
        "DescribeStream" => {
            let request: describe_stream::DescribeStreamRequest = decode(operation, body)?;
            engine.read_heavy(|s| encode(&now(describe_stream::execute(&s.storage, request))?)).await?
        }
        "GetShardIterator" => {
            let request: get_shard_iterator::GetShardIteratorRequest = decode(operation, body)?;
            engine.read_heavy(|s| encode(&now(get_shard_iterator::execute(&s.storage, request))?)).await?
        }
        _ => {
            let request: get_records::GetRecordsRequest = decode(operation, body)?;
            let region = tables.place.region.clone();
            return engine
                .read_heavy(move |s| {
                    let mut found = now(get_records::execute(&s.storage, request))?;
                    for record in &mut found.records {
                        record.aws_region.clone_from(&region);
                    }
                    encode(&found)
                })
                .await;
        }
    };
    Ok(arn::outgoing(&answer, &tables.place))
}

async fn table(tables: &Tables, operation: &str, body: &str) -> Result<String, Error> {
    let engine = &tables.engine;
    let answer = match operation {
        "CreateTable" => {
            let request: create_table::CreateTableRequest = decode(operation, body)?;
            engine.write_heavy(|s| encode(&now(create_table::execute(&s.storage, request))?)).await?
        }
        "DeleteTable" => {
            let request: delete_table::DeleteTableRequest = decode(operation, body)?;
            engine
                .write_heavy(|s| {
                    let table = request.table_name.clone();
                    let deleted = now(delete_table::execute(&s.storage, request, &s.vectors))?;
                    s.forget_table(&table)?;
                    encode(&deleted)
                })
                .await?
        }
        "DescribeTable" => {
            let request: describe_table::DescribeTableRequest = decode(operation, body)?;
            engine
                .read_heavy(|s| encode(&now(describe_table::execute(&s.storage, request, &s.vectors))?))
                .await?
        }
        "UpdateTable" => {
            let request: update_table::UpdateTableRequest = decode(operation, body)?;
            engine
                .write_heavy(|s| encode(&now(update_table::execute(&s.storage, request, &s.vectors))?))
                .await?
        }
        "ListTables" => {
            let request: list_tables::ListTablesRequest = decode(operation, body)?;
            engine.read(|s| encode(&now(list_tables::execute(&s.storage, request))?)).await?
        }
        "TagResource" => {
            let request: tag_resource::TagResourceRequest = decode(operation, body)?;
            engine.read(|s| encode(&now(tag_resource::execute(&s.storage, request))?)).await?
        }
        "UntagResource" => {
            let request: untag_resource::UntagResourceRequest = decode(operation, body)?;
            engine.read(|s| encode(&now(untag_resource::execute(&s.storage, request))?)).await?
        }
        "ListTagsOfResource" => {
            let request: list_tags_of_resource::ListTagsOfResourceRequest = decode(operation, body)?;
            engine.read(|s| encode(&now(list_tags_of_resource::execute(&s.storage, request))?)).await?
        }
        "UpdateTimeToLive" => {
            let request: update_time_to_live::UpdateTimeToLiveRequest = decode(operation, body)?;
            engine.write_heavy(|s| encode(&expiry::update(s, request)?)).await?
        }
        "DescribeTimeToLive" => {
            let request: describe_time_to_live::DescribeTimeToLiveRequest = decode(operation, body)?;
            engine.read(|s| encode(&now(describe_time_to_live::execute(&s.storage, request))?)).await?
        }
        "UpdateContinuousBackups" => {
            let request: backups::UpdateRequest = decode(operation, body)?;
            engine.read(|s| encode(&backups::update(s, request)?)).await?
        }
        "DescribeContinuousBackups" => {
            let request: backups::DescribeRequest = decode(operation, body)?;
            engine.read(|s| encode(&backups::describe(s, &request)?)).await?
        }
        "DescribeEndpoints" => {
            let address =
                tables.place.endpoint.split_once("://").map_or(tables.place.endpoint.as_str(), |(_, a)| a);
            encode(&json!({"Endpoints": [{"Address": address, "CachePeriodInMinutes": 1440}]}))?
        }
        // The default quotas of an account (Service Quotas, "Amazon DynamoDB").
        "DescribeLimits" => encode(&json!({
            "AccountMaxReadCapacityUnits": 80_000, "AccountMaxWriteCapacityUnits": 80_000,
            "TableMaxReadCapacityUnits": 40_000, "TableMaxWriteCapacityUnits": 40_000,
        }))?,
        other => {
            return Err(
                DynoxideError::InternalServerError(format!("{other} is listed but not dispatched")).into()
            );
        }
    };
    Ok(arn::outgoing(&answer, &tables.place))
}

pub(crate) fn encode<T: Serialize>(answer: &T) -> Result<String, Error> {
    serde_json::to_string(answer).map_err(|e| Error::Unreadable(e.to_string()))
}
