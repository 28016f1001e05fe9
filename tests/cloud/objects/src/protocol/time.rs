//! Between s3s's timestamps and milliseconds.

use std::time::{Duration, SystemTime};

use cloud_core::Millis;
use s3s::dto::{Timestamp, TimestampFormat};

/// Milliseconds since the epoch; 0 for what cannot be written as a date.
pub(crate) fn millis(time: &Timestamp) -> Millis {
    let mut text = Vec::new();
    if time.format(TimestampFormat::DateTime, &mut text).is_err() {
        return 0;
    }
    let text = String::from_utf8_lossy(&text);
    text.parse::<jiff::Timestamp>().map_or(0, jiff::Timestamp::as_millisecond)
}

pub(crate) fn timestamp(at: Millis) -> Timestamp {
    let since = Duration::from_millis(u64::try_from(at).unwrap_or(0));
    Timestamp::from(SystemTime::UNIX_EPOCH + since)
}

/// HTTP dates know whole seconds, so conditions compare those.
pub(crate) fn same_or_before(at: Millis, than: &Timestamp) -> bool {
    at.div_euclid(1000) <= millis(than).div_euclid(1000)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn milliseconds_survive_the_round_trip() {
        assert_eq!(millis(&timestamp(1_767_323_045_678)), 1_767_323_045_678);
    }

    #[test]
    fn a_fraction_of_a_second_is_not_a_change() {
        assert!(same_or_before(1_000_999, &timestamp(1_000_000)));
        assert!(!same_or_before(1_001_000, &timestamp(1_000_000)));
    }
}
