use std::collections::BTreeMap;
use std::sync::Arc;

use aws_sdk_sqs::Client;
use aws_sdk_sqs::types::{
    MessageAttributeValue, MessageSystemAttributeNameForSends, MessageSystemAttributeValue,
    SendMessageBatchRequestEntry,
};
use aws_smithy_types::error::metadata::ProvideErrorMetadata as _;
use futures::StreamExt as _;
use kernel::{BoxFuture, ConfigError, Context, Domain, Env, Error, LogSink, Result};
use serde_json::json;
use storage::{Item, Key, OutboxRow, Put, Table};

/// Hands outbox messages to their queues.
///
/// Messages of one queue are sent in the order of the records, ten at a time; queues at the same time. What fails is
/// delivered again by the stream, with everything behind it: consumers know messages by their identity.
///
/// A message that no queue will ever take (a row that cannot be read, a body over SQS's limit) would stop its shard
/// for good: it is parked in the platform table, which the watch reports, and the relay goes on.
#[derive(Clone)]
pub struct Relay {
    client: Client,
    table: Table,
    prefix: Arc<str>,
    log: LogSink,
}

/// How far a batch came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Relayed {
    /// So many, from the first on, are done.
    pub done: usize,
    /// Why the one behind them is not.
    pub failure: Option<String>,
}

/// SQS takes ten messages a call.
const BATCH_MAX: usize = 10;
/// SQS takes 256 KiB a call, attributes included; a little is left for those.
const BATCH_MAX_BYTES: usize = 255 * 1024;
/// Queues that are sent to at the same time.
const AT_ONCE: usize = 8;

/// A message with its place in the batch of records.
type Placed = (usize, OutboxRow);

impl Domain for Relay {
    fn from_env(env: &Env) -> Result<Self, ConfigError> {
        let mut settings = env.settings();
        let table = Table::open(env, &mut settings, "platform");
        let prefix = settings.text("QUEUE_URL_PREFIX").into();
        settings.finish()?;
        Ok(Self { client: Client::new(env.sdk()), table, prefix, log: env.log.clone() })
    }
}

impl Relay {
    /// Sends what these new outbox items say, in their order.
    pub fn relay<'a>(
        &'a self,
        context: &'a Context,
        items: Vec<Option<Item>>,
    ) -> BoxFuture<'a, Result<Relayed>> {
        Box::pin(async move {
            let count = items.len();
            let mut queues: BTreeMap<String, Vec<Placed>> = BTreeMap::new();
            let mut failed: Option<(usize, String)> = None;
            for (at, item) in items.into_iter().enumerate() {
                let Some(item) = item else { continue };
                let message_id = item.text("message_id").unwrap_or("unknown").to_owned();
                let parked = match item.read::<OutboxRow>() {
                    Ok(row) if row.body.len() <= BATCH_MAX_BYTES => {
                        queues.entry(row.queue.clone()).or_default().push((at, row));
                        continue;
                    }
                    Ok(row) => self.park(context, &message_id, "larger than a queue takes", Some(&row)).await,
                    Err(error) => self.park(context, &message_id, &error.to_string(), None).await,
                };
                if let Err(error) = parked {
                    failed = Some((at, error.to_string()));
                    break;
                }
            }
            let outcomes: Vec<_> = futures::stream::iter(queues)
                .map(|(queue, rows)| self.send_all(context, queue, rows))
                .buffer_unordered(AT_ONCE)
                .collect()
                .await;
            let first = outcomes.into_iter().flatten().chain(failed).min_by_key(|(at, _)| *at);
            Ok(match first {
                Some((at, reason)) => Relayed { done: at, failure: Some(reason) },
                None => Relayed { done: count, failure: None },
            })
        })
    }

    /// One queue's messages in order, until one fails: which, and why.
    async fn send_all(&self, context: &Context, queue: String, rows: Vec<Placed>) -> Option<(usize, String)> {
        let url = format!("{}{queue}", self.prefix);
        for batch in batches(rows) {
            if let Err(failure) = self.send(context, &url, &batch).await {
                return Some(failure);
            }
        }
        None
    }

    async fn send(&self, context: &Context, url: &str, batch: &[Placed]) -> Result<(), (usize, String)> {
        let first = batch.first().map_or(0, |(at, _)| *at);
        let entries = batch.iter().map(|(at, row)| entry(*at, row)).collect::<Result<Vec<_>>>();
        let entries = entries.map_err(|e| (first, e.to_string()))?;
        let sent = self.client.send_message_batch().queue_url(url).set_entries(Some(entries)).send().await;
        context.meter.count(0.0, 0.0);
        let answer = sent.map_err(|e| {
            (
                first,
                format!(
                    "SendMessageBatch: {} {}",
                    e.code().unwrap_or("no answer"),
                    e.message().unwrap_or("")
                ),
            )
        })?;
        let failures =
            answer.failed.iter().filter_map(|f| Some((f.id.parse::<usize>().ok()?, f.code.clone())));
        failures.min().map_or(Ok(()), Err)
    }

    async fn park(
        &self,
        context: &Context,
        message_id: &str,
        reason: &str,
        row: Option<&OutboxRow>,
    ) -> Result<()> {
        // Bodies can be larger than an item: the outbox row itself keeps it for three days.
        let queue = row.map(|r| r.queue.as_str());
        (self.log)(
            &json!({
                "timestamp": context.now(), "level": "ERROR", "service": "platform-relay-outbox",
                "request_id": &*context.request_id, "message": "a message was parked",
                "metadata": {"message_id": message_id, "queue": queue, "reason": reason},
            })
            .to_string(),
        );
        let parked =
            json!({"message_id": message_id, "queue": queue, "reason": reason, "parked_at": context.now()});
        self.table.put(context, Put::row(&Key::new("PARKED", message_id), parked)).await
    }
}

