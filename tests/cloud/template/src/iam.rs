//! IAM policies, as far as a local endpoint needs them: may this function do this to that resource?
//!
//! Source: "Policy evaluation logic" and "IAM JSON policy elements" of the IAM user guide. An explicit `Deny` wins,
//! then any `Allow`, else the answer is no.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;

use crate::values::{text_of, texts};

/// What a statement does when it applies.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub enum Effect {
    /// Permits.
    Allow,
    /// Forbids, whatever else permits.
    Deny,
}

/// One statement of an identity-based policy.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Statement {
    /// The statement's id, if it has one.
    #[serde(default)]
    pub sid: Option<String>,
    /// Whether it permits or forbids.
    pub effect: Effect,
    /// Patterns of actions, `service:Action` with `*` and `?`; the case does not matter.
    #[serde(rename = "Action", default, deserialize_with = "texts")]
    pub actions: Vec<String>,
    /// Applies to every action but these, when `actions` is empty.
    #[serde(rename = "NotAction", default, deserialize_with = "texts")]
    pub not_actions: Vec<String>,
    /// Patterns of ARNs with `*` and `?`.
    #[serde(rename = "Resource", default, deserialize_with = "texts")]
    pub resources: Vec<String>,
    /// Applies to every resource but these, when `resources` is empty.
    #[serde(rename = "NotResource", default, deserialize_with = "texts")]
    pub not_resources: Vec<String>,
    /// The `Condition` element: operator, then key, then value or values.
    #[serde(rename = "Condition", default)]
    pub conditions: BTreeMap<String, BTreeMap<String, Value>>,
}

/// Values of condition keys that are known about a call, for example `dynamodb:LeadingKeys`. Keys are compared without
/// regard to case.
pub type Context = BTreeMap<String, Vec<String>>;

/// How a set of statements judges a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decision {
    /// A statement allows it and none denies it.
    Allowed,
    /// A statement denies it.
    Denied,
    /// No statement speaks of it.
    NotMentioned,
}

/// Whether `statements` together let `action` be done to `resource`.
#[must_use]
pub fn allows(statements: &[Statement], action: &str, resource: &str) -> bool {
    decide(statements, action, resource, &Context::new()) == Decision::Allowed
}

/// The judgement of `statements` on a call.
#[must_use]
pub fn decide(statements: &[Statement], action: &str, resource: &str, context: &Context) -> Decision {
    let applying =
        |effect| statements.iter().any(|s| s.effect == effect && s.applies(action, resource, context));
    if applying(Effect::Deny) {
        Decision::Denied
    } else if applying(Effect::Allow) {
        Decision::Allowed
    } else {
        Decision::NotMentioned
    }
}

impl Statement {
    /// Whether this statement, alone, lets `action` be done to `resource`.
    #[must_use]
    pub fn allows(&self, action: &str, resource: &str) -> bool {
        allows(std::slice::from_ref(self), action, resource)
    }

    /// Whether the statement speaks of this call.
    #[must_use]
    pub fn applies(&self, action: &str, resource: &str, context: &Context) -> bool {
        let action = action.to_ascii_lowercase();
        let of_action = |pattern: &String| like(&pattern.to_ascii_lowercase(), &action);
        let of_resource = |pattern: &String| like(pattern, resource);
        selected(&self.actions, &self.not_actions, of_action)
            && selected(&self.resources, &self.not_resources, of_resource)
            && self.conditions.iter().all(|(operator, keys)| {
                keys.iter().all(|(key, wanted)| self.condition_holds(operator, key, wanted, context))
            })
    }

