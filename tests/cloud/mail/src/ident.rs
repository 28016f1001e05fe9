//! Identifiers, and times as the wire wants them.

use cloud_core::Millis;

/// A fresh random UUID. Ids of the one-machine cloud need not be reproducible.
pub(crate) fn uuid() -> uuid::Uuid {
    uuid::Builder::from_random_bytes(rand::random()).into_uuid()
}

/// `length` random lower-case letters and digits.
pub(crate) fn letters(length: usize) -> String {
    let text = uuid().simple().to_string();
    text.chars().cycle().take(length).collect()
}

/// The moment, for RFC 3339 texts.
pub(crate) fn timestamp(at: Millis) -> jiff::Timestamp {
    jiff::Timestamp::from_millisecond(at).unwrap_or_default()
}

/// Seconds since the epoch with a fraction, as the JSON protocols carry times.
#[allow(clippy::cast_precision_loss)]
pub(crate) fn seconds(at: Millis) -> f64 {
    at as f64 / 1000.0
}
