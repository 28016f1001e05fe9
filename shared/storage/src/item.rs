use std::collections::HashMap;

use aws_sdk_dynamodb::types::AttributeValue;
use kernel::{Error, Result};
use serde::de::DeserializeOwned;

pub(crate) type Attributes = HashMap<String, AttributeValue>;

/// Primary key of an item: partition and sort key, both text.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Key {
    /// Partition key.
    pub pk: String,
    /// Sort key.
    pub sk: String,
}

impl Key {
    /// A key of two texts.
    pub fn new(pk: impl Into<String>, sk: impl Into<String>) -> Self {
        Self { pk: pk.into(), sk: sk.into() }
    }

    pub(crate) fn attributes(&self) -> Attributes {
        HashMap::from([
            ("pk".to_owned(), AttributeValue::S(self.pk.clone())),
            ("sk".to_owned(), AttributeValue::S(self.sk.clone())),
        ])
    }
}

/// A stored item.
#[derive(Clone, Debug, PartialEq)]
pub struct Item(pub(crate) Attributes);

impl Item {
    /// The item as a row of the domain; attributes the row does not know are ignored.
    ///
    /// # Errors
    /// An internal error when the item is not such a row: our data is wrong, not the caller.
    pub fn read<T: DeserializeOwned>(self) -> Result<T> {
        serde_dynamo::from_item(self.0).map_err(|e| Error::internal(format!("row: {e}")))
    }

    /// An item in DynamoDB's JSON (`{"pk": {"S": "…"}}`), as streams deliver it. `None` when it is no such thing.
    #[must_use]
    pub fn of_dynamodb_json(json: &serde_json::Value) -> Option<Self> {
        attributes_of(json).map(Self)
    }

    /// A text attribute.
    #[must_use]
    pub fn text(&self, name: &str) -> Option<&str> {
        self.0.get(name).and_then(|v| v.as_s().ok()).map(String::as_str)
    }

    /// A whole-number attribute.
    #[must_use]
    pub fn number(&self, name: &str) -> Option<i64> {
        self.0.get(name).and_then(|v| v.as_n().ok()).and_then(|n| n.parse().ok())
    }

    /// The primary key.
    #[must_use]
    pub fn key(&self) -> Option<Key> {
        Some(Key::new(self.text("pk")?, self.text("sk")?))
    }
}

fn attributes_of(json: &serde_json::Value) -> Option<Attributes> {
    json.as_object()?.iter().map(|(name, value)| Some((name.clone(), value_of(value)?))).collect()
}

fn value_of(json: &serde_json::Value) -> Option<AttributeValue> {
    use base64::Engine as _;
    let decode = |v: &serde_json::Value| {
        let bytes = base64::engine::general_purpose::STANDARD.decode(v.as_str()?).ok()?;
        Some(aws_sdk_dynamodb::primitives::Blob::new(bytes))
    };
    let texts = |v: &serde_json::Value| -> Option<Vec<String>> {
        v.as_array()?.iter().map(|x| x.as_str().map(str::to_owned)).collect()
    };
    let (kind, value) = json.as_object()?.iter().next()?;
    Some(match kind.as_str() {
        "S" => AttributeValue::S(value.as_str()?.to_owned()),
        "N" => AttributeValue::N(value.as_str()?.to_owned()),
        "BOOL" => AttributeValue::Bool(value.as_bool()?),
        "NULL" => AttributeValue::Null(true),
        "B" => AttributeValue::B(decode(value)?),
        "M" => AttributeValue::M(attributes_of(value)?),
        "L" => AttributeValue::L(value.as_array()?.iter().map(value_of).collect::<Option<_>>()?),
        "SS" => AttributeValue::Ss(texts(value)?),
        "NS" => AttributeValue::Ns(texts(value)?),
        "BS" => AttributeValue::Bs(value.as_array()?.iter().map(decode).collect::<Option<_>>()?),
        _ => return None,
    })
}
