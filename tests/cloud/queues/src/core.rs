//! All queues together: what one call changes, in memory and on disk, as one step.

use std::collections::BTreeMap;
use std::sync::Arc;

use cloud_core::{Millis, Place};

use crate::dedup::{DedupWindow, Remembered, WINDOW_MS};
use crate::digest;
use crate::error::QueueError;
use crate::faults::Faults;
use crate::journal::{Change, Journal, QueueRow};
use crate::message::{Content, Entry, Message, MessageAttribute, Outgoing, Phase, Seq, sequence_number};
use crate::move_task::MoveTask;
use crate::queue::Queue;
use crate::receipt::Receipt;
use crate::settings::{Redrive, Settings, VISIBILITY_S_MAX, queue_name};

/// Messages of one queue that can be in flight at once.
const IN_FLIGHT_MAX: usize = 120_000;
/// Time between two `PurgeQueue` of one queue.
const PURGE_INTERVAL_MS: Millis = 60_000;
/// Sequence numbers per millisecond, so that they keep growing over a restart without being stored.
const SEQ_PER_MS: Seq = 1024;

/// Answer to a send.
#[derive(Debug)]
pub(crate) struct Sent {
    pub message_id: String,
    pub md5_of_body: String,
    pub md5_of_attributes: Option<String>,
    pub md5_of_system_attributes: Option<String>,
    /// FIFO queues only.
    pub sequence_number: Option<String>,
}

pub(crate) struct Core {
    pub place: Place,
    pub queues: BTreeMap<String, Queue>,
    pub tasks: Vec<MoveTask>,
    pub faults: Faults,
    journal: Journal,
    last_seq: Seq,
}

impl Core {
    pub fn open(place: Place, journal: Journal) -> Result<Self, QueueError> {
        let mut core = Self {
            place,
            queues: BTreeMap::new(),
            tasks: Vec::new(),
            faults: Faults::default(),
            journal,
            last_seq: 0,
        };
        core.load()?;
        Ok(core)
    }

    /// Takes over what is on disk.
    fn load(&mut self) -> Result<(), QueueError> {
        let snapshot = self.journal.load()?;
        let mut queues = BTreeMap::new();
        for row in snapshot.queues {
            let mut queue =
                Queue::new(row.name.clone(), Settings::stored(row.settings)?, row.tags, row.created_s);
            queue.modified_s = row.modified_s;
            queue.purged_ms = row.purged_ms;
            if let Some(old) = self.queues.get(&row.name) {
                queue.arrivals = Arc::clone(&old.arrivals);
            }
            queues.insert(row.name, queue);
        }
        for (name, entry) in snapshot.entries {
            self.last_seq = self.last_seq.max(entry.seq);
            if let Some(queue) = queues.get_mut(&name) {
                queue.insert(entry);
            }
        }
        for (name, key, remembered) in snapshot.dedup {
            if let Some(queue) = queues.get_mut(&name) {
                queue.dedup.add(key, remembered);
            }
        }
        self.queues = queues;
        self.tasks = snapshot.tasks;
        Ok(())
    }

    /// Makes changes durable. When the disk refuses, memory goes back to what the disk has.
    fn commit(&mut self, changes: &[Change]) -> Result<(), QueueError> {
        let Err(error) = self.journal.commit(changes) else { return Ok(()) };
        self.load()?;
        Err(error.into())
    }

    pub fn arn(&self, name: &str) -> String {
        self.place.arn("sqs", name)
    }

    fn next_seq(&mut self, now: Millis) -> Seq {
        self.last_seq = (self.last_seq + 1).max(now.saturating_mul(SEQ_PER_MS));
        self.last_seq
    }

    /// The queue as it is at `now`.
    pub fn queue(&mut self, name: &str, now: Millis) -> Result<&mut Queue, QueueError> {
        let queue = self.queues.get_mut(name).ok_or(QueueError::QueueDoesNotExist)?;
        let expired: Vec<Change> = queue.ripen(now).into_iter().map(Change::Removed).collect();
        if !expired.is_empty() {
            self.commit(&expired)?;
        }
        self.queues.get_mut(name).ok_or(QueueError::QueueDoesNotExist)
    }

