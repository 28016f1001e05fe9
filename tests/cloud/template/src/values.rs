//! Resolved values: text that may have come as a number, a number that may have come as text.

use serde::de::{Deserialize, Deserializer, Error};
use serde_json::Value;

/// A scalar as CloudFormation puts it into text.
pub(crate) fn text_of(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Null => String::new(),
        other => other.to_string(),
    }
}

/// Parameters are text, so a number that comes from one is text too.
pub(crate) fn number<'de, D: Deserializer<'de>, N: TryFrom<i64>>(
    deserializer: D,
) -> Result<Option<N>, D::Error> {
    let value = Option::<Value>::deserialize(deserializer)?;
    let Some(value) = value.filter(|v| !v.is_null()) else { return Ok(None) };
    let number = value.as_i64().or_else(|| value.as_str()?.trim().parse().ok());
    let number = number.ok_or_else(|| D::Error::custom(format!("{value} is not a whole number")))?;
    N::try_from(number).map(Some).map_err(|_| D::Error::custom(format!("{number} is out of range")))
}

/// A boolean that may have come as text.
pub(crate) fn flag<'de, D: Deserializer<'de>>(deserializer: D) -> Result<bool, D::Error> {
    let value = Value::deserialize(deserializer)?;
    match &value {
        Value::Bool(flag) => Ok(*flag),
        Value::String(text) if text.eq_ignore_ascii_case("true") => Ok(true),
        Value::String(text) if text.eq_ignore_ascii_case("false") => Ok(false),
        other => Err(D::Error::custom(format!("{other} is neither true nor false"))),
    }
}

/// One text or a list of them, as in IAM policies.
pub(crate) fn texts<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<String>, D::Error> {
    Ok(match Value::deserialize(deserializer)? {
        Value::Array(items) => items.iter().map(text_of).collect(),
        Value::Null => Vec::new(),
        one => vec![text_of(&one)],
    })
}
