use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use cloud_core::Millis;
use tokio::sync::Notify;

use crate::dedup::DedupWindow;
use crate::lanes::Lanes;
use crate::message::{Entry, Phase, Seq};
use crate::settings::Settings;

/// One queue in memory.
///
/// Every message is in `entries`; what can be received is in `lanes`; what turns visible by itself is in `timers`.
#[derive(Debug)]
pub(crate) struct Queue {
    pub name: String,
    pub settings: Settings,
    pub tags: BTreeMap<String, String>,
    pub created_s: i64,
    pub modified_s: i64,
    pub purged_ms: Option<Millis>,
    pub dedup: DedupWindow,
    /// Wakes the long polls.
    pub arrivals: Arc<Notify>,
    entries: HashMap<Seq, Entry>,
    lanes: Lanes,
    timers: BTreeSet<(Millis, Seq)>,
    by_age: BTreeSet<(Millis, Seq)>,
    in_flight: usize,
}

impl Queue {
    pub fn new(name: String, settings: Settings, tags: BTreeMap<String, String>, now_s: i64) -> Self {
        Self {
            lanes: Lanes::new(settings.fifo),
            name,
            settings,
            tags,
            created_s: now_s,
            modified_s: now_s,
            purged_ms: None,
            dedup: DedupWindow::default(),
            arrivals: Arc::default(),
            entries: HashMap::new(),
            timers: BTreeSet::new(),
            by_age: BTreeSet::new(),
            in_flight: 0,
        }
    }

    /// Makes visible what has become so by `now`, drops what has been kept for too long and says which that was.
    pub fn ripen(&mut self, now: Millis) -> Vec<Seq> {
        while self.timers.first().is_some_and(|(due, _)| *due <= now) {
            if let Some((_, seq)) = self.timers.pop_first() {
                self.make_ready(seq);
            }
        }
        let mut expired = Vec::new();
        while let Some(&(sent, seq)) = self.by_age.first() {
            if sent + self.settings.retention_ms > now {
                break;
            }
            if self.remove(seq).is_none() {
                break;
            }
            expired.push(seq);
        }
        expired
    }

    pub fn insert(&mut self, entry: Entry) {
        let group = entry.content.group.as_deref().unwrap_or_default();
        match entry.phase {
            Phase::InFlight { .. } => {
                self.in_flight += 1;
                self.lanes.join_in_flight(group);
            }
            phase => self.lanes.join(entry.seq, entry.order, group, phase == Phase::Ready),
        }
        if let Some(due) = entry.phase.due() {
            self.timers.insert((due, entry.seq));
        }
        self.by_age.insert((entry.sent_ms, entry.seq));
        self.entries.insert(entry.seq, entry);
        self.arrivals.notify_waiters();
    }

    pub fn get(&self, seq: Seq) -> Option<&Entry> {
        self.entries.get(&seq)
    }

    /// Takes up to `max` visible messages; each must be handed to `deliver` or `remove` next.
    pub fn take(&mut self, max: usize, now: Millis) -> Vec<Seq> {
        let taken = self.lanes.take(max);
        for seq in &taken {
            if let Some(entry) = self.entries.get_mut(seq) {
                entry.phase = Phase::InFlight { since: now, until: now };
                self.timers.insert((now, *seq));
                self.in_flight += 1;
            }
        }
        taken
    }

    /// Marks a taken message as received, invisible until `until`.
    pub fn deliver(&mut self, seq: Seq, now: Millis, until: Millis, nonce: u64) -> Option<&Entry> {
        self.hold(seq, until);
        let entry = self.entries.get_mut(&seq)?;
        entry.receives = entry.receives.saturating_add(1);
        entry.receives_here = entry.receives_here.saturating_add(1);
        entry.first_received_ms.get_or_insert(now);
        entry.nonce = nonce;
        Some(entry)
    }

    /// Moves the end of a message's invisibility.
    pub fn hold(&mut self, seq: Seq, new_until: Millis) {
        if let Some(Entry { phase: Phase::InFlight { until, .. }, .. }) = self.entries.get_mut(&seq) {
            self.timers.remove(&(*until, seq));
            *until = new_until;
            self.timers.insert((new_until, seq));
        }
    }

    /// Makes every received message visible again and says which.
    pub fn recall(&mut self, now: Millis) -> Vec<Seq> {
        let received = |e: &&Entry| matches!(e.phase, Phase::InFlight { .. });
        let seqs: Vec<Seq> = self.entries.values().filter(received).map(|e| e.seq).collect();
        for seq in &seqs {
            self.hold(*seq, now);
        }
        self.ripen(now);
        seqs
    }

    pub fn remove(&mut self, seq: Seq) -> Option<Entry> {
        let entry = self.entries.remove(&seq)?;
        let group = entry.content.group.as_deref().unwrap_or_default();
        if let Some(due) = entry.phase.due() {
            self.timers.remove(&(due, seq));
        }
        if matches!(entry.phase, Phase::InFlight { .. }) {
            self.in_flight -= 1;
            self.lanes.land(group);
            // The next of its group may be waiting for this.
            if self.settings.fifo {
                self.arrivals.notify_waiters();
            }
        } else {
            self.lanes.leave(seq, entry.order, group);
        }
        self.by_age.remove(&(entry.sent_ms, seq));
        Some(entry)
    }

    /// Removes every message; the deduplication ids stay known, as in AWS.
    pub fn clear(&mut self) {
        self.entries.clear();
        self.timers.clear();
        self.by_age.clear();
        self.in_flight = 0;
        self.lanes = Lanes::new(self.settings.fifo);
    }

    /// A message whose timer is over can be received again.
    fn make_ready(&mut self, seq: Seq) {
        let Some(entry) = self.entries.get_mut(&seq) else { return };
        let group = entry.content.group.as_deref().unwrap_or_default();
        if matches!(entry.phase, Phase::InFlight { .. }) {
            self.in_flight -= 1;
            self.lanes.land(group);
        }
        entry.phase = Phase::Ready;
        self.lanes.join(seq, entry.order, group, true);
        self.arrivals.notify_waiters();
    }

    /// The visible messages, oldest first.
    pub fn visible_in_order(&self) -> Vec<Seq> {
        let mut seqs: Vec<Seq> =
            self.entries.values().filter(|e| e.phase == Phase::Ready).map(|e| e.seq).collect();
        seqs.sort_unstable();
        seqs
    }

    pub fn in_flight(&self) -> usize {
        self.in_flight
    }

    pub fn delayed(&self) -> usize {
        self.timers.len().saturating_sub(self.in_flight)
    }

    pub fn visible(&self) -> usize {
        self.entries.len().saturating_sub(self.timers.len())
    }

    /// When the next message turns visible by itself.
    pub fn next_due_ms(&self) -> Option<Millis> {
        self.timers.first().map(|(due, _)| *due)
    }

    pub fn oldest_sent_ms(&self) -> Option<Millis> {
        self.by_age.first().map(|(sent, _)| *sent)
    }
}