    // --- queues ---

    /// Stores a new queue, or new settings or tags of an existing one.
    pub fn save(
        &mut self,
        name: &str,
        settings: Settings,
        tags: BTreeMap<String, String>,
        now: Millis,
    ) -> Result<(), QueueError> {
        let now_s = now.div_euclid(1000);
        let queue = self
            .queues
            .entry(name.to_owned())
            .or_insert_with(|| Queue::new(name.to_owned(), settings.clone(), BTreeMap::new(), now_s));
        queue.settings = settings;
        queue.tags = tags;
        queue.modified_s = now_s;
        let row = row(queue);
        self.commit(&[Change::QueueSaved(row)])
    }

    /// Checks what AWS checks of a redrive policy: the target exists, is of the same kind, and permits it.
    pub fn check_redrive(&self, source: &str, settings: &Settings) -> Result<(), QueueError> {
        let Some(redrive) = &settings.redrive else { return Ok(()) };
        let refused = |reason: &str| {
            Err(QueueError::InvalidParameterValue(format!(
                "Value {} for parameter RedrivePolicy is invalid. Reason: {reason}.",
                settings.raw().get("RedrivePolicy").map_or("", String::as_str)
            )))
        };
        let Some(target) = self.queues.get(redrive.target()) else {
            return refused("Dead letter target does not exist");
        };
        if target.settings.fifo != settings.fifo {
            return refused("Dead-letter queue must be same type of queue as the source");
        }
        if !target.settings.allows_redrive_from(&self.arn(source)) {
            return refused("The dead-letter queue does not permit this source queue");
        }
        Ok(())
    }

    pub fn drop_queue(&mut self, name: &str) -> Result<(), QueueError> {
        let queue = self.queues.remove(name).ok_or(QueueError::QueueDoesNotExist)?;
        queue.arrivals.notify_waiters();
        self.commit(&[Change::QueueDropped(name.to_owned())])
    }

    /// Removes all messages. `limited` enforces the 60 s between two purges.
    pub fn purge(&mut self, name: &str, limited: bool, now: Millis) -> Result<(), QueueError> {
        let queue = self.queue(name, now)?;
        if limited && queue.purged_ms.is_some_and(|at| now - at < PURGE_INTERVAL_MS) {
            return Err(QueueError::PurgeQueueInProgress(name.to_owned()));
        }
        queue.clear();
        queue.purged_ms = Some(now);
        let row = row(queue);
        self.commit(&[Change::QueueEmptied(name.to_owned()), Change::QueueSaved(row)])
    }

    /// Removes every queue, message and task.
    pub fn reset(&mut self) -> Result<(), QueueError> {
        for queue in std::mem::take(&mut self.queues).into_values() {
            queue.arrivals.notify_waiters();
        }
        self.tasks.clear();
        self.commit(&[Change::EverythingDropped])
    }

    // --- messages ---

