//! Message attributes on the wire, and which of them a receiver asked for.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use serde::{Deserialize, Serialize};

use crate::error::QueueError;
use crate::message::{AttributeData, MessageAttribute};

#[derive(Deserialize, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct WireAttribute {
    #[serde(default)]
    data_type: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    string_value: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    binary_value: Option<String>,
}

pub(super) fn from_wire(
    attributes: BTreeMap<String, WireAttribute>,
) -> Result<BTreeMap<String, MessageAttribute>, QueueError> {
    attributes
        .into_iter()
        .map(|(name, attribute)| {
            let value = match (attribute.string_value, attribute.binary_value) {
                (Some(text), None) => Some(AttributeData::Text(text)),
                (None, Some(base64)) => {
                    STANDARD.decode(base64).ok().map(|bytes| AttributeData::Binary(Bytes::from(bytes)))
                }
                _ => None,
            };
            let value = value.ok_or_else(|| {
                QueueError::InvalidParameterValue(format!(
                    "The message attribute '{name}' must contain a non-empty message attribute value."
                ))
            })?;
            Ok((name, MessageAttribute { data_type: attribute.data_type, value }))
        })
        .collect()
}

pub(super) fn to_wire(attributes: &BTreeMap<String, MessageAttribute>) -> BTreeMap<&String, WireAttribute> {
    attributes
        .iter()
        .map(|(name, attribute)| {
            let (string_value, binary_value) = match &attribute.value {
                AttributeData::Text(text) => (Some(text.clone()), None),
                AttributeData::Binary(bytes) => (None, Some(STANDARD.encode(bytes))),
            };
            (name, WireAttribute { data_type: attribute.data_type.clone(), string_value, binary_value })
        })
        .collect()
}

/// Whether one of `asked` covers this message attribute: its name, `All`, `.*`, or a prefix such as `bar.*`.
pub(super) fn wanted(asked: &[String], name: &str) -> bool {
    asked.iter().any(|pattern| {
        pattern == "All"
            || pattern.strip_suffix(".*").map_or(pattern == name, |prefix| name.starts_with(prefix))
    })
}
