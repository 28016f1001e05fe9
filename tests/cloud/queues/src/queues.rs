use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use cloud_core::{Clock, Millis, Place, State};

use crate::check;
use crate::core::{Core, Results, Sent};
use crate::error::QueueError;
use crate::faults::{DeliveryFault, Faults};
use crate::journal::Journal;
use crate::message::{Message, Outgoing};
use crate::settings::{Redrive, Settings};

/// Every queue of the one-machine cloud.
pub struct Queues {
    core: Mutex<Core>,
    clock: Clock,
}

/// How a queue stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QueueStats {
    /// Name, with `.fifo` where it applies.
    pub name: String,
    /// Messages that can be received.
    pub visible: usize,
    /// Messages received and not yet deleted.
    pub in_flight: usize,
    /// Messages sent with a delay that is not over.
    pub delayed: usize,
    /// Age of the oldest message in seconds; zero without messages.
    pub oldest_age_s: i64,
    /// When the next delayed or in-flight message turns visible by itself.
    pub next_due_ms: Option<Millis>,
    /// Name of the dead-letter queue.
    pub dlq: Option<String>,
}

impl Queues {
    /// Opens the queues of this state, with the messages that they had.
    ///
    /// # Errors
    /// When the database cannot be opened or read.
    pub fn open(state: &State, place: Place, clock: Clock) -> Result<Arc<Self>, QueueError> {
        let core = Core::open(place, Journal::open(state)?)?;
        Ok(Arc::new(Self { core: Mutex::new(core), clock }))
    }

    /// Creates the queue, or gives the existing one these attributes; answers its ARN. The dead-letter queue of a
    /// `RedrivePolicy` may be created later.
    ///
    /// # Errors
    /// `InvalidAttributeName`, `InvalidAttributeValue`, `InvalidParameterValue` (name), `Storage`.
    #[expect(clippy::needless_pass_by_value, reason = "callers build the map for this call")]
    pub fn ensure(&self, name: &str, attributes: BTreeMap<String, String>) -> Result<String, QueueError> {
        let now = self.clock.now_ms();
        let mut core = self.lock();
        let (settings, tags) = match core.queues.get(name) {
            Some(queue) => (queue.settings.with(&attributes)?, queue.tags.clone()),
            None => (Settings::new(name, &attributes)?, BTreeMap::new()),
        };
        core.save(name, settings, tags, now)?;
        Ok(core.arn(name))
    }

    /// Sends one message and answers its id.
    ///
    /// # Errors
    /// What SQS answers to such a `SendMessage`.
    pub fn send(&self, name: &str, message: Outgoing) -> Result<String, QueueError> {
        Ok(self.send_checked(name, message)?.message_id)
    }

    pub(crate) fn send_checked(&self, name: &str, message: Outgoing) -> Result<Sent, QueueError> {
        let now = self.clock.now_ms();
        let mut core = self.lock();
        check::outgoing(&message, &core.queue(name, now)?.settings)?;
        let mut answers = core.send(name, vec![message], now)?;
        answers.pop().ok_or(QueueError::QueueDoesNotExist)
    }

    /// Receives up to `max` messages, waiting up to `wait` (of the clock's time) for the first of them. They are
    /// invisible to others for `visibility`, or as long as the queue says.
    ///
    /// # Errors
    /// `QueueDoesNotExist`, also when the queue is deleted meanwhile; `OverLimit`; `Storage`.
    pub async fn receive(
        &self,
        name: &str,
        max: usize,
        wait: Duration,
        visibility: Option<Duration>,
    ) -> Result<Vec<Message>, QueueError> {
        let deadline = self.clock.now_ms().saturating_add(millis(wait));
        let visibility_ms = visibility.map(millis);
        loop {
            let arrivals = {
                let mut core = self.lock();
                Arc::clone(&core.queue(name, self.clock.now_ms())?.arrivals)
            };
            let arrival = arrivals.notified();
            tokio::pin!(arrival);
            // Registered before looking, so that a send between the look and the wait is not missed.
            arrival.as_mut().enable();
            let (messages, wake_ms) = {
                let mut core = self.lock();
                let messages = core.receive(name, max, visibility_ms, self.clock.now_ms())?;
                let due = core.queues.get(name).and_then(crate::queue::Queue::next_due_ms);
                (messages, due.map_or(deadline, |due| due.min(deadline)))
            };
            if !messages.is_empty() || self.clock.now_ms() >= deadline {
                return Ok(messages);
            }
            tokio::select! {
                () = arrival => {}
                () = self.clock.sleep_until(wake_ms) => {}
            }
        }
    }

