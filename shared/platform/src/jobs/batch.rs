//! Batches with partial failures. A message that cannot be read, a handler that errs and a handler that panics cost
//! that message alone; in a FIFO group and in a stream, those behind it wait with it.

use std::collections::HashSet;
use std::panic::AssertUnwindSafe;

use futures::{FutureExt as _, StreamExt as _};
use kernel::{BoxFuture, Result};
use serde_json::{Value, json};

/// How many messages of a standard queue's batch are worked on at a time.
const AT_ONCE: usize = 5;

/// The outcome of one record: `Err` says why, for the log.
pub(super) type Outcome<T = ()> = Result<T, String>;

/// Awaits one record's work; a panic becomes its failure.
pub(super) async fn isolated<T>(work: BoxFuture<'static, Result<T>>) -> Outcome<T> {
    match AssertUnwindSafe(work).catch_unwind().await {
        Ok(Ok(done)) => Ok(done),
        Ok(Err(error)) => Err(error.to_string()),
        Err(_) => Err("the handler panicked".to_owned()),
    }
}

/// One message to work on: its SQS id (what the failure list names), its group, and the work.
pub(super) struct Item {
    pub(super) id: String,
    pub(super) group: Option<String>,
    pub(super) work: Result<BoxFuture<'static, Result<()>>, String>,
}

/// Works a queue's batch off and answers the ids that failed, with reasons.
pub(super) async fn queue(items: Vec<Item>) -> Vec<(String, String)> {
    if items.iter().any(|i| i.group.is_some()) {
        return in_order(items).await;
    }
    futures::stream::iter(items)
        .map(|item| async move {
            let outcome = match item.work {
                Ok(work) => isolated(work).await,
                Err(reason) => Err(reason),
            };
            outcome.err().map(|reason| (item.id, reason))
        })
        .buffer_unordered(AT_ONCE)
        .filter_map(std::future::ready)
        .collect()
        .await
}

async fn in_order(items: Vec<Item>) -> Vec<(String, String)> {
    let mut stopped: HashSet<String> = HashSet::new();
    let mut failed = Vec::new();
    for item in items {
        let group = item.group.unwrap_or_default();
        if stopped.contains(&group) {
            failed.push((item.id, "an earlier message of its group failed".to_owned()));
            continue;
        }
        let outcome = match item.work {
            Ok(work) => isolated(work).await,
            Err(reason) => Err(reason),
        };
        if let Err(reason) = outcome {
            stopped.insert(group);
            failed.push((item.id, reason));
        }
    }
    failed
}

/// `ReportBatchItemFailures`.
pub(super) fn failures(failed: &[(String, String)]) -> Value {
    let list: Vec<Value> = failed.iter().map(|(id, _)| json!({"itemIdentifier": id})).collect();
    json!({"batchItemFailures": list})
}

#[cfg(test)]
mod tests {
    use super::*;
    use kernel::Error;
    use std::sync::{Arc, Mutex};

    fn item(id: &str, group: Option<&str>, outcome: &'static str, seen: &Arc<Mutex<Vec<String>>>) -> Item {
        let (seen, name) = (seen.clone(), id.to_owned());
        let work: BoxFuture<'static, Result<()>> = Box::pin(async move {
            seen.lock().unwrap().push(name);
            match outcome {
                "err" => Err(Error::internal("x")),
                "panic" => panic!("boom"),
                _ => Ok(()),
            }
        });
        Item { id: id.into(), group: group.map(str::to_owned), work: Ok(work) }
    }

    #[tokio::test]
    async fn a_poisonous_message_costs_itself_alone() {
        let seen = Arc::default();
        let mut items = vec![
            item("a", None, "ok", &seen),
            item("b", None, "panic", &seen),
            item("c", None, "err", &seen),
        ];
        items.push(Item { id: "d".into(), group: None, work: Err("not JSON".into()) });
        items.push(item("e", None, "ok", &seen));
        let mut failed: Vec<_> = queue(items).await.into_iter().map(|f| f.0).collect();
        failed.sort();
        assert_eq!(failed, ["b", "c", "d"]);
        assert_eq!(seen.lock().unwrap().len(), 4);
    }

    #[tokio::test]
    async fn a_group_stops_at_its_first_failure_and_others_go_on() {
        let seen = Arc::default();
        let items = vec![
            item("a1", Some("a"), "err", &seen),
            item("b1", Some("b"), "ok", &seen),
            item("a2", Some("a"), "ok", &seen),
        ];
        let failed: Vec<_> = queue(items).await.into_iter().map(|f| f.0).collect();
        assert_eq!(failed, ["a1", "a2"]);
        assert_eq!(*seen.lock().unwrap(), ["a1", "b1"]);
    }
}
