//! Event sources: queues and streams that Lambda polls on behalf of functions.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use cloud_events::Pattern;
use cloud_queues::Queues;
use cloud_tables::Tables;
use serde_json::{Value, json};

use crate::functions::Functions;

/// How many batches of one queue run at a time.
const AT_ONCE: usize = 4;
/// Pause after a batch of a stream failed: Lambda sends it again.
const RETRY_PAUSE: Duration = Duration::from_millis(200);

/// Counts work in hand, so that `/_local/idle` knows when there is none.
#[derive(Clone, Default)]
pub(crate) struct Busy(Arc<AtomicUsize>);

impl Busy {
    pub(crate) fn now(&self) -> usize {
        self.0.load(Ordering::SeqCst)
    }

    fn hold(&self) -> Held {
        self.0.fetch_add(1, Ordering::SeqCst);
        Held(self.0.clone())
    }
}

struct Held(Arc<AtomicUsize>);

impl Drop for Held {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

/// A queue that a function consumes.
pub(crate) struct QueueSource {
    pub(crate) queue: String,
    pub(crate) arn: String,
    pub(crate) function: String,
    pub(crate) batch_size: usize,
    pub(crate) reports_failures: bool,
}

/// Takes batches from the queue and hands them to the function, until the task is dropped.
pub(crate) async fn poll_queue(
    source: QueueSource,
    queues: Arc<Queues>,
    functions: Arc<Functions>,
    busy: Busy,
) {
    let source = Arc::new(source);
    let fifo = source.queue.strip_suffix(".fifo").is_some();
    let slots = Arc::new(tokio::sync::Semaphore::new(AT_ONCE));
    loop {
        let Ok(slot) = slots.clone().acquire_owned().await else { return };
        let received = queues.receive(&source.queue, source.batch_size, Duration::from_secs(20), None).await;
        let messages = match received {
            Ok(messages) if messages.is_empty() => continue,
            Ok(messages) => messages,
            Err(_) => {
                // The queue is gone for a moment (a reset); it comes back.
                tokio::time::sleep(RETRY_PAUSE).await;
                continue;
            }
        };
        let held = busy.hold();
        let (queues, functions, source) = (queues.clone(), functions.clone(), source.clone());
        crate::functions::spawn(async move {
            let _held = (held, slot);
            let records: Vec<Value> = messages.iter().map(|m| m.lambda_record(&source.arn)).collect();
            let trace = messages.first().and_then(|m| m.attributes.get("AWSTraceHeader").cloned());
            let outcome =
                functions.invoke(&source.function, json!({"Records": records}), trace.as_deref()).await;
            let failed = match outcome {
                Ok(answer) if source.reports_failures => failed_items(&answer),
                Ok(_) => Vec::new(),
                Err(error) => {
                    tracing::warn!(function = %source.function, %error, "a batch failed");
                    messages.iter().map(|m| m.message_id.clone()).collect()
                }
            };
            for message in &messages {
                if failed.contains(&message.message_id) {
                    // AWS leaves it invisible until its time is over, minutes later; here it comes back after 0.2, 1,
                    // 3 and then every 10 s, so that people and tests see retries happen.
                    let pause = match message.receive_count() {
                        1 => 200,
                        2 => 1000,
                        3 => 3000,
                        _ => 10_000,
                    };
                    let _ = queues.change_visibility(
                        &source.queue,
                        &message.receipt_handle,
                        Duration::from_millis(pause),
                    );
                } else {
                    let _ = queues.delete(&source.queue, &message.receipt_handle);
                }
            }
        });
        if fifo {
            tokio::task::yield_now().await;
        }
    }
}

fn failed_items(answer: &Value) -> Vec<String> {
    answer
        .get("batchItemFailures")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .filter_map(|f| f.get("itemIdentifier")?.as_str().map(str::to_owned))
        .collect()
}

/// A stream that a function reads.
pub(crate) struct StreamSource {
    pub(crate) table: String,
    pub(crate) function: String,
    pub(crate) batch_size: usize,
    pub(crate) filters: Vec<Pattern>,
}

/// Reads the stream in order and hands matching records to the function, until the task is dropped. The position is
/// kept, so a restart goes on where the last run stopped; a record whose function failed is sent again.
pub(crate) async fn poll_stream(
    source: StreamSource,
    tables: Arc<Tables>,
    functions: Arc<Functions>,
    busy: Busy,
) {
    let mut changed = tables.changed(&source.table);
    loop {
        let held = busy.hold();
        match advance(&source, &tables, &functions).await {
            Ok(true) => {}
            Ok(false) => {
                drop(held);
                let _ = changed.changed().await;
            }
            Err(error) => {
                tracing::debug!(table = %source.table, %error, "a stream batch failed");
                tokio::time::sleep(RETRY_PAUSE).await;
            }
        }
    }
}

/// One batch; `false` at the end of the stream.
async fn advance(source: &StreamSource, tables: &Tables, functions: &Functions) -> Result<bool, String> {
    let say = |e: cloud_tables::Error| e.to_string();
    let position = tables.position(&source.function, &source.table).await.map_err(say)?;
    let records = tables.stream_records(&source.table, position.as_deref(), 1000).await.map_err(say)?;
    let Some(last) = records.last().map(|r| r.sequence_number.clone()) else { return Ok(false) };
    let wanted: Vec<_> = records
        .into_iter()
        .filter(|r| source.filters.is_empty() || source.filters.iter().any(|f| f.matches(&r.event)))
        .collect();
    for batch in wanted.chunks(source.batch_size.max(1)) {
        let events: Vec<&Value> = batch.iter().map(|r| &r.event).collect();
        let answer = functions
            .invoke(&source.function, json!({"Records": events}), None)
            .await
            .map_err(|e| e.to_string())?;
        let failed = failed_items(&answer);
        if let Some(first) = failed.first() {
            let done = batch.iter().take_while(|r| &r.sequence_number != first).last();
            if let Some(done) = done {
                let _ = tables.set_position(&source.function, &source.table, &done.sequence_number).await;
            }
            return Err(format!("record {first}"));
        }
        if let Some(done) = batch.last() {
            tables.set_position(&source.function, &source.table, &done.sequence_number).await.map_err(say)?;
        }
    }
    tables.set_position(&source.function, &source.table, &last).await.map_err(say)?;
    Ok(true)
}