    /// Deletes a received message. A handle from an earlier delivery deletes nothing.
    ///
    /// # Errors
    /// `ReceiptHandleIsInvalid`; `InvalidParameterValue` for an expired handle of a FIFO queue.
    pub fn delete(&self, name: &str, receipt: &str) -> Result<(), QueueError> {
        first(self.lock().delete(name, &[receipt], self.clock.now_ms()))
    }

    /// Makes a received message visible again after `span`, at once with zero.
    ///
    /// # Errors
    /// `ReceiptHandleIsInvalid`, `MessageNotInflight`, `InvalidParameterValue`.
    pub fn change_visibility(&self, name: &str, receipt: &str, span: Duration) -> Result<(), QueueError> {
        first(self.lock().change_visibility(name, &[(receipt, millis(span))], self.clock.now_ms()))
    }

    /// Makes every received message of a queue visible again, when whoever received them is known to be gone.
    ///
    /// # Errors
    /// `QueueDoesNotExist`, `Storage`.
    pub fn recall(&self, name: &str) -> Result<(), QueueError> {
        self.lock().recall(name, self.clock.now_ms())
    }

    /// How all queues stand, by name.
    #[must_use]
    pub fn stats(&self) -> Vec<QueueStats> {
        let now = self.clock.now_ms();
        let mut core = self.lock();
        let names: Vec<String> = core.queues.keys().cloned().collect();
        names
            .into_iter()
            .filter_map(|name| {
                let queue = core.queue(&name, now).ok()?;
                Some(QueueStats {
                    visible: queue.visible(),
                    in_flight: queue.in_flight(),
                    delayed: queue.delayed(),
                    oldest_age_s: queue.oldest_sent_ms().map_or(0, |sent| (now - sent).div_euclid(1000)),
                    next_due_ms: queue.next_due_ms(),
                    dlq: queue.settings.redrive.as_ref().map(|r| r.target().to_owned()),
                    name,
                })
            })
            .collect()
    }

    /// Moves all of this queue's dead letters back to it; answers how many.
    ///
    /// # Errors
    /// `QueueDoesNotExist`; `UnsupportedOperation` when the queue has no dead-letter queue.
    pub fn redrive(&self, name: &str) -> Result<usize, QueueError> {
        let now = self.clock.now_ms();
        let mut core = self.lock();
        let redrive = core.queue(name, now)?.settings.redrive.clone();
        let dlq = redrive.as_ref().map(Redrive::target).ok_or_else(|| {
            QueueError::UnsupportedOperation(format!("Queue {name} has no dead-letter queue."))
        })?;
        Ok(core.move_messages(dlq, Some(name), now)?.moved)
    }

    /// Removes all messages of a queue, as often as asked.
    ///
    /// # Errors
    /// `QueueDoesNotExist`, `Storage`.
    pub fn purge(&self, name: &str) -> Result<(), QueueError> {
        self.lock().purge(name, false, self.clock.now_ms())
    }

    /// Removes every queue and message.
    ///
    /// # Errors
    /// `Storage`.
    pub fn reset(&self) -> Result<(), QueueError> {
        self.lock().reset()
    }

    /// Replaces the faults in force; with an empty list queues behave again. The same seed and the same sends give
    /// the same mishaps.
    pub fn set_delivery_faults(&self, seed: u64, faults: Vec<DeliveryFault>) {
        self.lock().faults = Faults::new(seed, faults);
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, Core> {
        self.core.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn now_ms(&self) -> Millis {
        self.clock.now_ms()
    }
}

fn first(results: Results) -> Result<(), QueueError> {
    results?.pop().unwrap_or(Ok(()))
}

fn millis(span: Duration) -> Millis {
    // Far beyond any limit of SQS, and far from overflowing when added to a time.
    Millis::try_from(span.as_millis()).unwrap_or(Millis::MAX).min(Millis::MAX / 8)
}
