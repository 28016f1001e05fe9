//! Reading a request body, and which of DynamoDB's two errors an unreadable one is: a value of the wrong JSON type is
//! a `SerializationException`, anything else a `ValidationException`. The engine's request types mark what they
//! refuse with a prefix of the message (its `serde_errors` module, which it keeps to itself).

use dynoxide::DynoxideError;
use serde::de::DeserializeOwned;
use serde_json::error::Category;

use crate::error::Error;

const EMPTY_VALUE: &str =
    "Supplied AttributeValue is empty, must contain exactly one of the supported datatypes";

pub(crate) fn decode<T: DeserializeOwned>(operation: &str, body: &str) -> Result<T, Error> {
    serde_json::from_str(body).map_err(|error| match error.classify() {
        Category::Syntax | Category::Eof | Category::Io => Error::NotJson,
        Category::Data => Error::Refused(refusal(operation, &error.to_string())),
    })
}

fn refusal(operation: &str, message: &str) -> DynoxideError {
    if let Some(rest) = message.strip_prefix("SERIALIZATION_AS_READ:") {
        return DynoxideError::SerializationException(rest.to_owned());
    }
    if let Some(rest) = message.strip_prefix("VALIDATION_AS_READ:") {
        return DynoxideError::ValidationException(rest.to_owned());
    }
    let plain = without_position(message);
    if let Some(rest) = plain.strip_prefix("SERIALIZATION:") {
        return DynoxideError::SerializationException(rest.to_owned());
    }
    if let Some(rest) = plain.strip_prefix("VALIDATION_REQUEST:") {
        // The single-item writes wrap this family of messages, the other operations do not.
        let wrapped = matches!(operation, "PutItem" | "UpdateItem" | "DeleteItem");
        let envelope = if wrapped { "1 validation error detected: " } else { "" };
        return DynoxideError::ValidationException(format!("{envelope}{rest}"));
    }
    if let Some(rest) = plain.strip_prefix("VALIDATION:") {
        return DynoxideError::ValidationException(rest.to_owned());
    }
    if plain.contains("empty AttributeValue") {
        return DynoxideError::ValidationException(EMPTY_VALUE.to_owned());
    }
    let validation = ["missing field", "unknown variant", "invalid type: null", "Supplied AttributeValue"];
    if validation.iter().any(|part| plain.contains(part)) {
        return DynoxideError::ValidationException(plain.to_owned());
    }
    DynoxideError::SerializationException(java_words(plain).unwrap_or_else(|| plain.to_owned()))
}

/// serde's ` at line N column N` belongs to the text as we got it, not to the message.
fn without_position(message: &str) -> &str {
    match message.rfind(" at line ") {
        Some(at) => message.get(..at).unwrap_or(message),
        None => message,
    }
}

/// "invalid type: integer `5`, expected a string" as DynamoDB says it.
fn java_words(message: &str) -> Option<String> {
    let (found, wanted) = message.strip_prefix("invalid type: ")?.split_once(", expected ")?;
    let class = match wanted {
        "a string" => "String",
        "a boolean" => "Boolean",
        "i64" | "u64" | "usize" => "Long",
        _ if found == "map" => return Some("Start of structure or map found where not expected".to_owned()),
        _ => return Some("Unexpected field type".to_owned()),
    };
    let token = match found {
        "sequence" => return Some(format!("Unrecognized collection type class java.lang.{class}")),
        "map" => return Some("Start of structure or map found where not expected".to_owned()),
        "boolean `true`" => "TRUE_VALUE",
        "boolean `false`" => "FALSE_VALUE",
        _ if found.starts_with("integer") => "NUMBER_VALUE",
        _ if found.starts_with("floating point") => "DECIMAL_VALUE",
        _ if found.starts_with("string") && class == "Boolean" => {
            return Some("Unexpected token received from parser".to_owned());
        }
        _ if found.starts_with("string") => "STRING_VALUE",
        _ => return None,
    };
    Some(format!("{token} cannot be converted to {class}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use dynoxide::actions::put_item::PutItemRequest;

    fn refused(body: &str) -> DynoxideError {
        match decode::<PutItemRequest>("PutItem", body) {
            Err(Error::Refused(error)) => error,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_wrong_json_type_is_a_serialization_error_in_dynamodbs_words() {
        let error = refused(r#"{"TableName": 5, "Item": {}}"#);
        assert!(matches!(error, DynoxideError::SerializationException(_)), "{error:?}");
        assert_eq!(error.to_string(), "NUMBER_VALUE cannot be converted to String");
    }

    #[test]
    fn a_value_without_a_type_is_a_validation_error() {
        let error = refused(r#"{"TableName": "t", "Item": {"pk": {}}}"#);
        assert!(matches!(error, DynoxideError::ValidationException(_)), "{error:?}");
        assert!(error.to_string().contains("Supplied AttributeValue is empty"), "{error}");
    }
}
