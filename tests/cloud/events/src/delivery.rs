//! The loop that runs what is due and takes events to their targets.

use std::collections::HashSet;
use std::time::Duration;

use cloud_core::Millis;
use futures::stream::{FuturesUnordered, StreamExt as _};

use crate::events::Events;
use crate::storage::{Change, Delivery};

/// Deliveries under way at once.
const CONCURRENCY: usize = 32;
/// The longest pause between two attempts.
const PAUSE_S_MAX: u32 = 60;
/// Pause after the disk refused, in the clock's time.
const STORAGE_PAUSE: Duration = Duration::from_secs(1);

impl Events {
    /// Runs schedules as they fall due and delivers what was accepted, until dropped. One such loop must run for as
    /// long as events are to arrive; what it leaves undone when it ends is done by the next one.
    pub async fn run(&self) {
        let mut under_way = FuturesUnordered::new();
        let mut started: HashSet<i64> = HashSet::new();
        loop {
            let wake_ms = match self.start(&mut started) {
                Ok((deliveries, wake_ms)) => {
                    under_way.extend(deliveries.into_iter().map(|delivery| self.attempt(delivery)));
                    wake_ms
                }
                Err(error) => {
                    tracing::error!(%error, "cannot read what is due");
                    Some(self.clock.now_ms() + Millis::try_from(STORAGE_PAUSE.as_millis()).unwrap_or(1000))
                }
            };
            tokio::select! {
                () = self.work.notified() => {}
                Some(id) = under_way.next(), if !under_way.is_empty() => {
                    started.remove(&id);
                }
                () = self.sleep_until(wake_ms) => {}
            }
        }
    }

    /// Runs what is due; answers the deliveries to start now, and when to look again without being told to.
    fn start(
        &self,
        started: &mut HashSet<i64>,
    ) -> Result<(Vec<Delivery>, Option<Millis>), crate::EventsError> {
        let now = self.clock.now_ms();
        let next_schedule_ms = {
            let mut core = self.lock();
            core.run_due(now)?;
            core.next_due().map(|(due, _)| due)
        };
        let room = CONCURRENCY.saturating_sub(started.len());
        if room == 0 {
            return Ok((Vec::new(), next_schedule_ms));
        }
        let mut deliveries = self.storage.due(now, CONCURRENCY)?;
        deliveries.retain(|delivery| !started.contains(&delivery.id));
        deliveries.truncate(room);
        started.extend(deliveries.iter().map(|delivery| delivery.id));
        let next_try_ms = self.storage.next_try_ms(now)?;
        Ok((deliveries, next_schedule_ms.into_iter().chain(next_try_ms).min()))
    }

    async fn sleep_until(&self, at_ms: Option<Millis>) {
        match at_ms {
            Some(at_ms) => self.clock.sleep_until(at_ms).await,
            None => std::future::pending().await,
        }
    }

    /// One attempt; what came of it is on disk when this returns the delivery's id.
    async fn attempt(&self, delivery: Delivery) -> i64 {
        let Delivery { arn, body, group, .. } = delivery.clone();
        let outcome = self.deliver.deliver(arn, body, group).await;
        let id = delivery.id;
        let changes = match outcome {
            Ok(()) => vec![Change::Settled(id)],
            Err(reason) => after_failure(delivery, &reason, self.clock.now_ms()),
        };
        // Failing to note a success means delivering again: at least once.
        while let Err(error) = self.storage.commit(&changes) {
            tracing::error!(%error, id, "cannot note the outcome of a delivery");
            self.clock.sleep(STORAGE_PAUSE).await;
        }
        id
    }
}

/// Another attempt later, or the dead-letter queue, or the end.
fn after_failure(delivery: Delivery, reason: &str, now: Millis) -> Vec<Change> {
    let attempts = delivery.attempts + 1;
    let at_ms = now + pause_ms(attempts);
    let age_ms_max = Millis::from(delivery.age_s_max) * 1000;
    if attempts <= delivery.retries_max && at_ms - delivery.created_ms <= age_ms_max {
        tracing::debug!(arn = delivery.arn, origin = delivery.origin, reason, attempts, "delivery failed");
        return vec![Change::Retry { id: delivery.id, attempts, at_ms }];
    }
    tracing::warn!(arn = delivery.arn, origin = delivery.origin, reason, attempts, "delivery given up");
    let mut changes = vec![Change::Settled(delivery.id)];
    if let Some(dead_letter_arn) = delivery.dead_letter_arn.clone() {
        changes.push(Change::Send(Delivery {
            arn: dead_letter_arn,
            group: None,
            created_ms: now,
            attempts: 0,
            next_try_ms: now,
            dead_letter_arn: None,
            ..delivery
        }));
    }
    changes
}

/// One second, doubled with every attempt up to a minute.
fn pause_ms(attempts: u32) -> Millis {
    let seconds = 1_u32.checked_shl(attempts.saturating_sub(1)).unwrap_or(PAUSE_S_MAX);
    Millis::from(seconds.clamp(1, PAUSE_S_MAX)) * 1000
}
