use std::sync::Arc;

use aws_sdk_dynamodb::error::SdkError;
use aws_sdk_dynamodb::operation::transact_write_items::TransactWriteItemsError;
use aws_sdk_dynamodb::types::{
    ConditionCheck, Delete as SdkDelete, Put as SdkPut, ReturnConsumedCapacity,
    ReturnValuesOnConditionCheckFailure, TransactWriteItem, Update as SdkUpdate,
};
use kernel::{BoxFuture, CommonError, Context, Error, Result};
use serde::Serialize;
use serde_json::Value;

use crate::failure::{failed, is_passing_code, passing};
use crate::item::{Item, Key};
use crate::operation::{Check, Delete, Put, Terms, Update, broken};
use crate::outbox::Send;
use crate::retry::Retry;
use crate::table::{Table, count_write};

/// Writes that happen together or not at all: one `TransactWriteItems`, at most 100 items. An item costs two write
/// units per KB.
pub struct Transaction {
    table: Table,
    target: Arc<str>,
    parts: Vec<(Arc<str>, Part)>,
    sends: Vec<Send>,
    result: Option<Result<Value, String>>,
}

enum Part {
    Put(Put),
    Update(Update),
    Delete(Delete),
    Check(Check),
}

impl Part {
    fn terms(&mut self) -> &mut Terms {
        match self {
            Self::Put(p) => &mut p.terms,
            Self::Update(u) => &mut u.terms,
            Self::Delete(d) => &mut d.terms,
            Self::Check(c) => &mut c.terms,
        }
    }

    fn into_terms(self) -> Terms {
        match self {
            Self::Put(p) => p.terms,
            Self::Update(u) => u.terms,
            Self::Delete(d) => d.terms,
            Self::Check(c) => c.terms,
        }
    }

    fn build(&self, table: &str) -> Result<TransactWriteItem> {
        let old = ReturnValuesOnConditionCheckFailure::AllOld;
        let wrong =
            |e: aws_smithy_types::error::operation::BuildError| Error::internal(format!("transaction: {e}"));
        let item = TransactWriteItem::builder();
        Ok(match self {
            Self::Put(p) => item.put(
                SdkPut::builder()
                    .table_name(table)
                    .set_item(Some(p.item.clone()))
                    .set_condition_expression(p.terms.condition.clone())
                    .set_expression_attribute_names(p.terms.names())
                    .set_expression_attribute_values(p.terms.values())
                    .return_values_on_condition_check_failure(old)
                    .build()
                    .map_err(wrong)?,
            ),
            Self::Update(u) => item.update(
                SdkUpdate::builder()
                    .table_name(table)
                    .set_key(Some(u.key.attributes()))
                    .update_expression(&u.expression)
                    .set_condition_expression(u.terms.condition.clone())
                    .set_expression_attribute_names(u.terms.names())
                    .set_expression_attribute_values(u.terms.values())
                    .return_values_on_condition_check_failure(old)
                    .build()
                    .map_err(wrong)?,
            ),
            Self::Delete(d) => item.delete(
                SdkDelete::builder()
                    .table_name(table)
                    .set_key(Some(d.key.attributes()))
                    .set_condition_expression(d.terms.condition.clone())
                    .set_expression_attribute_names(d.terms.names())
                    .set_expression_attribute_values(d.terms.values())
                    .return_values_on_condition_check_failure(old)
                    .build()
                    .map_err(wrong)?,
            ),
            Self::Check(c) => item.condition_check(
                ConditionCheck::builder()
                    .table_name(table)
                    .set_key(Some(c.key.attributes()))
                    .condition_expression(c.terms.condition.clone().unwrap_or_default())
                    .set_expression_attribute_names(c.terms.names())
                    .set_expression_attribute_values(c.terms.values())
                    .return_values_on_condition_check_failure(old)
                    .build()
                    .map_err(wrong)?,
            ),
        }
        .build())
    }
}

impl Transaction {
    pub(crate) fn new(table: Table) -> Self {
        let target = table.name.clone();
        Self { table, target, parts: Vec::new(), sends: Vec::new(), result: None }
    }

    /// What follows is for this other table.
    #[must_use]
    pub fn on(mut self, table: &Table) -> Self {
        self.target = table.name.clone();
        self
    }

    fn part(mut self, part: Part) -> Self {
        self.parts.push((self.target.clone(), part));
        self
    }

    /// Writes an item.
    #[must_use]
    pub fn put(self, put: Put) -> Self {
        self.part(Part::Put(put))
    }

