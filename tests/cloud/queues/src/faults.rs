use std::time::Duration;

use cloud_core::Millis;
use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};

/// How far a reordered message can fall behind, in milliseconds: long enough to be overtaken by the next sends, short
/// enough for tests.
const REORDER_MS_MAX: Millis = 250;

/// A way in which queues misbehave on purpose.
#[derive(Clone, Debug)]
pub struct DeliveryFault {
    /// The queue, or `None` for all.
    pub queue: Option<String>,
    /// What happens.
    pub kind: DeliveryFaultKind,
    /// How likely it is for each message sent, 0–1.
    pub probability: f64,
    /// How often at most; `None` for no limit.
    pub times: Option<u32>,
}

/// What a fault does to a message as it is sent.
#[derive(Clone, Copy, Debug)]
pub enum DeliveryFaultKind {
    /// The message is delivered this many times more, with the same id.
    Duplicate {
        /// Extra copies.
        copies: u32,
    },
    /// The message falls behind others that are sent up to 250 ms later. Standard queues only: FIFO keeps its word.
    Reorder,
    /// The message turns visible later. In a FIFO queue its group waits for it.
    Delay {
        /// How much later.
        by: Duration,
    },
}

/// What the faults do to one message.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Mishap {
    pub copies: u32,
    pub delay_ms: Millis,
    pub behind_ms: Millis,
}

/// The faults in force, drawing from one seeded source.
#[derive(Debug)]
pub(crate) struct Faults {
    rng: StdRng,
    rules: Vec<DeliveryFault>,
}

impl Default for Faults {
    fn default() -> Self {
        Self::new(0, Vec::new())
    }
}

impl Faults {
    pub fn new(seed: u64, rules: Vec<DeliveryFault>) -> Self {
        Self { rng: StdRng::seed_from_u64(seed), rules }
    }

    /// Draws what befalls the next message of this queue.
    pub fn draw(&mut self, queue: &str, fifo: bool) -> Mishap {
        let mut mishap = Mishap::default();
        for rule in &mut self.rules {
            let concerned = rule.queue.as_deref().is_none_or(|name| name == queue);
            let possible = !(fifo && matches!(rule.kind, DeliveryFaultKind::Reorder));
            if !concerned || !possible || rule.times == Some(0) {
                continue;
            }
            if !self.rng.random_bool(rule.probability.clamp(0.0, 1.0)) {
                continue;
            }
            rule.times = rule.times.map(|n| n - 1);
            match rule.kind {
                DeliveryFaultKind::Duplicate { copies } => mishap.copies += copies,
                DeliveryFaultKind::Reorder => mishap.behind_ms += self.rng.random_range(1..=REORDER_MS_MAX),
                DeliveryFaultKind::Delay { by } => {
                    mishap.delay_ms += Millis::try_from(by.as_millis()).unwrap_or(Millis::MAX / 8);
                }
            }
        }
        mishap
    }
}
