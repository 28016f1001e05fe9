use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::message::Seq;

/// What a receipt handle says: which message, and which of its deliveries.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Receipt {
    pub queue: String,
    pub seq: Seq,
    /// Drawn anew at each receive; only the latest one counts.
    pub nonce: u64,
}

impl Receipt {
    pub fn encode(queue: &str, seq: Seq, nonce: u64) -> String {
        STANDARD.encode(format!("{nonce:016x} {seq} {queue}"))
    }

    pub fn decode(handle: &str) -> Option<Self> {
        let text = String::from_utf8(STANDARD.decode(handle).ok()?).ok()?;
        let mut parts = text.splitn(3, ' ');
        let nonce = u64::from_str_radix(parts.next()?, 16).ok()?;
        let seq = parts.next()?.parse().ok()?;
        Some(Self { queue: parts.next()?.to_owned(), seq, nonce })
    }
}
