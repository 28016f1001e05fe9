//! One object over HTTP: whole, in part, or not at all because the reader has it.

use axum::body::Body;
use cloud_core::{Millis, Response};
use http::header::{
    ACCEPT_RANGES, CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_RANGE,
    CONTENT_TYPE, ETAG, HeaderName, IF_MODIFIED_SINCE, IF_NONE_MATCH, IF_RANGE, LAST_MODIFIED, RANGE,
};
use http::request::Parts;
use http::{HeaderMap, HeaderValue, Method, StatusCode};
use s3s::dto::Range;

use super::refusal::Refusal;
use crate::Objects;
use crate::object::{DEFAULT_CONTENT_TYPE, StoredObject};

/// The date format of HTTP.
const HTTP_DATE: &str = "%a, %d %b %Y %H:%M:%S GMT";

/// Answers GET and HEAD for one key.
pub(super) async fn deliver(
    objects: &Objects,
    bucket: &str,
    key: &str,
    parts: &Parts,
) -> Result<Response, Refusal> {
    let found = objects.open_file(bucket, key).await.map_err(|error| {
        tracing::error!(%error, bucket, key, "the CDN cannot read an object");
        Refusal::Internal
    })?;
    let (object, file) = found.ok_or(Refusal::NoSuchKey)?;
    let mut response = http::Response::new(Body::empty());
    describe(&object, key, response.headers_mut());
    if is_known(&object, &parts.headers) {
        *response.status_mut() = StatusCode::NOT_MODIFIED;
        return Ok(response);
    }
    let bytes = match asked_range(&object, &parts.headers) {
        None => 0..object.size,
        Some(range) => {
            let Ok(bytes) = range.check(object.size) else {
                *response.status_mut() = StatusCode::RANGE_NOT_SATISFIABLE;
                put(response.headers_mut(), CONTENT_RANGE, &format!("bytes */{}", object.size));
                return Ok(response);
            };
            *response.status_mut() = StatusCode::PARTIAL_CONTENT;
            let last = bytes.end.saturating_sub(1);
            let shown = format!("bytes {}-{last}/{}", bytes.start, object.size);
            put(response.headers_mut(), CONTENT_RANGE, &shown);
            bytes
        }
    };
    let length = bytes.end - bytes.start;
    response.headers_mut().insert(CONTENT_LENGTH, HeaderValue::from(length));
    if parts.method == Method::GET {
        let stream = crate::blobs::read(file, bytes.start, length).await.map_err(|_| Refusal::Internal)?;
        *response.body_mut() = Body::from_stream(stream);
    }
    Ok(response)
}

fn describe(object: &StoredObject, key: &str, headers: &mut HeaderMap) {
    headers.insert(ACCEPT_RANGES, HeaderValue::from_static("bytes"));
    put(headers, CONTENT_TYPE, content_type(object, key));
    put(headers, ETAG, &format!("\"{}\"", object.etag));
    put(headers, LAST_MODIFIED, &http_date(object.last_modified));
    let kept = [
        (CACHE_CONTROL, &object.cache_control),
        (CONTENT_DISPOSITION, &object.content_disposition),
        (CONTENT_ENCODING, &object.content_encoding),
    ];
    for (name, value) in kept {
        if let Some(value) = value {
            put(headers, name, value);
        }
    }
    // Nothing is cached here: every request is a miss.
    headers.insert("x-cache", HeaderValue::from_static("Miss from cloudfront"));
}

/// As stored; for an object that was stored without one, what players need to see for its name.
fn content_type<'a>(object: &'a StoredObject, key: &str) -> &'a str {
    if object.content_type != DEFAULT_CONTENT_TYPE && object.content_type != "application/octet-stream" {
        return &object.content_type;
    }
    match key.rsplit_once('.').map(|(_, extension)| extension.to_ascii_lowercase()).as_deref() {
        Some("m3u8") => "application/vnd.apple.mpegurl",
        Some("ts") => "video/mp2t",
        Some("mp4" | "m4v" | "m4s" | "cmfv") => "video/mp4",
        Some("m4a" | "cmfa") => "audio/mp4",
        Some("aac") => "audio/aac",
        Some("vtt") => "text/vtt",
        Some("jpg" | "jpeg") => "image/jpeg",
        Some("png") => "image/png",
        Some("webp") => "image/webp",
        Some("json") => "application/json",
        _ => &object.content_type,
    }
}

/// `If-None-Match`, or without it `If-Modified-Since`.
fn is_known(object: &StoredObject, headers: &HeaderMap) -> bool {
    if let Some(tags) = text(headers, IF_NONE_MATCH) {
        return tags
            .split(',')
            .map(str::trim)
            .any(|tag| tag == "*" || tag.strip_prefix("W/").unwrap_or(tag).trim_matches('"') == object.etag);
    }
    text(headers, IF_MODIFIED_SINCE)
        .and_then(seconds)
        .is_some_and(|since| object.last_modified.div_euclid(1000) <= since)
}

/// One range. Several, or nonsense, mean the whole object, which a server may always send.
fn asked_range(object: &StoredObject, headers: &HeaderMap) -> Option<Range> {
    let range = Range::parse(text(headers, RANGE)?).ok()?;
    let unchanged = match text(headers, IF_RANGE) {
        None => true,
        Some(tag) if tag.starts_with('"') => tag.trim_matches('"') == object.etag,
        Some(date) => seconds(date) == Some(object.last_modified.div_euclid(1000)),
    };
    unchanged.then_some(range)
}

fn text(headers: &HeaderMap, name: HeaderName) -> Option<&str> {
    headers.get(name)?.to_str().ok()
}

fn put(headers: &mut HeaderMap, name: HeaderName, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        headers.insert(name, value);
    }
}

fn http_date(at: Millis) -> String {
    jiff::Timestamp::from_millisecond(at).map(|t| t.strftime(HTTP_DATE).to_string()).unwrap_or_default()
}

fn seconds(date: &str) -> Option<i64> {
    let date = jiff::civil::DateTime::strptime(HTTP_DATE, date).ok()?;
    Some(date.to_zoned(jiff::tz::TimeZone::UTC).ok()?.timestamp().as_second())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn http_dates_survive_the_round_trip() {
        assert_eq!(http_date(1_445_412_480_000), "Wed, 21 Oct 2015 07:28:00 GMT");
        assert_eq!(seconds("Wed, 21 Oct 2015 07:28:00 GMT"), Some(1_445_412_480));
    }
}
