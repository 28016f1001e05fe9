use serde_json::{Map, Number, Value};

use super::address::Block;
use super::matcher::{Matcher, TextMatcher};
use super::number::Range;
use super::wildcard::Wildcard;
use super::{Fields, Node, PatternError};

const OR: &str = "$or";
/// Names of comparisons; an object below `$or` that uses one makes `$or` an ordinary field name.
const KEYWORDS: [&str; 8] =
    ["exists", "equals-ignore-case", "prefix", "suffix", "anything-but", "numeric", "cidr", "wildcard"];

pub(super) fn pattern(value: &Value) -> Result<Fields, PatternError> {
    let fields = value.as_object().ok_or_else(|| error("Filter is not an object"))?;
    self::fields(fields)
}

fn fields(object: &Map<String, Value>) -> Result<Fields, PatternError> {
    if object.is_empty() {
        return Err(error("Empty objects are not allowed"));
    }
    let mut parsed = Fields::default();
    for (name, value) in object {
        if let Some(alternatives) = alternatives(name, value)? {
            parsed.alternatives.push(alternatives);
            continue;
        }
        let node = match value {
            Value::Object(inner) => Node::Inner(fields(inner)?),
            Value::Array(list) if list.is_empty() => return Err(error("Empty arrays are not allowed")),
            Value::Array(list) => Node::Leaf(list.iter().map(matcher).collect::<Result<_, _>>()?),
            _ => return Err(error(&format!("\"{name}\" must be an object or an array"))),
        };
        parsed.fields.push((name.clone(), node));
    }
    Ok(parsed)
}

/// The alternatives of `$or`, where it is one: a list of at least two objects without names of comparisons.
fn alternatives(name: &str, value: &Value) -> Result<Option<Vec<Fields>>, PatternError> {
    let Some(list) = value.as_array().filter(|list| name == OR && list.len() >= 2) else { return Ok(None) };
    let shapes: Vec<&Map<String, Value>> = list
        .iter()
        .filter_map(Value::as_object)
        .filter(|shape| !shape.keys().any(|key| KEYWORDS.contains(&key.as_str())))
        .collect();
    if shapes.len() != list.len() {
        return Ok(None);
    }
    shapes.into_iter().map(fields).collect::<Result<_, _>>().map(Some)
}

fn matcher(value: &Value) -> Result<Matcher, PatternError> {
    match value {
        Value::Null => Ok(Matcher::Null),
        Value::Bool(wanted) => Ok(Matcher::Bool(*wanted)),
        Value::Number(wanted) => Ok(Matcher::Number(wanted.clone())),
        Value::String(wanted) => Ok(Matcher::Text(TextMatcher::Equal(wanted.clone()))),
        Value::Array(_) => Err(error("Match value must be String, number, true, false, or null")),
        Value::Object(expression) => {
            let (operator, operand) = only(expression)?;
            match operator {
                "exists" => match operand {
                    Value::Bool(true) => Ok(Matcher::Present),
                    Value::Bool(false) => Ok(Matcher::Absent),
                    _ => Err(error("exists match pattern must be either true or false.")),
                },
                "numeric" => Range::parse(operand).map(Matcher::Numeric),
                "anything-but" => anything_but(operand),
                _ => text_matcher(operator, operand).map(Matcher::Text),
            }
        }
    }
}

fn text_matcher(operator: &str, operand: &Value) -> Result<TextMatcher, PatternError> {
    let text = |value: &Value| {
        value
            .as_str()
            .map(str::to_owned)
            .ok_or_else(|| error(&format!("{operator} match pattern must be a string")))
    };
    // `{"prefix": {"equals-ignore-case": "x"}}`
    let ignoring_case = || -> Result<Option<String>, PatternError> {
        let Some(expression) = operand.as_object() else { return Ok(None) };
        match only(expression)? {
            ("equals-ignore-case", inner) => text(inner).map(|t| Some(t.to_lowercase())),
            (other, _) => Err(error(&format!("Unsupported {operator} pattern: {other}"))),
        }
    };
    match operator {
        "equals-ignore-case" => Ok(TextMatcher::EqualIgnoreCase(text(operand)?.to_lowercase())),
        "prefix" => match ignoring_case()? {
            Some(lower) => Ok(TextMatcher::PrefixIgnoreCase(lower)),
            None => text(operand).map(TextMatcher::Prefix),
        },
        "suffix" => match ignoring_case()? {
            Some(lower) => Ok(TextMatcher::SuffixIgnoreCase(lower)),
            None => text(operand).map(TextMatcher::Suffix),
        },
        "wildcard" => Wildcard::parse(&text(operand)?).map(TextMatcher::Wildcard),
        "cidr" => Block::parse(&text(operand)?).map(TextMatcher::Cidr),
        _ => Err(error(&format!("Unrecognized match type {operator}"))),
    }
}

fn anything_but(operand: &Value) -> Result<Matcher, PatternError> {
    let list = |value: &Value| match value {
        Value::Array(list) if list.is_empty() => Err(error("Empty arrays are not allowed")),
        Value::Array(list) => Ok(list.clone()),
        single => Ok(vec![single.clone()]),
    };
    if let Some(expression) = operand.as_object() {
        let (operator, operand) = only(expression)?;
        if !["prefix", "suffix", "equals-ignore-case", "wildcard"].contains(&operator) {
            return Err(error(&format!("Unsupported anything-but pattern: {operator}")));
        }
        let excluded =
            list(operand)?.iter().map(|value| text_matcher(operator, value)).collect::<Result<_, _>>()?;
        return Ok(Matcher::AnythingButText(excluded));
    }
    let values = list(operand)?;
    let numbers: Vec<Number> = values.iter().filter_map(|v| v.as_number().cloned()).collect();
    if numbers.len() == values.len() {
        return Ok(Matcher::AnythingButNumbers(numbers));
    }
    let texts: Vec<TextMatcher> =
        values.iter().filter_map(|v| v.as_str().map(|t| TextMatcher::Equal(t.to_owned()))).collect();
    if texts.len() == values.len() {
        return Ok(Matcher::AnythingButText(texts));
    }
    Err(error(
        "Inside anything but list, either all values are number or string, mixed type is not supported",
    ))
}

/// The one entry of an expression such as `{"prefix": "a"}`.
fn only(expression: &Map<String, Value>) -> Result<(&str, &Value), PatternError> {
    let mut entries = expression.iter();
    match (entries.next(), entries.next()) {
        (Some((operator, operand)), None) => Ok((operator.as_str(), operand)),
        (None, _) => Err(error("Empty match expression")),
        (Some(_), Some(_)) => Err(error("Only one key allowed in match expression")),
    }
}

fn error(text: &str) -> PatternError {
    PatternError(text.to_owned())
}