    fn condition_holds(&self, operator: &str, key: &str, wanted: &Value, context: &Context) -> bool {
        let wanted: Vec<String> = match wanted {
            Value::Array(items) => items.iter().map(text_of).collect(),
            one => vec![text_of(one)],
        };
        let found = context.iter().find(|(name, _)| name.eq_ignore_ascii_case(key)).map(|(_, values)| values);
        let (for_all, operator) = match operator.split_once(':') {
            Some((set, operator)) => (set == "ForAllValues", operator),
            None => (false, operator),
        };
        let (if_exists, operator) = match operator.strip_suffix("IfExists") {
            Some(operator) => (true, operator),
            None => (false, operator),
        };
        if operator == "Null" {
            return wanted.iter().any(|w| (w == "true") == found.is_none());
        }
        let Some(found) = found else {
            // Without the key a negated operator holds, a plain one does not.
            return if_exists || for_all || operator.contains("Not");
        };
        let one = |value: &String| match compares(operator, &wanted, value) {
            Some(holds) => holds,
            // An operator that is not known here must not open a door: it never holds for an Allow, always for a Deny.
            None => self.effect == Effect::Deny,
        };
        if for_all { found.iter().all(one) } else { found.iter().any(one) }
    }
}

/// Whether the patterns, or all but the excluded ones, cover what `matches` tests.
fn selected(patterns: &[String], excluded: &[String], matches: impl Fn(&String) -> bool) -> bool {
    if patterns.is_empty() {
        // Without either element (an identity policy cannot lack both) nothing is covered.
        !excluded.is_empty() && !excluded.iter().any(matches)
    } else {
        patterns.iter().any(matches)
    }
}

fn compares(operator: &str, wanted: &[String], value: &str) -> Option<bool> {
    let number = |text: &str| text.parse::<f64>().ok();
    let ordered = |holds: fn(&f64, &f64) -> bool| {
        wanted.iter().any(|w| matches!((number(value), number(w)), (Some(v), Some(w)) if holds(&v, &w)))
    };
    Some(match operator {
        "StringEquals" => wanted.iter().any(|w| w == value),
        "StringNotEquals" => !wanted.iter().any(|w| w == value),
        "StringEqualsIgnoreCase" => wanted.iter().any(|w| w.eq_ignore_ascii_case(value)),
        "StringNotEqualsIgnoreCase" => !wanted.iter().any(|w| w.eq_ignore_ascii_case(value)),
        "StringLike" | "ArnLike" | "ArnEquals" => wanted.iter().any(|w| like(w, value)),
        "StringNotLike" | "ArnNotLike" | "ArnNotEquals" => !wanted.iter().any(|w| like(w, value)),
        "Bool" => wanted.iter().any(|w| w.eq_ignore_ascii_case(value)),
        "NumericEquals" => ordered(|v, w| v.total_cmp(w).is_eq()),
        "NumericNotEquals" => !ordered(|v, w| v.total_cmp(w).is_eq()),
        "NumericLessThan" => ordered(|v, w| v < w),
        "NumericLessThanEquals" => ordered(|v, w| v <= w),
        "NumericGreaterThan" => ordered(|v, w| v > w),
        "NumericGreaterThanEquals" => ordered(|v, w| v >= w),
        _ => return None,
    })
}

