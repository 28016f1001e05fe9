//! The envelope that every event has.
//!
//! <https://docs.aws.amazon.com/eventbridge/latest/ref/overiew-event-structure.html>

use cloud_core::{Millis, Place};
use jiff::Timestamp;
use serde_json::{Value, json};

/// What differs from event to event.
pub(crate) struct Envelope {
    pub source: String,
    pub detail_type: String,
    pub detail: Value,
    pub resources: Vec<String>,
    pub time_ms: Millis,
}

impl Envelope {
    /// The event with this id, as targets get it.
    pub fn event(self, id: &str, place: &Place) -> Value {
        json!({
            "version": "0",
            "id": id,
            "detail-type": self.detail_type,
            "source": self.source,
            "account": place.account,
            "time": instant(self.time_ms),
            "region": place.region,
            "resources": self.resources,
            "detail": self.detail,
        })
    }
}

/// `2026-11-20T04:09:49Z`: events have whole seconds.
pub(crate) fn instant(ms: Millis) -> String {
    Timestamp::from_second(ms.div_euclid(1000)).map_or_else(|_| String::new(), |t| t.to_string())
}

/// A random id in the form of a UUID.
pub(crate) fn random_id() -> String {
    uuid::Builder::from_random_bytes(rand::random()).into_uuid().to_string()
}
