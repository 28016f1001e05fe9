use axum::body::Body;
use cloud_core::Response;
use http::header::CONTENT_TYPE;
use http::{HeaderValue, StatusCode};

/// Why CloudFront does not serve a request; codes and texts are CloudFront's.
///
/// <https://repost.aws/knowledge-center/cloudfront-troubleshoot-signed-url-cookies>
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Refusal {
    /// Neither a signed URL nor signed cookies, or a part of them is missing.
    MissingKey,
    /// A key pair that is not trusted.
    InvalidKey,
    /// Signed, but not for this request now.
    AccessDenied,
    MalformedPolicy,
    MalformedSignature,
    /// No object there.
    NoSuchKey,
    /// Anything but GET, HEAD and OPTIONS.
    MethodNotAllowed,
    Internal,
}

impl Refusal {
    fn parts(self) -> (StatusCode, &'static str, &'static str) {
        match self {
            Self::MissingKey => {
                (StatusCode::FORBIDDEN, "MissingKey", "Missing Key-Pair-Id query parameter or cookie value")
            }
            Self::InvalidKey => (StatusCode::FORBIDDEN, "InvalidKey", "Unknown Key"),
            Self::AccessDenied => (StatusCode::FORBIDDEN, "AccessDenied", "Access denied"),
            Self::MalformedPolicy => (StatusCode::FORBIDDEN, "MalformedPolicy", "Malformed Policy"),
            Self::MalformedSignature => {
                (StatusCode::FORBIDDEN, "MalformedSignature", "Could not unencode Signature")
            }
            Self::NoSuchKey => (StatusCode::NOT_FOUND, "NoSuchKey", "The specified key does not exist."),
            Self::MethodNotAllowed => (
                StatusCode::METHOD_NOT_ALLOWED,
                "MethodNotAllowed",
                "The specified method is not allowed against this resource.",
            ),
            Self::Internal => (
                StatusCode::INTERNAL_SERVER_ERROR,
                "InternalError",
                "We encountered an internal error. Please try again.",
            ),
        }
    }

    pub(super) fn response(self) -> Response {
        let (status, code, message) = self.parts();
        let body = format!(
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?><Error><Code>{code}</Code><Message>{message}</Message></Error>"
        );
        let mut response = http::Response::new(Body::from(body));
        *response.status_mut() = status;
        response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/xml"));
        response
    }
}
