use serde_json::{Number, Value};

use super::PatternError;

/// The range that numeric matching works in.
const MAGNITUDE_MAX: f64 = 5.0e9;

/// A lower and an upper bound, each with whether the bound itself is included.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Range {
    low: f64,
    low_included: bool,
    high: f64,
    high_included: bool,
}

impl Range {
    const ALL: Self =
        Self { low: f64::NEG_INFINITY, low_included: true, high: f64::INFINITY, high_included: true };

    /// Reads `[">", 0, "<=", 5]`, `["<", 10]` or `["=", 3]`.
    pub fn parse(value: &Value) -> Result<Self, PatternError> {
        let error = |text: &str| PatternError(text.to_owned());
        let parts = value.as_array().ok_or_else(|| error("Value of numeric must be an array."))?;
        let (pairs, rest) = parts.as_chunks::<2>();
        if pairs.is_empty() || pairs.len() > 2 || !rest.is_empty() {
            return Err(error("Numeric match needs one comparison, or a lower and an upper bound"));
        }
        let mut range = Self::ALL;
        for (place, [operator, number]) in pairs.iter().enumerate() {
            let number = number
                .as_f64()
                .filter(|n| n.abs() <= MAGNITUDE_MAX)
                .ok_or_else(|| error("Value must be a number between -5.0e9 and 5.0e9"))?;
            match (operator.as_str(), place) {
                (Some("="), 0) if pairs.len() == 1 => {
                    range = Self { low: number, low_included: true, high: number, high_included: true };
                }
                (Some(op @ (">" | ">=")), 0) => (range.low, range.low_included) = (number, op == ">="),
                (Some(op @ ("<" | "<=")), 0) if pairs.len() == 1 => {
                    (range.high, range.high_included) = (number, op == "<=");
                }
                (Some(op @ ("<" | "<=")), 1) => (range.high, range.high_included) = (number, op == "<="),
                _ => return Err(error("Unrecognized or misplaced numeric range operator")),
            }
        }
        if pairs.len() == 2 && range.low >= range.high {
            return Err(error("Bottom must be less than top"));
        }
        Ok(range)
    }

    pub fn contains(&self, number: &Number) -> bool {
        let Some(n) = number.as_f64() else { return false };
        let above = n > self.low || self.low_included && same(n, self.low);
        let below = n < self.high || self.high_included && same(n, self.high);
        above && below
    }
}

/// Whether two JSON numbers are the same number, however they are written (`300`, `3.0e2`).
pub(super) fn equal(a: &Number, b: &Number) -> bool {
    match (a.as_i64(), b.as_i64()) {
        (Some(a), Some(b)) => a == b,
        _ => a.as_f64().zip(b.as_f64()).is_some_and(|(a, b)| same(a, b)),
    }
}

// Patterns compare what was written, not what was computed: exact is what is meant.
#[allow(clippy::float_cmp)]
fn same(a: f64, b: f64) -> bool {
    a == b
}
