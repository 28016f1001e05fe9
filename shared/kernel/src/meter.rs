use std::sync::Mutex;

/// What one invocation used of AWS.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Usage {
    /// Round trips to AWS.
    pub calls: u32,
    /// DynamoDB read units.
    pub read_units: f64,
    /// DynamoDB write units.
    pub write_units: f64,
}

/// Counts calls and consumed units of one invocation; read by metrics, the cost table and tests.
#[derive(Debug, Default)]
pub struct Meter(Mutex<Usage>);

impl Meter {
    /// One round trip with the units it reported.
    pub fn count(&self, read_units: f64, write_units: f64) {
        let mut usage = self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        usage.calls += 1;
        usage.read_units += read_units;
        usage.write_units += write_units;
    }

    /// So far.
    #[must_use]
    pub fn usage(&self) -> Usage {
        *self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}
