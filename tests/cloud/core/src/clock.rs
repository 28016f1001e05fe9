use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use tokio::sync::watch;

/// Milliseconds since the Unix epoch.
pub type Millis = i64;

/// The one clock that everything on this machine lives by: real time plus an offset that only grows.
#[derive(Clone, Debug)]
pub struct Clock {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    offset: AtomicI64,
    jumps: watch::Sender<u64>,
}

impl Default for Clock {
    fn default() -> Self {
        Self::new(0)
    }
}

impl Clock {
    /// A clock that is `offset_ms` ahead of the machine's.
    #[must_use]
    pub fn new(offset_ms: Millis) -> Self {
        Self { inner: Arc::new(Inner { offset: AtomicI64::new(offset_ms), jumps: watch::Sender::new(0) }) }
    }

    /// Now, by this clock.
    #[must_use]
    pub fn now_ms(&self) -> Millis {
        machine_ms() + self.offset_ms()
    }

    /// Now, in whole seconds since the epoch.
    #[must_use]
    pub fn now_s(&self) -> i64 {
        self.now_ms().div_euclid(1000)
    }

    /// How far this clock is ahead of the machine's.
    #[must_use]
    pub fn offset_ms(&self) -> Millis {
        self.inner.offset.load(Ordering::SeqCst)
    }

    /// Jumps forward and wakes everyone who waits for a moment that has now come.
    pub fn advance(&self, by: Duration) {
        let by = Millis::try_from(by.as_millis()).unwrap_or(Millis::MAX / 4);
        self.inner.offset.fetch_add(by, Ordering::SeqCst);
        self.inner.jumps.send_modify(|n| *n += 1);
    }

    /// Returns once this clock shows `at` or later, whether time passed or was jumped over.
    pub async fn sleep_until(&self, at: Millis) {
        let mut jumps = self.inner.jumps.subscribe();
        loop {
            let left = at - self.now_ms();
            if left <= 0 {
                return;
            }
            let left = Duration::from_millis(u64::try_from(left).unwrap_or(0));
            tokio::select! {
                () = tokio::time::sleep(left) => {}
                _ = jumps.changed() => {}
            }
        }
    }

    /// Sleeps for `span` of this clock's time.
    pub async fn sleep(&self, span: Duration) {
        let span = Millis::try_from(span.as_millis()).unwrap_or(Millis::MAX / 4);
        self.sleep_until(self.now_ms() + span).await;
    }
}

// The machine's own time enters the one-machine product here and nowhere else.
#[allow(clippy::disallowed_methods)]
fn machine_ms() -> Millis {
    std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .map_or(0, |d| Millis::try_from(d.as_millis()).unwrap_or(Millis::MAX / 4))
}
