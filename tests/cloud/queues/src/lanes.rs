use std::collections::{BTreeMap, BTreeSet, HashMap};

use crate::message::Seq;

/// Which messages a receive may take, in which order.
#[derive(Debug)]
pub(crate) enum Lanes {
    /// Everything that is visible, oldest first.
    Standard(BTreeSet<(Seq, Seq)>),
    /// Per message group: strictly in order, and nothing while one of the group is in flight.
    Fifo(Groups),
}

/// The message groups of a FIFO queue.
#[derive(Debug, Default)]
pub(crate) struct Groups {
    by_name: HashMap<String, Group>,
    /// Groups that can be received from, by their first message.
    open: BTreeMap<Seq, String>,
}

#[derive(Debug, Default)]
struct Group {
    /// Messages not in flight, with whether their delay is over.
    waiting: BTreeMap<Seq, bool>,
    in_flight: usize,
    /// Key of this group in `open`.
    listed: Option<Seq>,
}

impl Lanes {
    pub fn new(fifo: bool) -> Self {
        if fifo { Self::Fifo(Groups::default()) } else { Self::Standard(BTreeSet::new()) }
    }

    /// Takes up to `max` messages out; they are in flight from here on.
    pub fn take(&mut self, max: usize) -> Vec<Seq> {
        match self {
            Self::Standard(ready) => {
                std::iter::from_fn(|| ready.pop_first().map(|(_, seq)| seq)).take(max).collect()
            }
            Self::Fifo(groups) => groups.take(max),
        }
    }

    /// A message joins, visible or still delayed.
    pub fn join(&mut self, seq: Seq, order: Seq, group: &str, ready: bool) {
        match self {
            Self::Standard(set) => {
                if ready {
                    set.insert((order, seq));
                }
            }
            Self::Fifo(groups) => groups.change(group, |g| {
                g.waiting.insert(seq, ready);
            }),
        }
    }

    /// A message that was not in flight leaves.
    pub fn leave(&mut self, seq: Seq, order: Seq, group: &str) {
        match self {
            Self::Standard(set) => {
                set.remove(&(order, seq));
            }
            Self::Fifo(groups) => groups.change(group, |g| {
                g.waiting.remove(&seq);
            }),
        }
    }

    /// A message joins that is in flight already (after a restart).
    pub fn join_in_flight(&mut self, group: &str) {
        if let Self::Fifo(groups) = self {
            groups.change(group, |g| g.in_flight += 1);
        }
    }

    /// A message in flight is over: deleted, moved, or about to `join` again.
    pub fn land(&mut self, group: &str) {
        if let Self::Fifo(groups) = self {
            groups.change(group, |g| g.in_flight = g.in_flight.saturating_sub(1));
        }
    }
}

impl Groups {
    fn change(&mut self, name: &str, how: impl FnOnce(&mut Group)) {
        if !self.by_name.contains_key(name) {
            self.by_name.insert(name.to_owned(), Group::default());
        }
        let Some(group) = self.by_name.get_mut(name) else { return };
        how(group);
        if let Some(key) = group.listed.take() {
            self.open.remove(&key);
        }
        if group.in_flight > 0 {
            return;
        }
        match group.waiting.first_key_value() {
            // A delayed message holds back those behind it: order comes before speed.
            Some((_, false)) => {}
            Some((&first, true)) => {
                group.listed = Some(first);
                self.open.insert(first, name.to_owned());
            }
            None => {
                self.by_name.remove(name);
            }
        }
    }

    fn take(&mut self, max: usize) -> Vec<Seq> {
        let mut taken = Vec::new();
        while taken.len() < max {
            let Some((_, name)) = self.open.pop_first() else { break };
            let room = max - taken.len();
            self.change(&name, |group| {
                group.listed = None;
                // As many as possible of one group, as SQS does.
                while group.in_flight < room {
                    let Some(first) = group.waiting.first_entry() else { break };
                    if !*first.get() {
                        break;
                    }
                    taken.push(*first.key());
                    first.remove();
                    group.in_flight += 1;
                }
            });
        }
        taken
    }
}