    /// Sends checked messages in one step.
    pub fn send(&mut self, name: &str, batch: Vec<Outgoing>, now: Millis) -> Result<Vec<Sent>, QueueError> {
        let queue = self.queue(name, now)?;
        let (fifo, per_group) = (queue.settings.fifo, queue.settings.dedup_per_group);
        let own_delay_ms = queue.settings.delay_ms;
        let mut changes = Vec::with_capacity(batch.len());
        let mut answers = Vec::with_capacity(batch.len());
        for message in batch {
            let dedup = if fifo {
                Some(message.dedup.clone().unwrap_or_else(|| digest::content(&message.body)))
            } else {
                None
            };
            let key =
                dedup.as_ref().map(|id| DedupWindow::key(id, message.group.as_deref().filter(|_| per_group)));
            let mut answer = sent(&message);
            let Some(queue) = self.queues.get_mut(name) else { break };
            if let Some(first) = key.as_ref().and_then(|key| queue.dedup.find(key, now)) {
                answer.message_id.clone_from(&first.message_id);
                answer.sequence_number = Some(first.sequence_number.clone());
                answers.push(answer);
                continue;
            }
            let mishap = self.faults.draw(name, fifo);
            let delay_ms = message.delay_s.filter(|_| !fifo).map_or(own_delay_ms, |s| Millis::from(s) * 1000)
                + mishap.delay_ms
                + mishap.behind_ms;
            let content = Arc::new(Content {
                id: answer.message_id.clone(),
                body_md5: answer.md5_of_body.clone(),
                body: message.body,
                attributes: message.attributes,
                trace_header: message.trace_header,
                group: message.group,
                dedup,
            });
            for copy in 0..=mishap.copies {
                let seq = self.next_seq(now);
                let entry = Entry {
                    seq,
                    order: seq + mishap.behind_ms * SEQ_PER_MS,
                    content: Arc::clone(&content),
                    sent_ms: now,
                    phase: if delay_ms > 0 { Phase::Delayed { until: now + delay_ms } } else { Phase::Ready },
                    receives: 0,
                    receives_here: 0,
                    first_received_ms: None,
                    nonce: 0,
                    dead_from_arn: None,
                };
                changes.push(Change::Added { queue: name.to_owned(), entry: entry.clone() });
                let Some(queue) = self.queues.get_mut(name) else { break };
                queue.insert(entry);
                let Some(key) = key.clone().filter(|_| copy == 0) else { continue };
                let what = Remembered {
                    message_id: content.id.clone(),
                    sequence_number: sequence_number(seq),
                    expires_ms: now + WINDOW_MS,
                };
                answer.sequence_number = Some(what.sequence_number.clone());
                queue.dedup.add(key.clone(), what.clone());
                changes.push(Change::Remembered { queue: name.to_owned(), key, what });
            }
            answers.push(answer);
        }
        self.commit(&changes)?;
        Ok(answers)
    }

    /// Receives what is visible; messages received too often leave for the dead-letter queue instead.
    pub fn receive(
        &mut self,
        name: &str,
        max: usize,
        visibility_ms: Option<Millis>,
        now: Millis,
    ) -> Result<Vec<Message>, QueueError> {
        let queue = self.queue(name, now)?;
        if !queue.settings.fifo && queue.in_flight() >= IN_FLIGHT_MAX {
            return Err(QueueError::OverLimit);
        }
        let fifo = queue.settings.fifo;
        let redrive = queue.settings.redrive.clone();
        let redrive = redrive.filter(|r| self.queues.contains_key(r.target()));
        let arn = self.arn(name);
        let mut messages = Vec::new();
        let mut changes = Vec::new();
        let mut dead = Vec::new();
        let Some(queue) = self.queues.get_mut(name) else { return Ok(messages) };
        let until = now + visibility_ms.unwrap_or(queue.settings.visibility_ms);
        while messages.len() < max {
            let taken = queue.take(max - messages.len(), now);
            if taken.is_empty() {
                break;
            }
            for seq in taken {
                let exhausted =
                    |r: &Redrive| queue.get(seq).is_some_and(|e| e.receives_here >= r.receives_max);
                if redrive.as_ref().is_some_and(exhausted) {
                    dead.extend(queue.remove(seq));
                } else if let Some(entry) = queue.deliver(seq, now, until, rand::random()) {
                    messages.push(message(entry, name, fifo));
                    changes.push(Change::Touched(entry.clone()));
                }
            }
        }
        // With a visibility of zero the messages are back at once, but not twice in one answer.
        if until <= now {
            queue.ripen(now);
        }
        if let Some(redrive) = redrive {
            for entry in dead {
                changes.push(Change::Removed(entry.seq));
                let moved = Entry { receives_here: 0, dead_from_arn: Some(arn.clone()), ..entry };
                self.put(redrive.target(), moved, now, &mut changes);
            }
        }
        self.commit(&changes)?;
        Ok(messages)
    }

