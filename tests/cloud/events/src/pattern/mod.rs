//! The event pattern language of `EventBridge`, which Lambda's event source filters share.
//!
//! A pattern mirrors the shape of an event. Each of its leaves is a list of which one must match; all fields must
//! match; `$or` asks for one of several shapes. Written to the rules of
//! <https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-create-pattern-operators.html> and, where those are
//! silent, of AWS's own matcher, <https://github.com/aws/event-ruler>. (The crate `event-ruler` is empty.)

mod address;
mod matcher;
mod number;
mod parse;
mod wildcard;

use serde_json::Value;

use matcher::Matcher;

/// A pattern that is ready to match.
#[derive(Clone, Debug, PartialEq)]
pub struct Pattern {
    root: Fields,
}

/// Why a text is not a pattern.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("Event pattern is not valid. Reason: {0}")]
pub struct PatternError(pub(crate) String);

/// What an object must look like.
#[derive(Clone, Debug, Default, PartialEq)]
struct Fields {
    fields: Vec<(String, Node)>,
    /// Of each list, one must match.
    alternatives: Vec<Vec<Fields>>,
}

#[derive(Clone, Debug, PartialEq)]
enum Node {
    Inner(Fields),
    Leaf(Vec<Matcher>),
}

impl Pattern {
    /// Reads a pattern from its JSON text.
    ///
    /// # Errors
    /// When the text is not JSON, or not a pattern.
    pub fn parse(text: &str) -> Result<Self, PatternError> {
        let value: Value = serde_json::from_str(text).map_err(|e| PatternError(e.to_string()))?;
        Self::from_value(&value)
    }

    /// Reads a pattern from JSON.
    ///
    /// # Errors
    /// When the value is not a pattern.
    pub fn from_value(value: &Value) -> Result<Self, PatternError> {
        Ok(Self { root: parse::pattern(value)? })
    }

    /// Whether this event matches.
    #[must_use]
    pub fn matches(&self, event: &Value) -> bool {
        let mut walk = Walk { root: event, path: Vec::new() };
        walk.fields(&self.root, Some(event))
    }
}

impl TryFrom<&Value> for Pattern {
    type Error = PatternError;

    fn try_from(value: &Value) -> Result<Self, PatternError> {
        Self::from_value(value)
    }
}

/// A match in progress.
struct Walk<'a> {
    root: &'a Value,
    /// Names from the root to where the walk is.
    path: Vec<&'a str>,
}

impl<'a> Walk<'a> {
    /// Whether a value matches; `None` where the event has nothing.
    fn fields(&mut self, wanted: &'a Fields, value: Option<&'a Value>) -> bool {
        // Fields below one array must match within one of its elements, not spread over several.
        if let Some(Value::Array(elements)) = value {
            return elements.iter().any(|element| self.fields(wanted, Some(element)))
                || self.fields(wanted, None);
        }
        let fields = wanted.fields.iter().all(|(name, node)| {
            let child = value.and_then(|v| v.get(name.as_str()));
            self.path.push(name);
            let matched = match node {
                Node::Inner(inner) => self.fields(inner, child),
                Node::Leaf(matchers) => self.leaf(matchers, child),
            };
            self.path.pop();
            matched
        });
        fields && wanted.alternatives.iter().all(|any| any.iter().any(|one| self.fields(one, value)))
    }

    fn leaf(&self, matchers: &[Matcher], value: Option<&Value>) -> bool {
        // Absence is about the whole event: an element of an array without the field proves nothing.
        if matchers.contains(&Matcher::Absent) && !has_leaf(self.root, &self.path) {
            return true;
        }
        value.is_some_and(|value| any_scalar(value, &|scalar| matchers.iter().any(|m| m.matches(scalar))))
    }
}

/// Whether one of the scalars that a field holds passes; a list holds its elements, an object holds none.
fn any_scalar(value: &Value, test: &dyn Fn(&Value) -> bool) -> bool {
    match value {
        Value::Array(elements) => elements.iter().any(|element| any_scalar(element, test)),
        Value::Object(_) => false,
        scalar => test(scalar),
    }
}

fn has_leaf(value: &Value, path: &[&str]) -> bool {
    match (value, path) {
        (Value::Array(elements), _) => elements.iter().any(|element| has_leaf(element, path)),
        (Value::Object(fields), [name, rest @ ..]) => fields.get(*name).is_some_and(|v| has_leaf(v, rest)),
        (Value::Object(_), []) | (_, [_, ..]) => false,
        (_, []) => true,
    }
}

#[cfg(test)]
mod tests;
