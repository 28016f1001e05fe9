use http::{HeaderMap, StatusCode};
use serde_json::Value;

/// An answer, read whole.
#[derive(Debug)]
pub struct Answer {
    /// Status.
    pub status: StatusCode,
    /// Headers.
    pub headers: HeaderMap,
    /// The body's bytes.
    pub bytes: Vec<u8>,
    /// The body as JSON; `null` when it is none.
    pub json: Value,
}

impl Answer {
    pub(crate) async fn of(response: reqwest::Response) -> Self {
        let (status, headers) = (response.status(), response.headers().clone());
        let bytes = response.bytes().await.map(|b| b.to_vec()).unwrap_or_default();
        let json = serde_json::from_slice(&bytes).unwrap_or_default();
        Self { status, headers, bytes, json }
    }

    /// The body, if the status is this.
    ///
    /// # Panics
    /// When it is another, with the whole answer.
    #[track_caller]
    #[allow(clippy::must_use_candidate)]
    pub fn expect(self, status: u16) -> Value {
        assert_eq!(self.status.as_u16(), status, "{} {:?}", self.json, String::from_utf8_lossy(&self.bytes));
        self.json
    }

    /// Checks a refusal: status and code of a problem document with everything RFC 9457 and the product promise.
    ///
    /// # Panics
    /// When it is another answer.
    #[track_caller]
    pub fn refused(self, status: u16, code: &str) -> Value {
        assert_eq!((self.status.as_u16(), self.json["code"].as_str()), (status, Some(code)), "{}", self.json);
        assert_eq!(self.header("content-type"), "application/problem+json");
        for member in ["type", "title", "detail", "instance"] {
            assert!(self.json[member].as_str().is_some_and(|t| !t.is_empty()), "{member}: {}", self.json);
        }
        assert_eq!(self.json["status"], status);
        self.json
    }

    /// A header's value, empty when it is not there.
    #[must_use]
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|v| v.to_str().ok()).unwrap_or_default()
    }
}