    /// Puts a message that left another queue at the end of this one.
    fn put(&mut self, target: &str, entry: Entry, now: Millis, changes: &mut Vec<Change>) {
        let seq = self.next_seq(now);
        let Some(queue) = self.queues.get_mut(target) else { return };
        // A standard queue keeps counting the retention from the first send, a FIFO queue starts anew.
        let sent_ms = if queue.settings.fifo { now } else { entry.sent_ms };
        let entry = Entry { seq, order: seq, phase: Phase::Ready, nonce: 0, sent_ms, ..entry };
        changes.push(Change::Added { queue: target.to_owned(), entry: entry.clone() });
        queue.insert(entry);
    }

    pub fn delete(&mut self, name: &str, handles: &[&str], now: Millis) -> Results {
        let queue = self.queue(name, now)?;
        let mut changes = Vec::new();
        let results = handles
            .iter()
            .map(|handle| {
                let Some(seq) = held(queue, handle)? else { return Ok(()) };
                let in_flight = queue.get(seq).is_some_and(|e| matches!(e.phase, Phase::InFlight { .. }));
                if queue.settings.fifo && !in_flight {
                    return Err(QueueError::InvalidParameterValue(format!(
                        "Value {handle} for parameter ReceiptHandle is invalid. Reason: The receipt handle has expired."
                    )));
                }
                queue.remove(seq);
                changes.push(Change::Removed(seq));
                Ok(())
            })
            .collect();
        self.commit(&changes)?;
        Ok(results)
    }

    pub fn change_visibility(&mut self, name: &str, wanted: &[(&str, Millis)], now: Millis) -> Results {
        let queue = self.queue(name, now)?;
        let mut changes = Vec::new();
        let results = wanted
            .iter()
            .map(|(handle, span_ms)| {
                let unavailable = || {
                    QueueError::InvalidParameterValue(format!(
                        "Value {handle} for parameter ReceiptHandle is invalid. Reason: Message does not exist or \
                         is not available for visibility timeout change."
                    ))
                };
                let seq = held(queue, handle)?.ok_or_else(unavailable)?;
                let Some(Phase::InFlight { since, .. }) = queue.get(seq).map(|e| e.phase) else {
                    return Err(QueueError::MessageNotInflight);
                };
                let until = now + span_ms;
                if *span_ms < 0 || until - since > VISIBILITY_S_MAX * 1000 {
                    return Err(QueueError::InvalidParameterValue(format!(
                        "Value {} for parameter VisibilityTimeout is invalid. Reason: Total VisibilityTimeout for \
                         the message is beyond the limit [{VISIBILITY_S_MAX} seconds].",
                        span_ms / 1000
                    )));
                }
                queue.hold(seq, until);
                queue.ripen(now);
                // Whoever waits sleeps until the former moment.
                queue.arrivals.notify_waiters();
                changes.extend(queue.get(seq).cloned().map(Change::Touched));
                Ok(())
            })
            .collect();
        self.commit(&changes)?;
        Ok(results)
    }

    /// Makes what was received visible again: nobody holds it any more.
    pub fn recall(&mut self, name: &str, now: Millis) -> Result<(), QueueError> {
        let queue = self.queue(name, now)?;
        let seqs = queue.recall(now);
        let changes: Vec<Change> =
            seqs.iter().filter_map(|seq| queue.get(*seq)).cloned().map(Change::Touched).collect();
        self.commit(&changes)
    }

