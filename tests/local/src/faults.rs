//! Faults on purpose: what a function's AWS calls and a queue's deliveries may suffer, from one seed.

use std::sync::{Mutex, PoisonError};

use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};
use serde::{Deserialize, Serialize};

/// What goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// A message is delivered more than once.
    Duplicate,
    /// A message is overtaken by later ones.
    Reorder,
    /// A message or an answer comes late.
    Delay,
    /// AWS refuses a call for now.
    Throttle,
    /// DynamoDB reports a conflict with another transaction.
    Conflict,
    /// The function dies before a call is sent.
    KillBefore,
    /// The function dies after a call was done, before it hears of it.
    KillAfter,
    /// The call is done but its answer is lost.
    DropAnswer,
}

/// One rule. All that is given must match.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Rule {
    /// What goes wrong.
    pub kind: Kind,
    /// A service (`dynamodb`, `s3`, `sqs`, …) or a queue's name without the stage.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target: Option<String>,
    /// A function's name without the stage.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub function: Option<String>,
    /// The n-th AWS call of an invocation, from 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub call: Option<u32>,
    /// How likely, 0–1; certain when not given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub probability: Option<f64>,
    /// How often at most.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub times: Option<u32>,
    /// How late, for `delay`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub delay_ms: Option<u64>,
    /// Extra copies, for `duplicate`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub copies: Option<u32>,
}

impl Rule {
    /// Whether the rule is about deliveries of queues rather than about calls.
    #[must_use]
    pub fn is_delivery(&self) -> bool {
        matches!(self.kind, Kind::Duplicate | Kind::Reorder)
            || (self.kind == Kind::Delay && self.function.is_none() && self.call.is_none())
    }
}

/// All rules, as `POST /_local/faults` takes them.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Plan {
    /// Seed of what is drawn.
    #[serde(default)]
    pub seed: u64,
    /// The rules.
    #[serde(default)]
    pub rules: Vec<Rule>,
}

/// The rules in force.
pub struct Faults(Mutex<State>);

struct State {
    random: StdRng,
    rules: Vec<(Rule, u32)>,
}

impl Default for Faults {
    fn default() -> Self {
        Self(Mutex::new(State { random: StdRng::seed_from_u64(0), rules: Vec::new() }))
    }
}

impl Faults {
    /// Replaces all rules.
    pub fn set(&self, plan: &Plan) {
        let rules = plan.rules.iter().map(|r| (r.clone(), 0)).collect();
        *self.lock() = State { random: StdRng::seed_from_u64(plan.seed), rules };
    }

    /// The rules in force, with how often each has struck.
    #[must_use]
    pub fn rules(&self) -> Vec<(Rule, u32)> {
        self.lock().rules.clone()
    }

    /// What strikes this call: the function that makes it (if one does), which call of its invocation it is, and
    /// the service.
    pub fn strike(&self, function: Option<&str>, call: u32, service: &str) -> Option<Rule> {
        let mut state = self.lock();
        let State { random, rules } = &mut *state;
        for (rule, struck) in rules {
            let hit = !rule.is_delivery()
                && rule.times.is_none_or(|max| *struck < max)
                && rule.target.as_deref().is_none_or(|t| t == service)
                && rule.function.as_deref().is_none_or(|f| Some(f) == function)
                && (function.is_some() || rule.function.is_none() && rule.call.is_none())
                && rule.call.is_none_or(|n| n == call)
                && rule.probability.is_none_or(|p| random.random_bool(p.clamp(0.0, 1.0)));
            if hit {
                *struck += 1;
                return Some(rule.clone());
            }
        }
        None
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rule(kind: Kind) -> Rule {
        Rule {
            kind,
            target: None,
            function: None,
            call: None,
            probability: None,
            times: None,
            delay_ms: None,
            copies: None,
        }
    }

    #[test]
    fn a_rule_strikes_what_it_names_and_no_more_often_than_it_says() {
        let faults = Faults::default();
        let rules = vec![Rule {
            function: Some("identity-login".into()),
            call: Some(2),
            times: Some(1),
            ..rule(Kind::KillAfter)
        }];
        faults.set(&Plan { seed: 1, rules });
        assert!(faults.strike(Some("identity-login"), 1, "dynamodb").is_none());
        assert!(faults.strike(Some("identity-logout"), 2, "dynamodb").is_none());
        assert!(faults.strike(None, 2, "dynamodb").is_none());
        assert!(faults.strike(Some("identity-login"), 2, "dynamodb").is_some());
        assert!(faults.strike(Some("identity-login"), 2, "dynamodb").is_none());
    }

    #[test]
    fn the_same_seed_draws_the_same_strikes() {
        let draw = || {
            let faults = Faults::default();
            let rules = vec![Rule { probability: Some(0.3), ..rule(Kind::Throttle) }];
            faults.set(&Plan { seed: 7, rules });
            (0..50).map(|n| faults.strike(None, n, "sqs").is_some()).collect::<Vec<_>>()
        };
        assert_eq!(draw(), draw());
        assert!(draw().contains(&true) && draw().contains(&false));
    }
}
