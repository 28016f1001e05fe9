//! The policy document of a form. <https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-HTTPPOSTConstructPolicy.html>

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use cloud_core::Millis;
use serde::Deserialize;
use serde_json::Value;

use super::Fields;
use crate::error::Error;
use crate::index::Result;

/// Fields that need no condition, besides those that start with `x-ignore-`.
const FREE: [&str; 4] = ["x-amz-signature", "policy", "file", "awsaccesskeyid"];

#[derive(Deserialize)]
struct Document {
    expiration: jiff::Timestamp,
    conditions: Vec<Value>,
}

#[derive(Debug, PartialEq, Eq)]
enum Condition {
    Equals(String, String),
    StartsWith(String, String),
}

/// What a form's upload must look like.
#[derive(Debug)]
pub(super) struct Policy {
    pub expires_ms: Millis,
    /// Least and most bytes of the file.
    pub length: Option<(u64, u64)>,
    conditions: Vec<Condition>,
}

impl Policy {
    /// From the base64 that was signed.
    pub(super) fn parse(encoded: &str) -> Result<Self> {
        let invalid = |what: &str| Error::InvalidPolicyDocument(format!("Invalid Policy: {what}"));
        let text = STANDARD.decode(encoded).map_err(|_| invalid("Could not decode."))?;
        let document: Document = serde_json::from_slice(&text).map_err(|e| invalid(&e.to_string()))?;
        let mut policy =
            Self { expires_ms: document.expiration.as_millisecond(), length: None, conditions: Vec::new() };
        for condition in &document.conditions {
            policy.add(condition).ok_or_else(|| invalid(&format!("Invalid Condition: {condition}")))?;
        }
        Ok(policy)
    }

    fn add(&mut self, condition: &Value) -> Option<()> {
        match condition {
            // {"acl": "public-read"}
            Value::Object(exact) => {
                for (field, value) in exact {
                    self.conditions
                        .push(Condition::Equals(field.to_ascii_lowercase(), value.as_str()?.to_owned()));
                }
            }
            // ["starts-with", "$key", "user/"]
            Value::Array(parts) => {
                let [operator, first, second] = parts.as_slice() else { return None };
                let operator = operator.as_str()?.to_ascii_lowercase();
                if operator == "content-length-range" {
                    self.length = Some((number(first)?, number(second)?));
                    return Some(());
                }
                let field = first.as_str()?.strip_prefix('$')?.to_ascii_lowercase();
                let value = second.as_str()?.to_owned();
                self.conditions.push(match operator.as_str() {
                    "eq" => Condition::Equals(field, value),
                    "starts-with" => Condition::StartsWith(field, value),
                    _ => return None,
                });
            }
            _ => return None,
        }
        Some(())
    }

    /// Every condition holds, and every field has a condition.
    pub(super) fn check(&self, bucket: &str, fields: &Fields) -> Result<()> {
        let denied = |what: String| Error::AccessDenied(format!("Invalid according to Policy: {what}"));
        let value_of = |field: &str| {
            if field == "bucket" { bucket } else { fields.get(field).map(String::as_str).unwrap_or_default() }
        };
        for condition in &self.conditions {
            let (holds, shown) = match condition {
                Condition::Equals(field, value) => {
                    (value_of(field) == value, format!("[\"eq\", \"${field}\", \"{value}\"]"))
                }
                Condition::StartsWith(field, value) => (
                    starts_with(field, value_of(field), value),
                    format!("[\"starts-with\", \"${field}\", \"{value}\"]"),
                ),
            };
            if !holds {
                return Err(denied(format!("Policy Condition failed: {shown}")));
            }
        }
        let covered = |name: &str| {
            FREE.contains(&name)
                || name.starts_with("x-ignore-")
                || self.conditions.iter().any(|condition| match condition {
                    Condition::Equals(field, _) | Condition::StartsWith(field, _) => field == name,
                })
        };
        match fields.keys().find(|name| !covered(name)) {
            Some(extra) => Err(denied(format!("Extra input fields: {extra}"))),
            None => Ok(()),
        }
    }
}

/// A list of content types is held against the prefix one by one.
fn starts_with(field: &str, value: &str, prefix: &str) -> bool {
    if field == "content-type" {
        return value.split(',').all(|one| one.trim_start().starts_with(prefix));
    }
    value.starts_with(prefix)
}

/// Numbers come as such or as strings.
fn number(value: &Value) -> Option<u64> {
    value.as_u64().or_else(|| value.as_str()?.parse().ok())
}

/// The `tagging` field: `<Tagging><TagSet><Tag><Key>…</Key><Value>…</Value></Tag></TagSet></Tagging>`.
pub(super) fn tags(document: Option<&str>) -> Result<BTreeMap<String, String>> {
    let Some(document) = document else { return Ok(BTreeMap::new()) };
    let malformed = || Error::InvalidTag("The XML you provided was not well-formed".to_owned());
    let mut xml = s3s::xml::Deserializer::new(document.as_bytes());
    let tagging =
        <s3s::dto::Tagging as s3s::xml::Deserialize<'_>>::deserialize(&mut xml).map_err(|_| malformed())?;
    crate::protocol::attributes::tags_of_set(tagging.tag_set)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn policy(conditions: &str) -> Policy {
        let text = format!(r#"{{"expiration": "2026-01-01T00:00:00Z", "conditions": {conditions}}}"#);
        Policy::parse(&STANDARD.encode(text)).unwrap()
    }

    fn fields(pairs: &[(&str, &str)]) -> Fields {
        pairs.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned())).collect()
    }

    #[test]
    fn every_condition_must_hold() {
        let policy = policy(
            r#"[{"bucket": "b"}, ["starts-with", "$key", "up/"], ["eq", "$Content-Type", "image/png"]]"#,
        );
        let good = fields(&[("key", "up/a"), ("content-type", "image/png")]);
        assert!(policy.check("b", &good).is_ok());
        assert!(policy.check("other", &good).is_err());
        assert!(policy.check("b", &fields(&[("key", "down/a"), ("content-type", "image/png")])).is_err());
        assert!(policy.check("b", &fields(&[("key", "up/a"), ("content-type", "text/html")])).is_err());
    }

    #[test]
    fn a_field_without_a_condition_is_refused() {
        let policy = policy(r#"[["starts-with", "$key", ""]]"#);
        assert!(policy.check("b", &fields(&[("key", "k"), ("x-ignore-me", "1"), ("policy", "p")])).is_ok());
        assert!(policy.check("b", &fields(&[("key", "k"), ("x-amz-meta-a", "1")])).is_err());
    }

    #[test]
    fn an_unknown_condition_makes_the_policy_invalid() {
        let text = r#"{"expiration": "2026-01-01T00:00:00Z", "conditions": [["ends-with", "$key", "x"]]}"#;
        assert!(matches!(Policy::parse(&STANDARD.encode(text)), Err(Error::InvalidPolicyDocument(_))));
    }

    #[test]
    fn tags_of_a_form_are_xml() {
        let tags = tags(Some("<Tagging><TagSet><Tag><Key>a</Key><Value>b</Value></Tag></TagSet></Tagging>"))
            .unwrap();
        assert_eq!(tags.get("a").map(String::as_str), Some("b"));
    }
}
