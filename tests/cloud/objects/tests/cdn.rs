//! The CDN against an independent signer: `fixtures/cloudfront.json` is written by `fixtures/sign_cloudfront.py` with
//! botocore, and against what players do.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

mod stack;

use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::extract::ConnectInfo;
use cloud_core::{Clock, Place, State};
use cloud_objects::cdn::{Cdn, Config, Cors, Origin};
use cloud_objects::{BucketSpec, Objects};
use http::{HeaderMap, Method, StatusCode};
use http_body_util::BodyExt as _;
use serde::Deserialize;
use tower::ServiceExt as _;

#[derive(Deserialize)]
struct Fixture {
    host: String,
    keys: HashMap<String, String>,
    cases: Vec<Case>,
}

#[derive(Deserialize)]
struct Case {
    name: String,
    path: String,
    cookies: Option<String>,
    now: i64,
    source: IpAddr,
    answer: String,
}

fn fixture() -> Fixture {
    serde_json::from_str(include_str!("fixtures/cloudfront.json")).unwrap()
}

async fn objects(clock: Clock) -> Arc<Objects> {
    let destinations = Arc::new(stack::Destinations::default());
    let place = Place {
        account: "000000000000".to_owned(),
        region: "us-east-1".to_owned(),
        endpoint: "http://127.0.0.1:4566".to_owned(),
    };
    let objects = Objects::open(&State::Memory, place, clock, destinations.clone(), destinations).unwrap();
    objects.ensure_bucket("media", &BucketSpec::default()).unwrap();
    let file = std::env::temp_dir().join(format!("cloud-objects-cdn-{}", std::process::id()));
    std::fs::write(&file, b"0123456789").unwrap();
    for key in ["videos/1/0.ts", "videos/1/index.m3u8", "videos/2/0.ts", "thumbs/1.jpg", "thumbs/ü 1.jpg"] {
        objects.store_file("media", key, &file, "application/octet-stream").await.unwrap();
    }
    std::fs::remove_file(&file).unwrap();
    objects
}

fn config(keys: HashMap<String, String>) -> Config {
    Config {
        origins: vec![
            Origin { prefix: "/".to_owned(), bucket: "media".to_owned(), signed: false },
            Origin { prefix: "/videos/".to_owned(), bucket: "media".to_owned(), signed: true },
        ],
        trusted_keys: keys,
        cors: Cors::default(),
    }
}

struct Answer {
    status: StatusCode,
    headers: HeaderMap,
    body: Vec<u8>,
}

impl Answer {
    fn header(&self, name: &str) -> &str {
        self.headers.get(name).map(|v| v.to_str().unwrap()).unwrap_or_default()
    }

    /// `OK`, or the code in the XML.
    fn code(&self) -> String {
        if self.status.is_success() {
            return "OK".to_owned();
        }
        let text = String::from_utf8_lossy(&self.body).into_owned();
        let code = text.split_once("<Error><Code>").and_then(|(_, rest)| rest.split_once("</Code>"));
        code.map(|(code, _)| code.to_owned()).unwrap_or(text)
    }
}

async fn ask(cdn: &Cdn, method: Method, path: &str, source: IpAddr, headers: &[(&str, &str)]) -> Answer {
    let mut request = http::Request::builder().method(method).uri(path).body(Body::empty()).unwrap();
    request.extensions_mut().insert(ConnectInfo(SocketAddr::new(source, 50_000)));
    for (name, value) in headers {
        let name: http::HeaderName = name.parse().unwrap();
        request.headers_mut().insert(name, value.parse().unwrap());
    }
    let (parts, body) = cdn.router().oneshot(request).await.unwrap().into_parts();
    let body = body.collect().await.unwrap().to_bytes().to_vec();
    Answer { status: parts.status, headers: parts.headers, body }
}

async fn get(cdn: &Cdn, path: &str, headers: &[(&str, &str)]) -> Answer {
    ask(cdn, Method::GET, path, IpAddr::from([127, 0, 0, 1]), headers).await
}

#[tokio::test]
async fn signed_requests_are_judged_as_cloudfront_judges_them() {
    let Fixture { host, keys, cases } = fixture();
    assert!(cases.len() > 30);
    for case in cases {
        let clock = Clock::new(case.now * 1000 - Clock::default().now_ms());
        let cdn = Cdn::new(objects(clock).await, config(keys.clone())).unwrap();
        let mut headers = vec![("host", host.as_str())];
        headers.extend(case.cookies.as_deref().map(|cookies| ("cookie", cookies)));
        let answer = ask(&cdn, Method::GET, &case.path, case.source, &headers).await;
        assert_eq!(answer.code(), case.answer, "{}", case.name);
        let expected = if case.answer == "OK" { StatusCode::OK } else { StatusCode::FORBIDDEN };
        assert_eq!(answer.status, expected, "{}", case.name);
    }
}

