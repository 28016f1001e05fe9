use serde_json::{Number, Value};

use super::address::Block;
use super::number::{self, Range};
use super::wildcard::Wildcard;

/// One alternative of a leaf.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Matcher {
    /// The field is there, whatever its value.
    Present,
    /// The event has no such field. Decided on the event as a whole.
    Absent,
    Null,
    Bool(bool),
    Number(Number),
    Numeric(Range),
    Text(TextMatcher),
    /// No text that one of these matches; any other value does.
    AnythingButText(Vec<TextMatcher>),
    /// None of these numbers; any other value does.
    AnythingButNumbers(Vec<Number>),
}

/// A condition that only text can meet.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum TextMatcher {
    Equal(String),
    /// Compared in lower case; the pattern's text is kept so.
    EqualIgnoreCase(String),
    Prefix(String),
    PrefixIgnoreCase(String),
    Suffix(String),
    SuffixIgnoreCase(String),
    Wildcard(Wildcard),
    Cidr(Block),
}

impl Matcher {
    /// Whether a scalar of an event matches.
    pub fn matches(&self, value: &Value) -> bool {
        match self {
            Self::Present => true,
            Self::Absent => false,
            Self::Null => value.is_null(),
            Self::Bool(wanted) => value.as_bool() == Some(*wanted),
            Self::Number(wanted) => value.as_number().is_some_and(|n| number::equal(wanted, n)),
            Self::Numeric(range) => value.as_number().is_some_and(|n| range.contains(n)),
            Self::Text(matcher) => value.as_str().is_some_and(|text| matcher.matches(text)),
            Self::AnythingButText(excluded) => {
                !value.as_str().is_some_and(|text| excluded.iter().any(|m| m.matches(text)))
            }
            Self::AnythingButNumbers(excluded) => {
                !value.as_number().is_some_and(|n| excluded.iter().any(|m| number::equal(m, n)))
            }
        }
    }
}

impl TextMatcher {
    fn matches(&self, text: &str) -> bool {
        match self {
            Self::Equal(wanted) => text == wanted,
            Self::EqualIgnoreCase(wanted) => text.to_lowercase() == *wanted,
            Self::Prefix(wanted) => text.starts_with(wanted.as_str()),
            Self::PrefixIgnoreCase(wanted) => text.to_lowercase().starts_with(wanted.as_str()),
            Self::Suffix(wanted) => text.ends_with(wanted.as_str()),
            Self::SuffixIgnoreCase(wanted) => text.to_lowercase().ends_with(wanted.as_str()),
            Self::Wildcard(wildcard) => wildcard.matches(text),
            Self::Cidr(block) => block.contains(text),
        }
    }
}
