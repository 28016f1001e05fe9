//! Schedule expressions: `rate(…)`, `cron(…)` and, in `EventBridge` Scheduler, `at(…)`.
//!
//! <https://docs.aws.amazon.com/scheduler/latest/UserGuide/schedule-types.html>

mod cron;

use cloud_core::Millis;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;

use cron::Cron;

/// Who reads the expression; the two services differ in what they take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Dialect {
    /// Rules: no `at`, and `rate(1 minute)` but `rate(2 minutes)`.
    Rule,
    /// `EventBridge` Scheduler.
    Scheduler,
}

/// When something is due.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Expression {
    Rate { every_ms: Millis },
    Cron(Box<Cron>),
    At(DateTime),
}

/// Why a text is not a schedule expression.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("Parameter ScheduleExpression is not valid: {0}")]
pub struct ScheduleError(String);

impl Expression {
    pub fn parse(text: &str, dialect: Dialect) -> Result<Self, ScheduleError> {
        let inside = |name: &str| text.strip_prefix(name)?.strip_prefix('(')?.strip_suffix(')');
        if let Some(rate) = inside("rate") {
            return parse_rate(rate, dialect);
        }
        if let Some(cron) = inside("cron") {
            return Cron::parse(cron).map(|cron| Self::Cron(Box::new(cron)));
        }
        match inside("at") {
            Some(at) if dialect == Dialect::Scheduler => {
                at.parse().map(Self::At).map_err(|_| error("at() takes yyyy-mm-ddThh:mm:ss"))
            }
            _ => Err(error("expected rate(...), cron(...) or, in EventBridge Scheduler, at(...)")),
        }
    }

    /// Whether it comes once only.
    pub fn one_time(&self) -> bool {
        matches!(self, Self::At(_))
    }

    /// The first moment after `after` that is due. A rate counts from `anchor`, which is itself a multiple.
    pub fn next_after(&self, after: Millis, anchor: Millis, zone: &TimeZone) -> Option<Millis> {
        match self {
            Self::Rate { every_ms } => {
                if after < anchor {
                    return Some(anchor);
                }
                let passed = (after - anchor).div_euclid(*every_ms) + 1;
                passed.checked_mul(*every_ms)?.checked_add(anchor)
            }
            Self::Cron(cron) => cron.next_after(after, zone),
            Self::At(at) => {
                let at = zone.to_ambiguous_timestamp(*at).compatible().ok()?.as_millisecond();
                (at > after).then_some(at)
            }
        }
    }
}

fn parse_rate(text: &str, dialect: Dialect) -> Result<Expression, ScheduleError> {
    let mut words = text.split_whitespace();
    let (Some(value), Some(unit), None) = (words.next(), words.next(), words.next()) else {
        return Err(error("rate() takes a value and a unit"));
    };
    let value: Millis =
        value.parse().ok().filter(|n| *n > 0).ok_or_else(|| error("the value must be positive"))?;
    let singular = unit.strip_suffix('s').unwrap_or(unit);
    if dialect == Dialect::Rule && (value == 1) != (unit == singular) {
        return Err(error("the unit must be singular for 1 and plural otherwise"));
    }
    let unit_ms = match singular {
        "minute" => 60_000,
        "hour" => 3_600_000,
        "day" => 86_400_000,
        _ => return Err(error("the unit must be minutes, hours or days")),
    };
    let every_ms = value.checked_mul(unit_ms).ok_or_else(|| error("the value is too large"))?;
    Ok(Expression::Rate { every_ms })
}

pub(crate) fn error(text: &str) -> ScheduleError {
    ScheduleError(text.to_owned())
}

#[cfg(test)]
mod tests;
