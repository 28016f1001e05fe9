//! Brings notifications out: each is tried until its destination has accepted it.

use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt as _;

use crate::core::Core;
use crate::index::{Pending, Result, Target};
use crate::notify::bus_event;

/// Read from the outbox at once.
const BATCH: u32 = 256;
/// On their way at once: a slow function does not hold up a queue.
const AT_ONCE: usize = 16;
/// How often lifecycle rules are applied, by the clock; a jump of the clock applies them at once.
const LIFECYCLE_EVERY: Duration = Duration::from_mins(1);
/// Wait after the index could not be asked.
const PAUSE: Duration = Duration::from_secs(1);

impl Core {
    /// Delivers until nothing is due. S3 promises at least once, and no order between keys.
    pub(crate) async fn deliver_due(&self) -> Result<()> {
        loop {
            let due = self.index.due(BATCH)?;
            if due.is_empty() {
                return Ok(());
            }
            futures::stream::iter(due)
                .for_each_concurrent(AT_ONCE, |pending| self.deliver_one(pending))
                .await;
        }
    }

    async fn deliver_one(&self, pending: Pending) {
        let outcome = match &pending.target {
            Target::Arn(arn) => self.deliver.deliver(arn.clone(), pending.body.to_string(), None).await,
            Target::Bus => self.bus.put(bus_event(&pending.body)).await,
        };
        let recorded = match outcome {
            Ok(()) => self.index.delivered(pending.id),
            Err(cause) => {
                tracing::warn!(target = ?pending.target, attempts = pending.attempts + 1, cause, "not accepted; will try again");
                self.index.postpone(&pending)
            }
        };
        if let Err(error) = recorded {
            tracing::error!(%error, "the outcome of a delivery is not recorded; it may arrive twice");
        }
    }

    /// Applies the lifecycle rules by now.
    pub(crate) fn sweep_lifecycle(&self) -> Result<()> {
        let removed = self.index.apply_lifecycle()?;
        self.blobs.remove(&removed);
        self.wake.notify_one();
        Ok(())
    }
}

/// Delivers and expires, forever.
pub(crate) async fn run(core: Arc<Core>) {
    let expire = async {
        loop {
            if let Err(error) = core.sweep_lifecycle() {
                tracing::error!(%error, "lifecycle rules were not applied");
            }
            core.clock.sleep(LIFECYCLE_EVERY).await;
        }
    };
    let deliver = async {
        loop {
            let next = match core.deliver_due().await.and_then(|()| core.index.next_due()) {
                Ok(next) => next,
                Err(error) => {
                    tracing::error!(%error, "notifications are waiting");
                    tokio::time::sleep(PAUSE).await;
                    continue;
                }
            };
            match next {
                Some(at) => tokio::select! {
                    () = core.wake.notified() => {}
                    () = core.clock.sleep_until(at) => {}
                },
                None => core.wake.notified().await,
            }
        }
    };
    tokio::join!(expire, deliver);
}
