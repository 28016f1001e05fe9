use cloud_core::{Request, Response, Service};
use futures::future::BoxFuture;
use http::{Method, StatusCode, header};

use crate::{Tables, dispatch, wire};

/// DynamoDB's limit on a request body.
const LARGEST_BODY: usize = 16 * 1024 * 1024;

impl Service for Tables {
    fn call(&self, request: Request) -> BoxFuture<'_, Response> {
        Box::pin(self.serve(request))
    }
}

impl Tables {
    async fn serve(&self, request: Request) -> Response {
        let (parts, body) = request.into_parts();
        if parts.method != Method::POST {
            return not_found();
        }
        let Ok(body) = axum::body::to_bytes(body, LARGEST_BODY).await else {
            return wire::answer(StatusCode::PAYLOAD_TOO_LARGE, wire::AMZ_JSON, wire::TOO_LARGE.to_owned());
        };
        let Some(media_type) = media_type(&parts.headers) else {
            return not_found();
        };
        let bad = |body: &str| wire::answer(StatusCode::BAD_REQUEST, media_type, body.to_owned());

        let target = parts.headers.get("x-amz-target").and_then(|v| v.to_str().ok()).unwrap_or_default();
        let operation = target
            .strip_prefix("DynamoDB_20120810.")
            .or_else(|| target.strip_prefix("DynamoDBStreams_20120810."));
        let Some(operation) = operation.filter(|o| dispatch::knows(o)) else {
            return bad(wire::UNKNOWN_OPERATION);
        };
        let credentials = dynoxide::auth_material::AuthMaterial {
            authorization: parts.headers.get(header::AUTHORIZATION).and_then(|v| v.to_str().ok()),
            query: parts.uri.query().unwrap_or_default(),
            has_date_header: parts.headers.contains_key("x-amz-date")
                || parts.headers.contains_key(header::DATE),
        };
        if let Some(refusal) = dynoxide::auth_material::validate(credentials) {
            return wire::answer(StatusCode::BAD_REQUEST, media_type, refusal);
        }
        let Ok(body) = std::str::from_utf8(&body) else {
            return bad(wire::NOT_JSON);
        };
        match dispatch::dispatch(self, operation, body).await {
            Ok(answer) => wire::answer(StatusCode::OK, media_type, answer),
            Err(error) => {
                let (status, body) = wire::failure(operation, error);
                tracing::debug!(operation, %status, body, "refused");
                wire::answer(status, media_type, body)
            }
        }
    }
}

/// The answer's media type is the request's; anything but the two that DynamoDB knows is a 404 there.
fn media_type(headers: &http::HeaderMap) -> Option<&'static str> {
    let raw = headers.get(header::CONTENT_TYPE).and_then(|v| v.to_str().ok()).unwrap_or_default();
    let base = raw.split(';').next().unwrap_or_default().trim();
    if base.eq_ignore_ascii_case(wire::AMZ_JSON) {
        Some(wire::AMZ_JSON)
    } else if base.is_empty() || base.eq_ignore_ascii_case(wire::PLAIN_JSON) {
        Some(wire::PLAIN_JSON)
    } else {
        None
    }
}

fn not_found() -> Response {
    wire::answer(StatusCode::NOT_FOUND, wire::AMZ_JSON, "<UnknownOperationException/>\n".to_owned())
}
