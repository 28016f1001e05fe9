//! Streams of all tables: hands each new outbox item to its queue, in order, until one fails; the stream delivers that
//! one and what follows again.
use operations::Relay;
use platform::{Done, Function, Grant, Job, Result, StreamRecord, TableAction};

/// Records that are new outbox items.
const OUTBOX: &str = r#"{"eventName":["INSERT"],"dynamodb":{"Keys":{"pk":{"S":[{"prefix":"OUTBOX#"}]}}}}"#;

/// The function.
#[must_use]
pub fn function() -> Function {
    Job::streams(OUTBOX)
        .summary("Hands outbox messages to their queues")
        .serve_batches("platform-relay-outbox", handle)
        .grants([Grant::SendToAll, Grant::Table("platform", &[TableAction::Put])])
}

async fn handle(relay: Relay, mut records: Vec<StreamRecord>) -> Result<Done> {
    let Some(context) = records.first().map(|r| r.context.clone()) else { return Ok(Done::All) };
    let items = records.iter_mut().map(|r| r.new.take()).collect();
    let relayed = relay.relay(&context, items).await?;
    Ok(relayed.failure.map_or(Done::All, |reason| Done::Until(relayed.done, reason)))
}