/// Cuts messages into calls that SQS takes.
fn batches(rows: Vec<Placed>) -> Vec<Vec<Placed>> {
    let mut batches: Vec<Vec<Placed>> = Vec::new();
    let mut bytes = 0;
    for placed in rows {
        let size = placed.1.body.len() + 512;
        match batches.last_mut() {
            Some(last) if last.len() < BATCH_MAX && bytes + size <= BATCH_MAX_BYTES => {
                bytes += size;
                last.push(placed);
            }
            _ => {
                bytes = size;
                batches.push(vec![placed]);
            }
        }
    }
    batches
}

fn entry(at: usize, row: &OutboxRow) -> Result<SendMessageBatchRequestEntry> {
    let wrong =
        |e: aws_smithy_types::error::operation::BuildError| Error::internal(format!("SQS entry: {e}"));
    let id = row.message_id.to_string();
    let identity =
        MessageAttributeValue::builder().data_type("String").string_value(&id).build().map_err(wrong)?;
    let mut entry = SendMessageBatchRequestEntry::builder()
        .id(at.to_string())
        .message_body(&row.body)
        .message_attributes("message_id", identity);
    if row.queue.strip_suffix(".fifo").is_some() {
        let group = row.group.clone().unwrap_or_else(|| id.clone());
        entry = entry.message_group_id(group).message_deduplication_id(&id);
    }
    if let Some(trace) = &row.trace {
        let header = MessageSystemAttributeValue::builder().data_type("String").string_value(trace);
        entry = entry.message_system_attributes(
            MessageSystemAttributeNameForSends::AwsTraceHeader,
            header.build().map_err(wrong)?,
        );
    }
    entry.build().map_err(wrong)
}

#[cfg(test)]
mod tests {
    use super::*;
    use kernel::ids::MessageId;

    fn row(queue: &str, bytes: usize) -> OutboxRow {
        OutboxRow {
            message_id: MessageId::parse("0192d3a4-5b6c-7d8e-9f01-23456789abcd").unwrap(),
            queue: queue.to_owned(),
            body: "x".repeat(bytes),
            group: None,
            trace: Some("Root=1-5759e988-bd862e3fe1be46a994272793".into()),
            expires_at: 0,
        }
    }

    #[test]
    fn a_call_takes_ten_messages_and_no_more_than_its_bytes_and_order_stays() {
        let cut = |sizes: &[usize]| -> Vec<Vec<usize>> {
            let rows = sizes.iter().enumerate().map(|(at, bytes)| (at, row("q", *bytes))).collect();
            batches(rows).into_iter().map(|b| b.into_iter().map(|(at, _)| at).collect()).collect()
        };
        assert_eq!(cut(&[1; 12]), [(0..10).collect::<Vec<_>>(), vec![10, 11]]);
        assert_eq!(cut(&[200 * 1024, 100 * 1024, 1]), [vec![0], vec![1, 2]]);
        assert_eq!(cut(&[BATCH_MAX_BYTES]), [vec![0]]);
    }

    #[test]
    fn a_fifo_message_is_deduplicated_by_its_identity_and_a_plain_one_only_names_it() {
        let fifo = entry(3, &row("orders.fifo", 1)).unwrap();
        let id = "0192d3a4-5b6c-7d8e-9f01-23456789abcd";
        assert_eq!(
            (fifo.id(), fifo.message_deduplication_id(), fifo.message_group_id()),
            ("3", Some(id), Some(id))
        );
        let plain = entry(0, &row("emails", 1)).unwrap();
        assert!(plain.message_group_id().is_none() && plain.message_deduplication_id().is_none());
        let named = plain.message_attributes().unwrap().get("message_id").unwrap();
        assert_eq!(named.string_value(), Some(id));
        assert_eq!(plain.message_system_attributes().unwrap().len(), 1);
    }
}
