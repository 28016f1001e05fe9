use aws_sdk_dynamodb::types::AttributeValue;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use kernel::{Error, Result};
use serde_json::{Map, Value};

use crate::item::Attributes;

/// An opaque cursor of a last evaluated key: base64url of a JSON object of texts and numbers.
pub(crate) fn encode(key: &Attributes) -> Result<String> {
    let mut object = Map::new();
    for (name, value) in key {
        let value = match value {
            AttributeValue::S(text) => Value::String(text.clone()),
            AttributeValue::N(number) => Value::Array(vec![Value::String(number.clone())]),
            other => return Err(Error::internal(format!("cursor of {other:?}"))),
        };
        object.insert(name.clone(), value);
    }
    Ok(URL_SAFE_NO_PAD.encode(Value::Object(object).to_string()))
}

/// Reads a cursor back. It must belong to the same partition as the query: a cursor of another list is refused.
pub(crate) fn decode(cursor: &str, partition: (&str, &str)) -> Result<Attributes> {
    let refuse = || Error::field("cursor", "INVALID_FORMAT");
    let bytes = URL_SAFE_NO_PAD.decode(cursor).map_err(|_| refuse())?;
    let object: Map<String, Value> = serde_json::from_slice(&bytes).map_err(|_| refuse())?;
    let mut key = Attributes::new();
    for (name, value) in object {
        let value = match value {
            Value::String(text) => AttributeValue::S(text),
            Value::Array(list) => match list.first() {
                Some(Value::String(number)) if number.parse::<f64>().is_ok() => {
                    AttributeValue::N(number.clone())
                }
                _ => return Err(refuse()),
            },
            _ => return Err(refuse()),
        };
        key.insert(name, value);
    }
    let (attribute, value) = partition;
    let same = key.get(attribute).and_then(|v| v.as_s().ok()).is_some_and(|v| v == value);
    if same && key.contains_key("pk") && key.contains_key("sk") { Ok(key) } else { Err(refuse()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_of_another_partition_is_refused() {
        let key: Attributes =
            [("pk", "A"), ("sk", "1")].map(|(n, v)| (n.to_owned(), AttributeValue::S(v.to_owned()))).into();
        let cursor = encode(&key).unwrap();
        assert_eq!(decode(&cursor, ("pk", "A")).unwrap(), key);
        assert_eq!(decode(&cursor, ("pk", "B")).unwrap_err().code().name, "VALIDATION_FAILED");
        assert!(decode("%%%", ("pk", "A")).is_err());
        assert!(decode("e30", ("pk", "A")).is_err());
    }
}
