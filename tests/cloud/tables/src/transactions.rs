//! Transactions and their `ClientRequestToken`.
//!
//! The token is looked up, the transaction run and the answer remembered under the one hold of the connection, so two
//! calls with the same token cannot both run. A failed transaction is not remembered: sent again, it runs again.

use std::collections::HashMap;

use dynoxide::AttributeValue;
use dynoxide::actions::execute_transaction::{self, ExecuteTransactionRequest};
use dynoxide::actions::transact_get_items::{self, TransactGet, TransactGetItem, TransactGetItemsRequest};
use dynoxide::actions::transact_write_items::{
    self, TransactWriteItem, TransactWriteItemsRequest, TransactWriteItemsResponse,
};
use dynoxide::types::KeySchemaElement;
use serde_json::{Value, json};

use crate::dispatch::encode;
use crate::engine::{Session, now};
use crate::error::Error;

pub(crate) fn write(session: &mut Session, request: TransactWriteItemsRequest) -> Result<String, Error> {
    let Some(token) = request.client_request_token.clone() else {
        return encode(&now(transact_write_items::execute(&session.storage, request))?);
    };
    let identity = to_value(&request.transact_items)?;
    let at = session.clock.now_ms();
    if session.transactions.lookup(&token, &identity, at)?.is_some() {
        return encode(&replayed(session, &request)?);
    }
    let answer = encode(&now(transact_write_items::execute(&session.storage, request))?)?;
    let at = session.clock.now_ms();
    session.transactions.remember(token, identity, answer.clone(), at);
    Ok(answer)
}

pub(crate) fn statements(session: &mut Session, request: ExecuteTransactionRequest) -> Result<String, Error> {
    let Some(token) = request.client_request_token.clone() else {
        return encode(&now(execute_transaction::execute(&session.storage, request))?);
    };
    let identity = to_value(&request.transact_statements)?;
    let at = session.clock.now_ms();
    if let Some(answer) = session.statements.lookup(&token, &identity, at)? {
        return Ok(answer);
    }
    let answer = encode(&now(execute_transaction::execute(&session.storage, request))?)?;
    let at = session.clock.now_ms();
    session.statements.remember(token, identity, answer.clone(), at);
    Ok(answer)
}

/// The answer to a repeated transaction: nothing is written, and the capacity is that of reading the items.
fn replayed(
    session: &Session,
    request: &TransactWriteItemsRequest,
) -> Result<TransactWriteItemsResponse, Error> {
    if !matches!(request.return_consumed_capacity.as_deref(), Some("TOTAL" | "INDEXES")) {
        return Ok(TransactWriteItemsResponse::default());
    }
    let reads = request.transact_items.iter().map(|item| read_of(session, item)).collect::<Result<_, _>>()?;
    let read = TransactGetItemsRequest {
        transact_items: reads,
        return_consumed_capacity: request.return_consumed_capacity.clone(),
    };
    let read = now(transact_get_items::execute(&session.storage, read))?;
    Ok(TransactWriteItemsResponse { consumed_capacity: read.consumed_capacity, ..Default::default() })
}

fn read_of(session: &Session, item: &TransactWriteItem) -> Result<TransactGetItem, Error> {
    let (table_name, key) = match item {
        TransactWriteItem { put: Some(put), .. } => {
            (put.table_name.clone(), key_of(session, &put.table_name, &put.item)?)
        }
        TransactWriteItem { update: Some(update), .. } => (update.table_name.clone(), update.key.clone()),
        TransactWriteItem { delete: Some(delete), .. } => (delete.table_name.clone(), delete.key.clone()),
        TransactWriteItem { condition_check: Some(check), .. } => {
            (check.table_name.clone(), check.key.clone())
        }
        TransactWriteItem { .. } => {
            return Err(Error::Unreadable("a transaction item without an action".to_owned()));
        }
    };
    let get = TransactGet { table_name, key, ..Default::default() };
    Ok(TransactGetItem { get })
}

/// The key attributes of an item.
pub(crate) fn key_of(
    session: &Session,
    table: &str,
    item: &HashMap<String, AttributeValue>,
) -> Result<HashMap<String, AttributeValue>, Error> {
    let schema: Vec<KeySchemaElement> = match session.storage.get_table_metadata(table)? {
        Some(meta) => serde_json::from_str(&meta.key_schema).map_err(|e| Error::Unreadable(e.to_string()))?,
        None => Vec::new(),
    };
    Ok(schema
        .into_iter()
        .filter_map(|part| item.get(&part.attribute_name).map(|value| (part.attribute_name, value.clone())))
        .collect())
}

fn to_value<T: serde::Serialize>(request: &T) -> Result<Value, Error> {
    serde_json::to_value(json!(request)).map_err(|e| Error::Unreadable(e.to_string()))
}
