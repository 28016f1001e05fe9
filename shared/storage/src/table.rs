use std::sync::Arc;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::error::SdkError;
use aws_sdk_dynamodb::operation::delete_item::DeleteItemError;
use aws_sdk_dynamodb::operation::put_item::PutItemError;
use aws_sdk_dynamodb::operation::update_item::UpdateItemError;
use aws_sdk_dynamodb::types::{
    ConsumedCapacity, KeysAndAttributes, ReturnConsumedCapacity, ReturnValue,
    ReturnValuesOnConditionCheckFailure,
};
use aws_smithy_types::error::metadata::ProvideErrorMetadata as _;
use kernel::{BoxFuture, Context, Env, Error, Result, Settings};

use crate::cursor;
use crate::failure::{failed, passing};
use crate::item::{Item, Key};
use crate::operation::{Delete, Put, Update, broken};
use crate::query::{Page, Query};
use crate::retry::Retry;
use crate::transaction::Transaction;

/// One DynamoDB table with the keys `pk` and `sk`. Cheap to clone.
#[derive(Clone)]
pub struct Table {
    pub(crate) client: Client,
    pub(crate) name: Arc<str>,
}

pub(crate) fn count_read(context: &Context, capacity: Option<&ConsumedCapacity>) {
    context.meter.count(capacity.and_then(ConsumedCapacity::capacity_units).unwrap_or(0.0), 0.0);
}

pub(crate) fn count_write(context: &Context, capacity: Option<&ConsumedCapacity>) {
    context.meter.count(0.0, capacity.and_then(ConsumedCapacity::capacity_units).unwrap_or(0.0));
}

/// Sends one conditional write until it is done, refused or out of time. Answers what DynamoDB answered, or `Err` with
/// the item that stood in the way. Put, update and delete differ here only in the types that the SDK generates.
macro_rules! conditional_write {
    ($context:ident, $terms:expr, $error:ident, $name:literal, $request:block) => {{
        let mut retry = Retry::new();
        loop {
            let sent = $request
                .set_condition_expression($terms.condition.clone())
                .set_expression_attribute_names($terms.names())
                .set_expression_attribute_values($terms.values())
                .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
                .return_consumed_capacity(ReturnConsumedCapacity::Total)
                .send()
                .await;
            match sent {
                Ok(answer) => {
                    count_write($context, answer.consumed_capacity());
                    break Ok(answer);
                }
                Err(SdkError::ServiceError(e)) if e.err().is_conditional_check_failed_exception() => {
                    // A refused write costs a unit too.
                    $context.meter.count(0.0, 1.0);
                    break Err(match e.into_err() {
                        $error::ConditionalCheckFailedException(e) => e.item.map(Item),
                        _ => None,
                    });
                }
                Err(e) if passing(&e) && retry.wait($context).await => {}
                Err(e) => return Err(failed($name, &e)),
            }
        }
    }};
}

impl Table {
    /// The table of an area, named by `{AREA}_TABLE`.
    #[must_use]
    pub fn open(env: &Env, settings: &mut Settings<'_>, area: &str) -> Self {
        Self { client: Client::new(env.sdk()), name: settings.table(area).into() }
    }

    /// Its name in AWS.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// A transaction on this table (and others, with [`Transaction::on`]).
    #[must_use]
    pub fn transaction(&self) -> Transaction {
        Transaction::new(self.clone())
    }

    /// The item under the key, eventually consistent: half a unit per 4 KB.
    pub fn get<'a>(&'a self, context: &'a Context, key: Key) -> BoxFuture<'a, Result<Option<Item>>> {
        Box::pin(self.get_item(context, key, false))
    }

