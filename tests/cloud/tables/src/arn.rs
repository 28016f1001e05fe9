//! ARNs. The engine writes its own region into them; what leaves here carries the [`Place`]'s.

use cloud_core::Place;
use serde_json::Value;

/// How the engine's ARNs begin.
fn engine_prefix() -> String {
    format!("arn:aws:dynamodb:{}:{}:", dynoxide::streams::LOCAL_REGION, dynoxide::streams::LOCAL_ACCOUNT)
}

/// The engine's ARNs in a description of tables or streams, as this place's. Not for bodies that carry items.
pub(crate) fn outgoing(body: &str, place: &Place) -> String {
    body.replace(&engine_prefix(), &place.arn("dynamodb", ""))
}

/// This place's ARNs in a request about tables or streams, as the engine's.
pub(crate) fn incoming(body: &str, place: &Place) -> String {
    body.replace(&place.arn("dynamodb", ""), &engine_prefix())
}

/// Requests may name a table by its ARN; the engine knows names only.
pub(crate) fn table_names(body: &str) -> Option<String> {
    if !body.contains("\"arn:aws:dynamodb:") {
        return None;
    }
    let mut request: Value = serde_json::from_str(body).ok()?;
    rename(&mut request).then(|| request.to_string())
}

/// Only a `TableName` whose value is a bare string is a table's name: inside items every value is an object.
fn rename(value: &mut Value) -> bool {
    match value {
        Value::Object(map) => {
            let mut changed = false;
            for (key, member) in map.iter_mut() {
                match member {
                    Value::String(arn) if key == "TableName" => {
                        if let Some(name) = table_of(arn) {
                            *arn = name.to_owned();
                            changed = true;
                        }
                    }
                    other => changed |= rename(other),
                }
            }
            changed
        }
        Value::Array(members) => members.iter_mut().fold(false, |changed, m| rename(m) | changed),
        _ => false,
    }
}

/// The table in `arn:aws:dynamodb:{region}:{account}:table/{name}…`.
pub(crate) fn table_of(arn: &str) -> Option<&str> {
    let name = arn.strip_prefix("arn:aws:dynamodb:")?.split_once(":table/")?.1;
    name.split('/').next()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_named_by_arn_is_found_and_an_attribute_of_that_name_is_left_alone() {
        let body = r#"{"TableName":"arn:aws:dynamodb:us-east-1:000000000000:table/orders","Item":{"TableName":{"S":"arn:aws:dynamodb:us-east-1:000000000000:table/x"}}}"#;
        let renamed: Value = serde_json::from_str(&table_names(body).unwrap()).unwrap();
        assert_eq!(renamed["TableName"], "orders");
        assert_eq!(renamed["Item"]["TableName"]["S"], "arn:aws:dynamodb:us-east-1:000000000000:table/x");
    }

    #[test]
    fn the_table_of_a_stream_is_the_part_between_the_slashes() {
        let arn = "arn:aws:dynamodb:us-east-1:000000000000:table/orders/stream/2026-01-01T00:00:00.000";
        assert_eq!(table_of(arn), Some("orders"));
        assert_eq!(table_of("arn:aws:s3:::bucket"), None);
    }
}