    /// Changes an item.
    #[must_use]
    pub fn update(self, update: Update) -> Self {
        self.part(Part::Update(update))
    }

    /// Deletes an item.
    #[must_use]
    pub fn delete(self, delete: Delete) -> Self {
        self.part(Part::Delete(delete))
    }

    /// Asks a condition of an item that stays as it is.
    #[must_use]
    pub fn check(self, check: Check) -> Self {
        self.part(Part::Check(check))
    }

    /// Hands a message to a queue if and only if the transaction happens.
    #[must_use]
    pub fn send(mut self, send: Send) -> Self {
        self.sends.push(send);
        self
    }

    /// The result that the caller gets, stored with the effect when the call carries an idempotency key.
    #[must_use]
    pub fn result(mut self, result: &impl Serialize) -> Self {
        self.result = Some(serde_json::to_value(result).map_err(|e| e.to_string()));
        self
    }

    /// Makes all of it happen, or answers the error beside the first condition that did not hold.
    pub fn commit(self, context: &Context) -> BoxFuture<'_, Result<()>> {
        Box::pin(self.run(context))
    }

    async fn run(mut self, context: &Context) -> Result<()> {
        for send in std::mem::take(&mut self.sends) {
            let put = send.into_put(context)?;
            self.parts.push((self.table.name.clone(), Part::Put(put)));
        }
        let completes = self.complete_idempotency(context)?;
        for (_, part) in &mut self.parts {
            broken(part.terms())?;
        }
        let items = self.parts.iter().map(|(table, part)| part.build(table)).collect::<Result<Vec<_>>>()?;
        // One token for all attempts: an attempt whose answer was lost is not applied a second time.
        let token = context.uuid().to_string();
        let mut retry = Retry::new();
        loop {
            let sent = self
                .table
                .client
                .transact_write_items()
                .set_transact_items(Some(items.clone()))
                .client_request_token(&token)
                .return_consumed_capacity(ReturnConsumedCapacity::Total)
                .send()
                .await;
            let error = match sent {
                Ok(answer) => {
                    let units = answer.consumed_capacity().iter().filter_map(|c| c.capacity_units).sum();
                    context.meter.count(0.0, units);
                    if let (true, Some(record)) = (completes, &context.idempotency) {
                        record.complete();
                    }
                    return Ok(());
                }
                Err(error) => error,
            };
            count_write(context, None);
            if let SdkError::ServiceError(service) = &error
                && let TransactWriteItemsError::TransactionCanceledException(cancelled) = service.err()
            {
                let reasons = cancelled.cancellation_reasons();
                let refused = reasons.iter().position(|r| r.code() == Some("ConditionalCheckFailed"));
                if let Some(at) = refused {
                    let old = reasons.get(at).and_then(|r| r.item.clone()).map(Item);
                    let part = self.parts.into_iter().nth(at);
                    return Err(part.map_or_else(
                        || CommonError::Conflict.into(),
                        |(_, part)| part.into_terms().refused(old.as_ref()),
                    ));
                }
                if reasons.iter().filter_map(|r| r.code()).any(is_passing_code) {
                    if retry.wait(context).await {
                        continue;
                    }
                    return Err(Error::unavailable(format!("TransactWriteItems: {reasons:?}")));
                }
                return Err(Error::internal(format!("TransactWriteItems: {reasons:?}")));
            }
            if !(passing(&error) && retry.wait(context).await) {
                return Err(failed("TransactWriteItems", &error));
            }
        }
    }

    /// Adds the completed idempotency record, held by this call alone, when there is one and a result for it.
    fn complete_idempotency(&mut self, context: &Context) -> Result<bool> {
        let Some(result) = self.result.take() else { return Ok(false) };
        let result = result.map_err(|e| Error::internal(format!("result: {e}")))?;
        let Some(record) = &context.idempotency else { return Ok(false) };
        let update = Update::key(
            Key::new(&record.pk, &record.sk),
            "SET #status = :done, #result = :result, expires_at = :keep_until REMOVE locked_until",
        )
        .name("#status", "status")
        .name("#result", "result")
        .value(":done", "done")
        .value(":result", record.seal(context, &result.to_string())?)
        .value(":keep_until", record.keep_until_s)
        // Another call took the record over after this one's time was up: this one must have no effect.
        .when("holder = :holder AND #status = :running")
        .value(":holder", &record.holder)
        .value(":running", "running")
        .or(CommonError::IdempotencyInProgress);
        self.parts.push((record.table.as_str().into(), Part::Update(update)));
        Ok(true)
    }
}