    /// Moves the visible messages of a dead-letter queue to `target`, or each to the queue that it came from.
    ///
    /// They arrive as new messages: with another id, sent now, never received.
    pub fn move_messages(
        &mut self,
        source: &str,
        target: Option<&str>,
        now: Millis,
    ) -> Result<MoveTask, QueueError> {
        let found = self.queue(source, now)?.visible_in_order();
        let mut task = MoveTask {
            handle: random_id(),
            source_arn: self.arn(source),
            destination_arn: target.map(|name| self.arn(name)),
            rate_max: None,
            moved: 0,
            found: found.len(),
            failure: None,
            started_ms: now,
        };
        let mut changes = Vec::new();
        for seq in found {
            let Some(entry) = self.queues.get(source).and_then(|q| q.get(seq)).cloned() else { continue };
            let home = target.or(entry.dead_from_arn.as_deref().map(queue_name));
            let Some(home) = home.filter(|name| self.queues.contains_key(*name)) else {
                task.failure = Some("AWS.SimpleQueueService.CouldNotDetermineMessageSource".to_owned());
                break;
            };
            if let Some(queue) = self.queues.get_mut(source) {
                queue.remove(seq);
            }
            changes.push(Change::Removed(seq));
            let content = Arc::new(Content {
                id: random_id(),
                body: entry.content.body.clone(),
                body_md5: entry.content.body_md5.clone(),
                attributes: entry.content.attributes.clone(),
                trace_header: entry.content.trace_header.clone(),
                group: entry.content.group.clone(),
                dedup: entry.content.dedup.clone(),
            });
            let fresh = Entry {
                content,
                sent_ms: now,
                receives: 0,
                receives_here: 0,
                first_received_ms: None,
                dead_from_arn: None,
                ..entry.clone()
            };
            self.put(home, fresh, now, &mut changes);
            task.moved += 1;
        }
        self.commit(&changes)?;
        Ok(task)
    }

    /// Keeps the record of a task.
    pub fn record(&mut self, task: MoveTask) -> Result<(), QueueError> {
        self.tasks.push(task.clone());
        self.commit(&[Change::TaskDone(task)])
    }
}

/// One result per entry of a batch.
pub(crate) type Results = Result<Vec<Result<(), QueueError>>, QueueError>;

/// The message that a handle holds; `None` when it is gone, or was received again since.
fn held(queue: &Queue, handle: &str) -> Result<Option<Seq>, QueueError> {
    let receipt = Receipt::decode(handle)
        .filter(|receipt| receipt.queue == queue.name)
        .ok_or(QueueError::ReceiptHandleIsInvalid)?;
    Ok(queue.get(receipt.seq).filter(|entry| entry.nonce == receipt.nonce).map(|entry| entry.seq))
}

fn row(queue: &Queue) -> QueueRow {
    QueueRow {
        name: queue.name.clone(),
        settings: queue.settings.raw().clone(),
        tags: queue.tags.clone(),
        created_s: queue.created_s,
        modified_s: queue.modified_s,
        purged_ms: queue.purged_ms,
    }
}

fn sent(message: &Outgoing) -> Sent {
    let trace = message.trace_header.as_ref().map(MessageAttribute::string);
    Sent {
        message_id: random_id(),
        md5_of_body: digest::body(&message.body),
        md5_of_attributes: digest::attributes(&message.attributes),
        md5_of_system_attributes: trace
            .and_then(|trace| digest::attributes([(&"AWSTraceHeader".to_owned(), &trace)])),
        sequence_number: None,
    }
}

fn message(entry: &Entry, queue: &str, fifo: bool) -> Message {
    let content = &entry.content;
    let mut attributes = BTreeMap::from([
        ("ApproximateReceiveCount".to_owned(), entry.receives.to_string()),
        ("SentTimestamp".to_owned(), entry.sent_ms.to_string()),
        ("SenderId".to_owned(), "AIDALOCAL".to_owned()),
    ]);
    let optional = [
        ("ApproximateFirstReceiveTimestamp", entry.first_received_ms.map(|ms| ms.to_string())),
        ("MessageGroupId", content.group.clone()),
        ("MessageDeduplicationId", content.dedup.clone()),
        ("SequenceNumber", fifo.then(|| sequence_number(entry.seq))),
        ("AWSTraceHeader", content.trace_header.clone()),
        ("DeadLetterQueueSourceArn", entry.dead_from_arn.clone()),
    ];
    attributes.extend(optional.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))));
    Message {
        message_id: content.id.clone(),
        receipt_handle: Receipt::encode(queue, entry.seq, entry.nonce),
        body: content.body.clone(),
        md5_of_body: content.body_md5.clone(),
        attributes,
        message_attributes: content.attributes.clone(),
    }
}

/// A random id in the form of a UUID.
pub(crate) fn random_id() -> String {
    uuid::Builder::from_random_bytes(rand::random()).into_uuid().to_string()
}
