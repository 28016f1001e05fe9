//! Requests and answers of the JSON protocols.

use axum::body::Body;
use cloud_core::{Response, WireError};
use http::{HeaderValue, StatusCode, header};
use serde_json::{Map, Value};

/// A request's fields.
#[derive(Debug, Default)]
pub(crate) struct Fields(Map<String, Value>);

impl Fields {
    /// An empty body is an empty object.
    pub fn parse(body: &[u8]) -> Result<Self, WireError> {
        if body.is_empty() {
            return Ok(Self::default());
        }
        serde_json::from_slice(body)
            .map(Self)
            .map_err(|e| WireError::bad_request("SerializationException", format!("not a JSON object: {e}")))
    }

    pub fn get(&self, name: &str) -> Option<&Value> {
        self.0.get(name).filter(|value| !value.is_null())
    }

    pub fn text(&self, name: &str) -> Option<&str> {
        self.get(name)?.as_str()
    }

    pub fn flag(&self, name: &str) -> bool {
        self.get(name).and_then(Value::as_bool).unwrap_or(false)
    }

    /// # Errors
    /// `ValidationException` when the field is not a text.
    pub fn need(&self, name: &str) -> Result<&str, WireError> {
        self.text(name).ok_or_else(|| {
            let text = format!("1 validation error detected: Value null at '{name}' failed to satisfy constraint: Member must not be null");
            WireError::bad_request("ValidationException", text)
        })
    }

    /// The texts of a list; empty when there is none.
    pub fn texts(&self, name: &str) -> Vec<&str> {
        self.get(name).and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str).collect()
    }
}

/// An answer with a JSON body.
pub(crate) fn response(status: StatusCode, content_type: &'static str, value: &Value) -> Response {
    let mut response = http::Response::new(Body::from(value.to_string()));
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
    response
}
