use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use serde::{Deserialize, Serialize};

/// API Gateway's HTTP API event, payload format 2.0; only what is read here is named.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct HttpEvent {
    /// Always `2.0`.
    pub version: String,
    /// `POST /auth/login`, the route that matched.
    pub route_key: String,
    /// Path as sent, percent-encoded.
    pub raw_path: String,
    /// Query as sent.
    #[serde(default)]
    pub raw_query_string: String,
    /// `name=value` of each cookie.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub cookies: Vec<String>,
    /// Lower-case names; repeated headers joined with commas.
    #[serde(default)]
    pub headers: BTreeMap<String, String>,
    /// Values of `{name}` in the route, decoded.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub path_parameters: BTreeMap<String, String>,
    /// Who asked and when.
    pub request_context: RequestContext,
    /// Text, or base64 when `is_base64_encoded`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub body: Option<String>,
    /// Whether `body` is base64.
    #[serde(default)]
    pub is_base64_encoded: bool,
}

/// `requestContext` of the event.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RequestContext {
    /// API Gateway's id of the request.
    #[serde(default)]
    pub request_id: String,
    /// Stage name.
    #[serde(default)]
    pub stage: String,
    /// The HTTP part.
    pub http: HttpContext,
    /// When, in milliseconds since the epoch.
    #[serde(default)]
    pub time_epoch: i64,
    /// Id of the API.
    #[serde(default)]
    pub api_id: String,
    /// Host the client used.
    #[serde(default)]
    pub domain_name: String,
}

/// `requestContext.http` of the event.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct HttpContext {
    /// Method.
    pub method: String,
    /// Path.
    pub path: String,
    /// `HTTP/1.1`.
    #[serde(default)]
    pub protocol: String,
    /// The client's address.
    #[serde(default)]
    pub source_ip: String,
    /// The client's `User-Agent`.
    #[serde(default)]
    pub user_agent: String,
}

impl HttpEvent {
    /// The body's bytes; `None` when the base64 is broken.
    #[must_use]
    pub fn bytes(&self) -> Option<Bytes> {
        match (&self.body, self.is_base64_encoded) {
            (None, _) => Some(Bytes::new()),
            (Some(text), false) => Some(Bytes::copy_from_slice(text.as_bytes())),
            (Some(text), true) => STANDARD.decode(text).ok().map(Bytes::from),
        }
    }

    /// The value of a cookie.
    #[must_use]
    pub fn cookie(&self, name: &str) -> Option<&str> {
        self.cookies.iter().find_map(|c| c.strip_prefix(name)?.strip_prefix('='))
    }

    /// The value of a header, by its lower-case name.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(String::as_str)
    }
}

/// What a function answers API Gateway.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct HttpAnswer {
    /// Status.
    pub status_code: u16,
    /// Headers.
    pub headers: BTreeMap<String, String>,
    /// `Set-Cookie` values.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub cookies: Vec<String>,
    /// Text, or base64 when `is_base64_encoded`.
    #[serde(default)]
    pub body: String,
    /// Whether `body` is base64.
    #[serde(default)]
    pub is_base64_encoded: bool,
}

impl HttpAnswer {
    pub(crate) fn of_bytes(status_code: u16, body: &[u8]) -> Self {
        let (body, is_base64_encoded) = match std::str::from_utf8(body) {
            Ok(text) => (text.to_owned(), false),
            Err(_) => (STANDARD.encode(body), true),
        };
        Self { status_code, body, is_base64_encoded, ..Self::default() }
    }

    /// The body's bytes, as the client gets them.
    #[must_use]
    pub fn bytes(&self) -> Bytes {
        if self.is_base64_encoded {
            STANDARD.decode(&self.body).map(Bytes::from).unwrap_or_default()
        } else {
            Bytes::copy_from_slice(self.body.as_bytes())
        }
    }
}
