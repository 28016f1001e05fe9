//! Which AWS calls functions made: for the tests that count them and for finding grants that nobody uses.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

/// Counts of calls by function, service and operation.
#[derive(Default)]
pub struct Calls(Mutex<BTreeMap<(String, String, String), u64>>);

impl Calls {
    pub(crate) fn count(&self, function: &str, service: &str, operation: &str) {
        let key = (function.to_owned(), service.to_owned(), operation.to_owned());
        *self.0.lock().unwrap_or_else(PoisonError::into_inner).entry(key).or_default() += 1;
    }

    /// All counts since the start.
    #[must_use]
    pub fn all(&self) -> BTreeMap<(String, String, String), u64> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}