/// `*` for any text, `?` for any one character. Linear in the text for each `*` (greedy, with one place to go back to).
#[must_use]
pub fn like(pattern: &str, text: &str) -> bool {
    let (pattern, text): (Vec<char>, Vec<char>) = (pattern.chars().collect(), text.chars().collect());
    let (mut p, mut t) = (0, 0);
    let mut star: Option<(usize, usize)> = None;
    while t < text.len() {
        match pattern.get(p) {
            Some('*') => {
                star = Some((p, t));
                p += 1;
            }
            Some(c) if *c == '?' || Some(c) == text.get(t) => {
                p += 1;
                t += 1;
            }
            _ => match star {
                Some((at, taken)) => {
                    star = Some((at, taken + 1));
                    p = at + 1;
                    t = taken + 1;
                }
                None => return false,
            },
        }
    }
    pattern.get(p..).unwrap_or_default().iter().all(|c| *c == '*')
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn statements(value: Value) -> Vec<Statement> {
        serde_json::from_value(value).unwrap()
    }

    const TABLE: &str = "arn:aws:dynamodb:us-east-1:000000000000:table/videos";

    #[test]
    fn wildcards_stand_for_any_text_and_for_one_character() {
        for (pattern, text, matches) in [
            ("*", "", true),
            ("a*c", "abbbc", true),
            ("a*c", "abbbd", false),
            ("a?c", "abc", true),
            ("a?c", "ac", false),
            ("*a*b*", "xxaxxbxx", true),
            ("*ab", "aab", true),
            ("", "a", false),
        ] {
            assert_eq!(like(pattern, text), matches, "{pattern} {text}");
        }
    }

    #[test]
    fn what_no_statement_allows_is_not_allowed() {
        let policy = statements(json!([{"Effect": "Allow", "Action": "dynamodb:Get*", "Resource": TABLE}]));
        assert!(allows(&policy, "dynamodb:GetItem", TABLE));
        assert!(allows(&policy, "DynamoDB:getitem", TABLE), "actions know no case");
        assert!(!allows(&policy, "dynamodb:PutItem", TABLE));
        assert!(!allows(&policy, "dynamodb:GetItem", &format!("{TABLE}/index/by-owner")));
        assert!(!allows(&[], "dynamodb:GetItem", TABLE));
    }

    #[test]
    fn a_deny_wins_wherever_it_stands() {
        let policy = statements(json!([
            {"Effect": "Deny", "Action": "dynamodb:DeleteItem", "Resource": "*"},
            {"Effect": "Allow", "Action": "dynamodb:*", "Resource": [TABLE, format!("{TABLE}/index/*")]},
        ]));
        assert!(allows(&policy, "dynamodb:Query", &format!("{TABLE}/index/by-owner")));
        assert_eq!(decide(&policy, "dynamodb:DeleteItem", TABLE, &Context::new()), Decision::Denied);
        assert_eq!(decide(&policy, "sqs:SendMessage", TABLE, &Context::new()), Decision::NotMentioned);
    }

    #[test]
    fn not_action_covers_everything_else() {
        let policy = statements(json!([{"Effect": "Allow", "NotAction": "iam:*", "Resource": "*"}]));
        assert!(allows(&policy, "s3:GetObject", "arn:aws:s3:::b/k"));
        assert!(!allows(&policy, "iam:CreateUser", "*"));
    }

    #[test]
    fn a_condition_holds_only_for_what_is_known_of_the_call() {
        let policy = statements(json!([{
            "Effect": "Allow", "Action": "ses:SendEmail", "Resource": "*",
            "Condition": {"StringLike": {"ses:FromAddress": ["*@example.com"]}},
        }]));
        let from = |address: &str| Context::from([("SES:FromAddress".to_owned(), vec![address.to_owned()])]);
        let judge = |context: &Context| decide(&policy, "ses:SendEmail", "*", context);
        assert_eq!(judge(&from("no-reply@example.com")), Decision::Allowed);
        assert_eq!(judge(&from("no-reply@example.org")), Decision::NotMentioned);
        assert_eq!(judge(&Context::new()), Decision::NotMentioned);
    }

    #[test]
    fn an_operator_that_is_not_known_never_opens_a_door() {
        let condition = json!({"DateGreaterThan": {"aws:CurrentTime": "2020-01-01T00:00:00Z"}});
        let context =
            Context::from([("aws:CurrentTime".to_owned(), vec!["2026-01-01T00:00:00Z".to_owned()])]);
        for (effect, decision) in [("Allow", Decision::NotMentioned), ("Deny", Decision::Denied)] {
            let policy = statements(
                json!([{"Effect": effect, "Action": "*", "Resource": "*", "Condition": condition}]),
            );
            assert_eq!(decide(&policy, "s3:GetObject", "*", &context), decision);
        }
    }
}
