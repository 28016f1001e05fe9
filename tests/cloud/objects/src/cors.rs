//! Cross-origin requests to buckets, by the rules of the bucket.
//!
//! <https://docs.aws.amazon.com/AmazonS3/latest/userguide/cors.html>

use axum::body::Body;
use cloud_core::Response;
use http::header::{
    ACCESS_CONTROL_ALLOW_CREDENTIALS, ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS,
    ACCESS_CONTROL_ALLOW_ORIGIN, ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE,
    ACCESS_CONTROL_REQUEST_HEADERS, ACCESS_CONTROL_REQUEST_METHOD, CONTENT_TYPE, HeaderName, ORIGIN, VARY,
};
use http::request::Parts;
use http::{HeaderMap, HeaderValue, StatusCode};
use s3s::dto::{CORSConfiguration, CORSRule};

/// What a browser is told about an actual request.
pub(crate) fn allow(cors: &CORSConfiguration, origin: &str, method: &str) -> Option<HeaderMap> {
    let (rule, allowed) = first(cors, origin, method)?;
    Some(headers_of(rule, allowed, origin))
}

/// The answer to a preflight: the first rule that allows origin, method and every header.
pub(crate) fn preflight(parts: &Parts, cors: Option<&CORSConfiguration>) -> Response {
    let header = |name: HeaderName| parts.headers.get(name).and_then(|v| v.to_str().ok());
    let Some((origin, method)) = header(ORIGIN).zip(header(ACCESS_CONTROL_REQUEST_METHOD)) else {
        return refuse(
            StatusCode::BAD_REQUEST,
            "BadRequest",
            "Insufficient information. Origin request header needed.",
        );
    };
    let Some(cors) = cors else {
        return refuse(
            StatusCode::FORBIDDEN,
            "AccessForbidden",
            "CORSResponse: CORS is not enabled for this bucket.",
        );
    };
    let asked: Vec<&str> = header(ACCESS_CONTROL_REQUEST_HEADERS)
        .map(|names| names.split(',').map(str::trim).filter(|n| !n.is_empty()).collect())
        .unwrap_or_default();
    let rule = cors.cors_rules.iter().find_map(|rule| {
        let allowed = origin_of(rule, origin)?;
        let names = rule.allowed_headers.as_deref().unwrap_or_default();
        let headers = asked.iter().all(|name| names.iter().any(|n| matches_ignoring_case(n, name)));
        (headers && rule.allowed_methods.iter().any(|m| m == method)).then_some((rule, allowed))
    });
    let Some((rule, allowed)) = rule else {
        return refuse(
            StatusCode::FORBIDDEN,
            "AccessForbidden",
            "CORSResponse: This CORS request is not allowed.",
        );
    };
    let mut response = http::Response::new(Body::empty());
    *response.headers_mut() = headers_of(rule, allowed, origin);
    if !asked.is_empty() {
        put(response.headers_mut(), ACCESS_CONTROL_ALLOW_HEADERS, &asked.join(", ").to_ascii_lowercase());
    }
    response
}

fn first<'a>(cors: &'a CORSConfiguration, origin: &str, method: &str) -> Option<(&'a CORSRule, &'a str)> {
    cors.cors_rules.iter().find_map(|rule| {
        let allowed = origin_of(rule, origin)?;
        rule.allowed_methods.iter().any(|m| m == method).then_some((rule, allowed))
    })
}

fn origin_of<'a>(rule: &'a CORSRule, origin: &str) -> Option<&'a str> {
    rule.allowed_origins.iter().find(|allowed| matches(allowed, origin)).map(String::as_str)
}

fn headers_of(rule: &CORSRule, allowed: &str, origin: &str) -> HeaderMap {
    let mut headers = HeaderMap::new();
    // A rule for everyone says `*`, without credentials; any other names the origin.
    if allowed == "*" {
        put(&mut headers, ACCESS_CONTROL_ALLOW_ORIGIN, "*");
    } else {
        put(&mut headers, ACCESS_CONTROL_ALLOW_ORIGIN, origin);
        put(&mut headers, ACCESS_CONTROL_ALLOW_CREDENTIALS, "true");
    }
    put(&mut headers, ACCESS_CONTROL_ALLOW_METHODS, &rule.allowed_methods.join(", "));
    if let Some(names) = rule.expose_headers.as_ref().filter(|names| !names.is_empty()) {
        put(&mut headers, ACCESS_CONTROL_EXPOSE_HEADERS, &names.join(", "));
    }
    if let Some(seconds) = rule.max_age_seconds {
        headers.insert(ACCESS_CONTROL_MAX_AGE, HeaderValue::from(seconds));
    }
    headers.insert(
        VARY,
        HeaderValue::from_static("Origin, Access-Control-Request-Headers, Access-Control-Request-Method"),
    );
    headers
}

/// At most one `*`, which stands for anything.
fn matches(pattern: &str, text: &str) -> bool {
    match pattern.split_once('*') {
        None => pattern == text,
        Some((start, end)) => {
            text.len() >= start.len() + end.len() && text.starts_with(start) && text.ends_with(end)
        }
    }
}

fn matches_ignoring_case(pattern: &str, name: &str) -> bool {
    matches(&pattern.to_ascii_lowercase(), &name.to_ascii_lowercase())
}

fn put(headers: &mut HeaderMap, name: HeaderName, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        headers.insert(name, value);
    }
}

fn refuse(status: StatusCode, code: &str, message: &str) -> Response {
    let body = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error><Code>{code}</Code><Message>{message}</Message></Error>"
    );
    let mut response = http::Response::new(Body::from(body));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/xml"));
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rules() -> CORSConfiguration {
        CORSConfiguration {
            cors_rules: vec![CORSRule {
                allowed_headers: Some(vec!["content-*".to_owned()]),
                allowed_methods: vec!["PUT".to_owned()],
                allowed_origins: vec!["https://*.example.com".to_owned()],
                expose_headers: Some(vec!["ETag".to_owned()]),
                id: None,
                max_age_seconds: Some(60),
            }],
        }
    }

    fn asking(origin: &str, method: &str, headers: &str) -> StatusCode {
        let request = http::Request::options("/b/k")
            .header(ORIGIN, origin)
            .header(ACCESS_CONTROL_REQUEST_METHOD, method)
            .header(ACCESS_CONTROL_REQUEST_HEADERS, headers)
            .body(())
            .unwrap();
        preflight(&request.into_parts().0, Some(&rules())).status()
    }

    #[test]
    fn a_preflight_needs_origin_method_and_every_header_allowed_by_one_rule() {
        assert_eq!(asking("https://app.example.com", "PUT", "Content-Type"), StatusCode::OK);
        assert_eq!(asking("https://app.example.org", "PUT", "Content-Type"), StatusCode::FORBIDDEN);
        assert_eq!(asking("https://app.example.com", "DELETE", "Content-Type"), StatusCode::FORBIDDEN);
        assert_eq!(asking("https://app.example.com", "PUT", "content-type, x-other"), StatusCode::FORBIDDEN);
    }

    #[test]
    fn the_answer_names_the_origin_and_never_another() {
        let headers = allow(&rules(), "https://a.example.com", "PUT").unwrap();
        assert_eq!(headers.get(ACCESS_CONTROL_ALLOW_ORIGIN).unwrap(), "https://a.example.com");
        assert_eq!(headers.get(ACCESS_CONTROL_EXPOSE_HEADERS).unwrap(), "ETag");
        assert!(allow(&rules(), "https://evil.test", "PUT").is_none());
        assert!(allow(&rules(), "https://a.example.com", "GET").is_none());
    }
}
