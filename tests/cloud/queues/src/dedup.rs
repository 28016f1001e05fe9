use std::collections::{HashMap, VecDeque};

use cloud_core::Millis;

/// How long a FIFO queue remembers a deduplication id, in milliseconds: five minutes, and no setting for it.
pub(crate) const WINDOW_MS: Millis = 5 * 60 * 1000;

/// What a repeated send is answered with: the first one's identity.
#[derive(Clone, Debug)]
pub(crate) struct Remembered {
    pub message_id: String,
    pub sequence_number: String,
    pub expires_ms: Millis,
}

/// The deduplication ids of the last five minutes. Outlives the messages: deleting one does not forget its id.
#[derive(Debug, Default)]
pub(crate) struct DedupWindow {
    known: HashMap<String, Remembered>,
    by_expiry: VecDeque<(Millis, String)>,
}

impl DedupWindow {
    /// The key under which an id is remembered; `group` only when deduplication is per message group.
    pub fn key(id: &str, group: Option<&str>) -> String {
        group.map_or_else(|| id.to_owned(), |group| format!("{group}\n{id}"))
    }

    pub fn find(&mut self, key: &str, now: Millis) -> Option<&Remembered> {
        while let Some((expires, _)) = self.by_expiry.front() {
            if *expires > now {
                break;
            }
            if let Some((_, old)) = self.by_expiry.pop_front() {
                self.known.remove(&old);
            }
        }
        self.known.get(key)
    }

    /// Remembers; callers add in the order of expiry.
    pub fn add(&mut self, key: String, remembered: Remembered) {
        self.by_expiry.push_back((remembered.expires_ms, key.clone()));
        self.known.insert(key, remembered);
    }
}