#[tokio::test]
async fn a_signed_url_dies_when_the_clock_is_advanced_or_its_key_is_withdrawn() {
    let Fixture { host, keys, cases } = fixture();
    let case = cases.iter().find(|case| case.name == "a canned policy").unwrap();
    let clock = Clock::new(case.now * 1000 - Clock::default().now_ms());
    let cdn = Cdn::new(objects(clock.clone()).await, config(keys)).unwrap();
    let headers = [("host", host.as_str())];
    assert_eq!(get(&cdn, &case.path, &headers).await.code(), "OK");
    cdn.configure(config(HashMap::new())).unwrap();
    assert_eq!(get(&cdn, &case.path, &headers).await.code(), "InvalidKey");
    cdn.configure(config(fixture().keys)).unwrap();
    clock.advance(Duration::from_secs(1000));
    assert_eq!(get(&cdn, &case.path, &headers).await.code(), "AccessDenied");
    assert!(cdn.configure(config([("K".to_owned(), "no key".to_owned())].into())).is_err());
}

#[tokio::test]
async fn no_spelling_of_a_signed_path_gets_around_the_signature() {
    let cdn = Cdn::new(objects(Clock::default()).await, config(HashMap::new())).unwrap();
    for path in
        ["/videos/1/0.ts", "/%76ideos/1/0.ts", "/videos%2F1%2F0.ts", "//videos/1/0.ts", "/./videos/1/0.ts"]
    {
        let answer = get(&cdn, path, &[]).await;
        assert!(!answer.status.is_success(), "{path}: {}", answer.status);
    }
}

#[tokio::test]
async fn players_get_ranges_types_and_validators() {
    let cdn = Cdn::new(objects(Clock::default()).await, config(HashMap::new())).unwrap();
    let whole = get(&cdn, "/thumbs/1.jpg", &[]).await;
    assert_eq!((whole.status, whole.body.as_slice()), (StatusCode::OK, b"0123456789".as_slice()));
    assert_eq!(whole.header("content-type"), "image/jpeg");
    assert_eq!(whole.header("accept-ranges"), "bytes");
    assert_eq!(get(&cdn, "/thumbs/%C3%BC%201.jpg", &[]).await.status, StatusCode::OK);

    let part = get(&cdn, "/thumbs/1.jpg", &[("range", "bytes=2-4")]).await;
    assert_eq!((part.status, part.body.as_slice()), (StatusCode::PARTIAL_CONTENT, b"234".as_slice()));
    assert_eq!(part.header("content-range"), "bytes 2-4/10");
    assert_eq!(get(&cdn, "/thumbs/1.jpg", &[("range", "bytes=-3")]).await.body, b"789");
    let beyond = get(&cdn, "/thumbs/1.jpg", &[("range", "bytes=10-")]).await;
    assert_eq!(beyond.status, StatusCode::RANGE_NOT_SATISFIABLE);
    let changed = [("range", "bytes=2-4"), ("if-range", "\"other\"")];
    assert_eq!(get(&cdn, "/thumbs/1.jpg", &changed).await.status, StatusCode::OK);

    let etag = whole.header("etag");
    let known = get(&cdn, "/thumbs/1.jpg", &[("if-none-match", etag)]).await;
    assert_eq!((known.status, known.body.len()), (StatusCode::NOT_MODIFIED, 0));
    let since = [("if-modified-since", whole.header("last-modified"))];
    assert_eq!(get(&cdn, "/thumbs/1.jpg", &since).await.status, StatusCode::NOT_MODIFIED);

    let head = ask(&cdn, Method::HEAD, "/thumbs/1.jpg", IpAddr::from([127, 0, 0, 1]), &[]).await;
    assert_eq!((head.header("content-length"), head.body.len()), ("10", 0));
    assert_eq!(get(&cdn, "/thumbs/none.jpg", &[]).await.code(), "NoSuchKey");
    let post = ask(&cdn, Method::POST, "/thumbs/1.jpg", IpAddr::from([127, 0, 0, 1]), &[]).await;
    assert_eq!(post.status, StatusCode::METHOD_NOT_ALLOWED);
}

#[tokio::test]
async fn pages_of_allowed_origins_may_read_with_credentials_refusals_too() {
    let only = Cors { allowed_origins: vec!["http://app.test".to_owned()], ..Cors::default() };
    let cdn =
        Cdn::new(objects(Clock::default()).await, Config { cors: only, ..config(HashMap::new()) }).unwrap();
    for path in ["/thumbs/1.jpg", "/videos/1/0.ts"] {
        let answer = get(&cdn, path, &[("origin", "http://app.test")]).await;
        assert_eq!(answer.header("access-control-allow-origin"), "http://app.test");
        assert_eq!(answer.header("access-control-allow-credentials"), "true");
        assert!(answer.header("access-control-expose-headers").contains("Content-Range"));
        let answer = get(&cdn, path, &[("origin", "http://evil.test")]).await;
        assert_eq!(answer.header("access-control-allow-origin"), "");
    }
    let asking = [
        ("origin", "http://app.test"),
        ("access-control-request-method", "GET"),
        ("access-control-request-headers", "range"),
    ];
    let preflight = ask(&cdn, Method::OPTIONS, "/videos/1/0.ts", IpAddr::from([127, 0, 0, 1]), &asking).await;
    assert!(preflight.status.is_success());
    assert_eq!(preflight.header("access-control-allow-headers"), "range");
}
