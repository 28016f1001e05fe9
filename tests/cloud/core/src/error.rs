use axum::body::Body;
use http::{HeaderValue, StatusCode, header};

use crate::Response;

/// How a service writes its errors.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protocol {
    /// `application/x-amz-json-1.0` or `1.1` with `__type` (DynamoDB, SQS, EventBridge, SSM …).
    AwsJson,
    /// REST with JSON bodies and the code in `x-amzn-errortype` (MediaConvert, Scheduler, SES v2).
    RestJson,
    /// Query protocol and S3: an XML `Error`.
    Xml,
}

/// An error that a client of AWS would see.
#[derive(Clone, Debug)]
pub struct WireError {
    /// HTTP status.
    pub status: StatusCode,
    /// The service's code, for example `ResourceNotFoundException`.
    pub code: String,
    /// Text for the person reading the client's exception.
    pub message: String,
}

impl WireError {
    /// A 400 with this code.
    pub fn bad_request(code: impl Into<String>, message: impl Into<String>) -> Self {
        Self { status: StatusCode::BAD_REQUEST, code: code.into(), message: message.into() }
    }

    /// The same error with another status.
    #[must_use]
    pub fn with_status(mut self, status: StatusCode) -> Self {
        self.status = status;
        self
    }

    /// The error in the protocol's own form.
    #[must_use]
    pub fn response(&self, protocol: Protocol) -> Response {
        let (kind, body) = match protocol {
            Protocol::AwsJson => (
                "application/x-amz-json-1.0",
                serde_json::json!({"__type": self.code, "message": self.message}).to_string(),
            ),
            Protocol::RestJson => {
                ("application/json", serde_json::json!({"message": self.message}).to_string())
            }
            Protocol::Xml => (
                "application/xml",
                format!(
                    "<?xml version=\"1.0\"?><ErrorResponse><Error><Type>Sender</Type><Code>{}</Code><Message>{}</Message></Error></ErrorResponse>",
                    escape(&self.code),
                    escape(&self.message)
                ),
            ),
        };
        let mut response = http::Response::new(Body::from(body));
        *response.status_mut() = self.status;
        response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
        if let Ok(code) = HeaderValue::from_str(&self.code) {
            response.headers_mut().insert("x-amzn-errortype", code);
        }
        response
    }
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}
