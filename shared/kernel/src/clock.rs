use rand::{RngCore as _, TryRngCore as _};

/// Where time comes from. The system's in Lambda, a settable one in tests and on the one-machine product.
pub trait Clock: Send + Sync + 'static {
    /// Milliseconds since the epoch.
    fn now_ms(&self) -> i64;
}

/// Where randomness comes from: ids, tokens, jitter.
pub trait Random: Send + Sync + 'static {
    /// Fills the buffer; cryptographically strong unless a test fixed it.
    fn fill(&self, bytes: &mut [u8]);
}

/// The machine's clock.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    // Time enters a deployed function here and nowhere else.
    #[allow(clippy::disallowed_methods)]
    fn now_ms(&self) -> i64 {
        std::time::SystemTime::now()
            .duration_since(std::time::UNIX_EPOCH)
            .map_or(0, |d| i64::try_from(d.as_millis()).unwrap_or(i64::MAX))
    }
}

/// The operating system's randomness.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemRandom;

impl Random for SystemRandom {
    fn fill(&self, bytes: &mut [u8]) {
        // Without the system's entropy the thread's generator still is a CSPRNG seeded at start.
        if rand::rngs::OsRng.try_fill_bytes(bytes).is_err() {
            rand::rng().fill_bytes(bytes);
        }
    }
}
