use std::sync::Arc;

use kernel::{BoxFuture, Domain, Env, Result, Time};
use serde::de::DeserializeOwned;
use serde_json::Value;
use storage::Item;

use super::batch;
use super::message::{Message, StreamRecord, Tick};
use super::sources::{QueueEvent, StreamEvent};
use crate::function::{Function, Invocation, InvocationFailed, Ready, Trigger};
use crate::telemetry::Line;

/// A job: what runs it and how its batches come.
#[derive(Clone, Debug)]
pub struct Job {
    /// What runs it.
    pub source: Source,
    /// One line for the documentation.
    pub summary: &'static str,
    /// Messages or records a batch.
    pub batch_size: u32,
    /// Seconds to wait for a batch to fill.
    pub window_s: u32,
    /// Deliveries before a message goes to the dead-letter queue.
    pub receives_max: u32,
}

/// What runs a job.
#[derive(Clone, Debug, PartialEq)]
pub enum Source {
    /// A queue of its own, by name; `.fifo` at the end makes it one. `feeds` put messages there besides the outbox.
    Queue(&'static str, Vec<Feed>),
    /// The streams of every area's table, filtered by an EventBridge pattern over the record.
    Streams(&'static str),
    /// A schedule in EventBridge's words: `rate(1 minute)`, `cron(0 15 * * ? *)`.
    Schedule(&'static str),
}

/// What puts messages on a job's queue besides the outbox.
#[derive(Clone, Debug, PartialEq)]
pub enum Feed {
    /// Objects stored in a bucket below a prefix.
    ObjectCreated(&'static str, &'static str),
    /// Events of the default bus that match a pattern.
    Events(&'static str),
}

type Typed<T> = Arc<dyn Fn(T) -> BoxFuture<'static, Result<()>> + Send + Sync>;
type Batched = Arc<dyn Fn(Vec<StreamRecord>) -> BoxFuture<'static, Result<Done>> + Send + Sync>;

/// How far a batch of records came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Done {
    /// All of it.
    All,
    /// This many, from the first on; the one behind them failed for this reason.
    Until(usize, String),
}

impl Job {
    fn new(source: Source) -> Self {
        Self { source, summary: "", batch_size: 10, window_s: 0, receives_max: 5 }
    }

    /// Runs by messages of this queue.
    #[must_use]
    pub fn queue(name: &'static str) -> Self {
        Self::new(Source::Queue(name, Vec::new()))
    }

    /// Runs by changes of every area's table that match a filter pattern.
    #[must_use]
    pub fn streams(filter: &'static str) -> Self {
        let mut job = Self::new(Source::Streams(filter));
        job.batch_size = 100;
        job
    }

    /// Runs by the clock.
    #[must_use]
    pub fn schedule(expression: &'static str) -> Self {
        Self::new(Source::Schedule(expression))
    }

    /// Another source of the queue's messages.
    #[must_use]
    pub fn fed_by(mut self, feed: Feed) -> Self {
        if let Source::Queue(_, feeds) = &mut self.source {
            feeds.push(feed);
        }
        self
    }

    /// One line for the documentation.
    #[must_use]
    pub const fn summary(mut self, summary: &'static str) -> Self {
        self.summary = summary;
        self
    }

    /// Messages or records a batch.
    #[must_use]
    pub const fn batch_size(mut self, size: u32) -> Self {
        self.batch_size = size;
        self
    }

    /// Seconds to wait for a batch to fill.
    #[must_use]
    pub const fn window_s(mut self, seconds: u32) -> Self {
        self.window_s = seconds;
        self
    }

    /// Deliveries before a message goes to the dead-letter queue.
    #[must_use]
    pub const fn receives_max(mut self, times: u32) -> Self {
        self.receives_max = times;
        self
    }

    fn function(self, name: &'static str, init: crate::function::Init) -> Function {
        Function {
            name,
            trigger: Trigger::Job(self),
            grants: Vec::new(),
            timeout_s: 30,
            memory_mb: 256,
            served: None,
            init,
        }
    }

    /// The function that takes this queue's messages, one call of `handle` each.
    pub fn serve<D, T, F, Fut>(self, name: &'static str, handle: F) -> Function
    where
        D: Domain,
        T: DeserializeOwned + Send + 'static,
        F: Fn(D, Message<T>) -> Fut + Copy + Send + Sync + 'static,
        Fut: Future<Output = Result<()>> + Send + 'static,
    {
        self.function(
            name,
            Arc::new(move |env| {
                let domain = D::from_env(env)?;
                let work: Typed<(RawMessage, T)> = Arc::new(move |(raw, body)| {
                    let message = Message {
                        id: raw.id,
                        body,
                        receive_count: raw.receive_count,
                        sent_at: raw.sent_at,
                        context: raw.context,
                    };
                    Box::pin(handle(domain.clone(), message))
                });
                let parse =
                    move |raw: RawMessage, text: &str| -> Result<BoxFuture<'static, Result<()>>, String> {
                        let body = serde_json::from_str::<T>(text).map_err(|e| format!("message: {e}"))?;
                        Ok(work((raw, body)))
                    };
                Ok(ready_for_queue(name, env, Arc::new(parse)))
            }),
        )
    }

    /// The function that takes the streams' records, in order.
    pub fn serve_records<D, F, Fut>(self, name: &'static str, handle: F) -> Function
    where
        D: Domain,
        F: Fn(D, StreamRecord) -> Fut + Copy + Send + Sync + 'static,
        Fut: Future<Output = Result<()>> + Send + 'static,
    {
        self.function(
            name,
            Arc::new(move |env| {
                let domain = D::from_env(env)?;
                let work: Typed<StreamRecord> =
                    Arc::new(move |record| Box::pin(handle(domain.clone(), record)));
                Ok(ready_for_streams(name, env, work))
            }),
        )
    }

    /// The function that takes a batch of the streams' records at once, in order, and answers how many of them, from
    /// the first on, are done for good. What comes after is delivered again, in the same order.
    pub fn serve_batches<D, F, Fut>(self, name: &'static str, handle: F) -> Function
    where
        D: Domain,
        F: Fn(D, Vec<StreamRecord>) -> Fut + Copy + Send + Sync + 'static,
        Fut: Future<Output = Result<Done>> + Send + 'static,
    {
        self.function(
            name,
            Arc::new(move |env| {
                let domain = D::from_env(env)?;
                let work: Batched = Arc::new(move |records| Box::pin(handle(domain.clone(), records)));
                Ok(ready_for_batches(name, env, work))
            }),
        )
    }

    /// The function that runs when the schedule falls due.
    pub fn serve_ticks<D, F, Fut>(self, name: &'static str, handle: F) -> Function
    where
        D: Domain,
        F: Fn(D, Tick) -> Fut + Copy + Send + Sync + 'static,
        Fut: Future<Output = Result<()>> + Send + 'static,
    {
        self.function(
            name,
            Arc::new(move |env| {
                let domain = D::from_env(env)?;
                let work: Typed<Tick> = Arc::new(move |tick| Box::pin(handle(domain.clone(), tick)));
                Ok(ready_for_ticks(name, env, work))
            }),
        )
    }
}

struct RawMessage {
    id: String,
    receive_count: u32,
    sent_at: Option<Time>,
    context: kernel::Context,
}

type Parse = Arc<dyn Fn(RawMessage, &str) -> Result<BoxFuture<'static, Result<()>>, String> + Send + Sync>;

fn ready_for_queue(name: &'static str, env: &Env, parse: Parse) -> Ready {
    let env = env.clone();
    Arc::new(move |invocation: Invocation| {
        let (env, parse) = (env.clone(), parse.clone());
        Box::pin(async move {
            let started = env.clock.now_ms();
            let event: QueueEvent = serde_json::from_value(invocation.payload)
                .map_err(|e| InvocationFailed(format!("no queue event: {e}")))?;
            let count = event.records.len();
            let items = event.records.into_iter().map(|record| {
                let number = |name: &str| record.attributes.get(name).and_then(|v| v.parse::<i64>().ok());
                let mut context = invocation.context.clone();
                context.trace =
                    record.attributes.get("AWSTraceHeader").map(|t| t.as_str().into()).or(context.trace);
                let raw = RawMessage {
                    id: record.identity().to_owned(),
                    receive_count: number("ApproximateReceiveCount")
                        .and_then(|n| u32::try_from(n).ok())
                        .unwrap_or(1),
                    sent_at: number("SentTimestamp").map(Time::from_ms),
                    context,
                };
                let work = parse(raw, &record.body);
                batch::Item { group: record.group().map(str::to_owned), id: record.message_id, work }
            });
            let failed = batch::queue(items.collect()).await;
            let reasons: Vec<String> = failed.iter().map(|(id, reason)| format!("{id}: {reason}")).collect();
            (env.log)(
                &Line::job(name, &invocation.context, "queue", count, &reasons, env.clock.now_ms() - started)
                    .to_string(),
            );
            Ok(batch::failures(&failed))
        })
    })
}

fn ready_for_streams(name: &'static str, env: &Env, work: Typed<StreamRecord>) -> Ready {
    let one_by_one: Batched = Arc::new(move |records: Vec<StreamRecord>| {
        let work = work.clone();
        Box::pin(async move {
            for (done, record) in records.into_iter().enumerate() {
                if let Err(reason) = batch::isolated(work(record)).await {
                    return Ok(Done::Until(done, reason));
                }
            }
            Ok(Done::All)
        })
    });
    ready_for_batches(name, env, one_by_one)
}

fn ready_for_batches(name: &'static str, env: &Env, work: Batched) -> Ready {
    let env = env.clone();
    Arc::new(move |invocation: Invocation| {
        let (env, work) = (env.clone(), work.clone());
        Box::pin(async move {
            let started = env.clock.now_ms();
            let event: StreamEvent = serde_json::from_value(invocation.payload)
                .map_err(|e| InvocationFailed(format!("no stream event: {e}")))?;
            let (mut numbers, mut records) = (Vec::new(), Vec::new());
            for record in event.records {
                let image = |json: &Option<Value>| json.as_ref().and_then(Item::of_dynamodb_json);
                records.push(StreamRecord {
                    table: record.table().to_owned(),
                    new: image(&record.dynamodb.new_image),
                    old: image(&record.dynamodb.old_image),
                    event_name: record.event_name,
                    context: invocation.context.clone(),
                });
                numbers.push(record.dynamodb.sequence_number);
            }
            let count = numbers.len();
            let (done, reason) = match batch::isolated(work(records)).await {
                Ok(Done::All) => (count, None),
                Ok(Done::Until(done, reason)) => (done, Some(reason)),
                Err(reason) => (0, Some(reason)),
            };
            // Lambda sends the batch again from this record on: order within a key is kept.
            let failed: Vec<(String, String)> =
                numbers.into_iter().nth(done).zip(reason).into_iter().collect();
            let reasons: Vec<String> = failed.iter().map(|(id, reason)| format!("{id}: {reason}")).collect();
            (env.log)(
                &Line::job(
                    name,
                    &invocation.context,
                    "stream",
                    count,
                    &reasons,
                    env.clock.now_ms() - started,
                )
                .to_string(),
            );
            Ok(batch::failures(&failed))
        })
    })
}

fn ready_for_ticks(name: &'static str, env: &Env, work: Typed<Tick>) -> Ready {
    let env = env.clone();
    Arc::new(move |invocation: Invocation| {
        let (env, work) = (env.clone(), work.clone());
        Box::pin(async move {
            let started = env.clock.now_ms();
            let outcome = batch::isolated(work(Tick { context: invocation.context.clone() })).await;
            let reasons: Vec<String> = outcome.as_ref().err().cloned().into_iter().collect();
            (env.log)(
                &Line::job(name, &invocation.context, "schedule", 1, &reasons, env.clock.now_ms() - started)
                    .to_string(),
            );
            outcome.map(|()| Value::Null).map_err(InvocationFailed)
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use kernel::{ConfigError, Context, SystemClock, SystemRandom};
    use serde_json::json;

    #[derive(Clone)]
    struct Nothing;

    impl Domain for Nothing {
        fn from_env(_: &Env) -> Result<Self, ConfigError> {
            Ok(Self)
        }
    }

    async fn until_two(_: Nothing, records: Vec<StreamRecord>) -> Result<Done> {
        assert_eq!(records.len(), 3);
        Ok(Done::Until(2, "no".into()))
    }

    async fn panics(_: Nothing, _: Vec<StreamRecord>) -> Result<Done> {
        panic!("boom")
    }

    async fn second_fails(_: Nothing, record: StreamRecord) -> Result<()> {
        match record.new.and_then(|i| i.number("n")) {
            Some(1) => Err(kernel::Error::internal("x")),
            _ => Ok(()),
        }
    }

    async fn answer(function: Function) -> Value {
        let env = Env::with(
            std::collections::BTreeMap::new(),
            aws_smithy_http_client::Builder::new().build_http(),
            Arc::new(SystemClock),
            Arc::new(SystemRandom),
            Arc::new(|_| {}),
        );
        let records: Vec<Value> = (0..3)
            .map(|n| {
                json!({
                    "eventName": "INSERT", "eventSourceARN": "arn:aws:dynamodb:r:1:table/t/stream/s",
                    "dynamodb": {"SequenceNumber": format!("s{n}"), "NewImage": {"n": {"N": n.to_string()}}},
                })
            })
            .collect();
        let context = Context::new(Arc::new(SystemClock), Arc::new(SystemRandom), "r", 1000);
        let ready = function.start(&env).unwrap();
        ready(Invocation { payload: json!({"Records": records}), context }).await.unwrap()
    }

    fn failed(id: &str) -> Value {
        json!({"batchItemFailures": [{"itemIdentifier": id}]})
    }

    #[tokio::test]
    async fn a_stream_comes_again_from_the_first_record_that_is_not_done() {
        assert_eq!(answer(Job::streams("{}").serve_batches("x", until_two)).await, failed("s2"));
        assert_eq!(answer(Job::streams("{}").serve_batches("x", panics)).await, failed("s0"));
        assert_eq!(answer(Job::streams("{}").serve_records("x", second_fails)).await, failed("s1"));
    }
}