    /// The item under the key with every write that was acknowledged before: one unit per 4 KB.
    pub fn get_consistent<'a>(
        &'a self,
        context: &'a Context,
        key: Key,
    ) -> BoxFuture<'a, Result<Option<Item>>> {
        Box::pin(self.get_item(context, key, true))
    }

    async fn get_item(&self, context: &Context, key: Key, consistent: bool) -> Result<Option<Item>> {
        let request = self
            .client
            .get_item()
            .table_name(&*self.name)
            .set_key(Some(key.attributes()))
            .consistent_read(consistent)
            .return_consumed_capacity(ReturnConsumedCapacity::Total);
        let answer = request.send().await.map_err(|e| failed("GetItem", &e))?;
        count_read(context, answer.consumed_capacity());
        Ok(answer.item.map(Item))
    }

    /// The items under up to 100 keys, in no order, missing ones left out.
    pub fn batch_get<'a>(&'a self, context: &'a Context, keys: Vec<Key>) -> BoxFuture<'a, Result<Vec<Item>>> {
        self.batch(context, keys, false)
    }

    /// As [`Table::batch_get`], each item with every write that was acknowledged before.
    pub fn batch_get_consistent<'a>(
        &'a self,
        context: &'a Context,
        keys: Vec<Key>,
    ) -> BoxFuture<'a, Result<Vec<Item>>> {
        self.batch(context, keys, true)
    }

    fn batch<'a>(
        &'a self,
        context: &'a Context,
        keys: Vec<Key>,
        consistent: bool,
    ) -> BoxFuture<'a, Result<Vec<Item>>> {
        Box::pin(async move {
            let mut found = Vec::with_capacity(keys.len());
            let mut wanted: Vec<_> = keys.iter().map(Key::attributes).collect();
            let mut retry = Retry::new();
            while !wanted.is_empty() {
                let asked = KeysAndAttributes::builder()
                    .set_keys(Some(wanted))
                    .consistent_read(consistent)
                    .build()
                    .map_err(|e| Error::internal(format!("BatchGetItem: {e}")))?;
                let answer = self
                    .client
                    .batch_get_item()
                    .request_items(&*self.name, asked)
                    .return_consumed_capacity(ReturnConsumedCapacity::Total)
                    .send()
                    .await
                    .map_err(|e| failed("BatchGetItem", &e))?;
                count_read(context, answer.consumed_capacity().first());
                found.extend(answer.responses.unwrap_or_default().into_values().flatten().map(Item));
                wanted =
                    answer.unprocessed_keys.unwrap_or_default().into_values().flat_map(|k| k.keys).collect();
                if !wanted.is_empty() && !retry.wait(context).await {
                    return Err(Error::unavailable("BatchGetItem: keys left unprocessed"));
                }
            }
            Ok(found)
        })
    }

    /// One page of a partition.
    pub fn query<'a>(&'a self, context: &'a Context, query: Query) -> BoxFuture<'a, Result<Page>> {
        Box::pin(async move {
            let (attribute, value) = query.partition;
            let start =
                query.cursor.as_deref().map(|c| cursor::decode(c, (attribute, &value))).transpose()?;
            let from_cursor = start.is_some();
            let condition = match &query.sort {
                Some(sort) => format!("#partition = :partition AND {sort}"),
                None => "#partition = :partition".to_owned(),
            };
            let mut request = self
                .client
                .query()
                .table_name(&*self.name)
                .set_index_name(query.index.map(str::to_owned))
                .key_condition_expression(condition)
                .set_filter_expression(query.filter)
                .expression_attribute_names("#partition", attribute)
                .expression_attribute_values(":partition", aws_sdk_dynamodb::types::AttributeValue::S(value))
                .scan_index_forward(query.forward)
                .consistent_read(query.consistent)
                .limit(query.limit)
                .set_exclusive_start_key(start)
                .return_consumed_capacity(ReturnConsumedCapacity::Total);
            for (name, attribute) in query.names {
                request = request.expression_attribute_names(name, attribute);
            }
            for (name, value) in query.values {
                request = request.expression_attribute_values(name, value);
            }
            let answer = request.send().await.map_err(|e| match &e {
                // A made-up cursor that names a key the index cannot have is the caller's fault.
                SdkError::ServiceError(s) if from_cursor && s.err().code() == Some("ValidationException") => {
                    Error::field("cursor", "INVALID_FORMAT")
                }
                _ => failed("Query", &e),
            })?;
            count_read(context, answer.consumed_capacity());
            let next_cursor = answer.last_evaluated_key.as_ref().map(cursor::encode).transpose()?;
            Ok(Page { items: answer.items.unwrap_or_default().into_iter().map(Item).collect(), next_cursor })
        })
    }

    /// Writes one item. A repeated attempt that finds exactly its own item counts as done.
    pub fn put<'a>(&'a self, context: &'a Context, mut put: Put) -> BoxFuture<'a, Result<()>> {
        Box::pin(async move {
            broken(&mut put.terms)?;
            let written = conditional_write!(context, put.terms, PutItemError, "PutItem", {
                self.client.put_item().table_name(&*self.name).set_item(Some(put.item.clone()))
            });
            match written {
                Ok(_) => Ok(()),
                Err(old) if old.as_ref().is_some_and(|old| old.0 == put.item) => Ok(()),
                Err(old) => Err(put.terms.refused(old.as_ref())),
            }
        })
    }

    /// Changes one item and answers it as it is afterwards.
    pub fn update<'a>(&'a self, context: &'a Context, mut update: Update) -> BoxFuture<'a, Result<Item>> {
        Box::pin(async move {
            broken(&mut update.terms)?;
            let written = conditional_write!(context, update.terms, UpdateItemError, "UpdateItem", {
                self.client
                    .update_item()
                    .table_name(&*self.name)
                    .set_key(Some(update.key.attributes()))
                    .update_expression(&update.expression)
                    .return_values(ReturnValue::AllNew)
            });
            match written {
                Ok(answer) => Ok(Item(answer.attributes.unwrap_or_default())),
                Err(old) => Err(update.terms.refused(old.as_ref())),
            }
        })
    }

    /// Deletes one item and answers what it was.
    pub fn delete<'a>(
        &'a self,
        context: &'a Context,
        mut delete: Delete,
    ) -> BoxFuture<'a, Result<Option<Item>>> {
        Box::pin(async move {
            broken(&mut delete.terms)?;
            let written = conditional_write!(context, delete.terms, DeleteItemError, "DeleteItem", {
                self.client
                    .delete_item()
                    .table_name(&*self.name)
                    .set_key(Some(delete.key.attributes()))
                    .return_values(ReturnValue::AllOld)
            });
            match written {
                Ok(answer) => Ok(answer.attributes.map(Item)),
                Err(old) => Err(delete.terms.refused(old.as_ref())),
            }
        })
    }
}
