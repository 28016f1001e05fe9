//! How DynamoDB's answers look on the wire: AWS JSON 1.0, a request id, and a CRC-32 of the body that SDKs check.

use axum::body::Body;
use cloud_core::Response;
use dynoxide::DynoxideError;
use http::{HeaderValue, StatusCode, header};
use serde_json::json;

use crate::error::Error;

/// The media type of every answer, unless the request came as plain JSON.
pub(crate) const AMZ_JSON: &str = "application/x-amz-json-1.0";
pub(crate) const PLAIN_JSON: &str = "application/json";

/// The request named no operation that exists.
pub(crate) const UNKNOWN_OPERATION: &str =
    r#"{"__type":"com.amazon.coral.service#UnknownOperationException"}"#;
/// The body is not JSON.
pub(crate) const NOT_JSON: &str = r#"{"__type":"com.amazon.coral.service#SerializationException"}"#;
/// The body is larger than 16 MiB.
pub(crate) const TOO_LARGE: &str = r#"{"__type":"com.amazon.coral.service#RequestEntityTooLargeException","message":"Request size too large"}"#;

pub(crate) fn answer(status: StatusCode, media_type: &'static str, body: String) -> Response {
    let checksum = crc32fast::hash(body.as_bytes());
    let mut response = http::Response::new(Body::from(body));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(media_type));
    headers.insert("x-amz-crc32", HeaderValue::from(checksum));
    if let Ok(id) = HeaderValue::from_str(&request_id()) {
        headers.insert("x-amzn-requestid", id);
    }
    response
}

/// 52 characters, as DynamoDB's.
fn request_id() -> String {
    let (high, low): (u128, u128) = (rand::random(), rand::random());
    let mut id = format!("{high:032X}{low:032X}");
    id.truncate(52);
    id
}

/// Status and body of an error, exactly as DynamoDB writes it for `operation`.
pub(crate) fn failure(operation: &str, error: Error) -> (StatusCode, String) {
    let error = match error {
        Error::Refused(error) => for_operation(operation, error),
        Error::TableNotFound(table) => {
            let body = json!({
                "__type": "com.amazonaws.dynamodb.v20120810#TableNotFoundException",
                "message": format!("Table not found: {table}"),
            });
            return (StatusCode::BAD_REQUEST, body.to_string());
        }
        Error::NotJson => return (StatusCode::BAD_REQUEST, NOT_JSON.to_owned()),
        other => DynoxideError::InternalServerError(other.to_string()),
    };
    if error.status_code() >= 500 {
        tracing::error!(operation, %error, "DynamoDB failed");
    }
    (StatusCode::from_u16(error.status_code()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR), error.to_json())
}

/// `ExecuteStatement` writes a failed condition that carries the item in a shape of its own.
fn for_operation(operation: &str, error: DynoxideError) -> DynoxideError {
    match error {
        DynoxideError::ConditionalCheckFailedException(message, Some(item))
            if operation == "ExecuteStatement" =>
        {
            DynoxideError::StatementConditionalCheckFailed(message, item)
        }
        other => other,
    }
}
