use std::time::Duration;

use kernel::Context;

/// Retries of what may pass: full jitter (AWS Architecture Blog, "Exponential Backoff And Jitter") between 5 ms and
/// 250 ms, as long as the caller has time; 200 ms are left for the answer.
pub struct Retry {
    attempt: u32,
}

const BASE_MS: u64 = 5;
const CAP_MS: u64 = 250;
const ATTEMPTS_MAX: u32 = 40;
const RESERVED_MS: i64 = 200;

impl Default for Retry {
    fn default() -> Self {
        Self::new()
    }
}

impl Retry {
    /// Nothing was tried again yet.
    #[must_use]
    pub fn new() -> Self {
        Self { attempt: 0 }
    }

    /// Waits before the next attempt; `false` when there is no time for one.
    pub async fn wait(&mut self, context: &Context) -> bool {
        self.attempt += 1;
        let ceiling = BASE_MS.saturating_mul(1 << self.attempt.min(10)).min(CAP_MS);
        let [a, b] = context.bytes::<2>();
        let wait = u64::from(u16::from_be_bytes([a, b])) % (ceiling + 1);
        if self.attempt >= ATTEMPTS_MAX || context.left_ms() < RESERVED_MS + i64::try_from(wait).unwrap_or(0)
        {
            return false;
        }
        tokio::time::sleep(Duration::from_millis(wait)).await;
        true
    }
}
