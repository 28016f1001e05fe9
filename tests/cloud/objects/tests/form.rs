//! Uploads from browser forms: signature, expiry by the clock, conditions and size.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

mod stack;

use std::fmt::Write as _;
use std::time::Duration;

use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use cloud_core::Clock;
use cloud_objects::BucketSpec;
use serde_json::{Value, json};
use stack::{Stack, http};

/// Fields of a form that may upload 1 to 1000 bytes to `up/` for ten minutes of the clock.
fn form(clock: &Clock, secret: &str, more: &[Value]) -> Vec<(String, String)> {
    let now = jiff::Timestamp::from_millisecond(clock.now_ms()).unwrap();
    let (day, date) = (now.strftime("%Y%m%d").to_string(), now.strftime("%Y%m%dT%H%M%SZ").to_string());
    let credential = format!("test/{day}/us-east-1/s3/aws4_request");
    let mut conditions = vec![
        json!({"bucket": "bucket"}),
        json!(["starts-with", "$key", "up/"]),
        json!(["content-length-range", 1, 1000]),
        json!({"x-amz-algorithm": "AWS4-HMAC-SHA256"}),
        json!({"x-amz-credential": credential}),
        json!({"x-amz-date": date}),
    ];
    conditions.extend_from_slice(more);
    let expiration = (now + Duration::from_mins(10)).to_string();
    let policy = STANDARD.encode(json!({"expiration": expiration, "conditions": conditions}).to_string());
    let mut key = format!("AWS4{secret}").into_bytes();
    for step in [day.as_str(), "us-east-1", "s3", "aws4_request", policy.as_str()] {
        key = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, &key), step.as_bytes()).as_ref().to_vec();
    }
    let fields = [
        ("key", "up/${filename}"),
        ("x-amz-algorithm", "AWS4-HMAC-SHA256"),
        ("x-amz-credential", &credential),
        ("x-amz-date", &date),
        ("policy", &policy),
        ("x-amz-signature", &hex::encode(key)),
    ];
    fields.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec()
}

async fn upload(stack: &Stack, fields: &[(String, String)], bytes: usize) -> (u16, String) {
    let mut body = String::new();
    for (name, value) in fields {
        write!(body, "--b\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n").unwrap();
    }
    let file = "x".repeat(bytes);
    write!(
        body,
        "--b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.png\"\r\n\r\n{file}\r\n--b--\r\n"
    )
    .unwrap();
    let headers = [("Content-Type", "multipart/form-data; boundary=b")];
    let (status, _, answer) =
        http("POST", &format!("{}/bucket", stack.endpoint), &headers, body.as_bytes()).await;
    (status, String::from_utf8(answer).unwrap())
}

async fn with_bucket() -> Stack {
    let stack = Stack::start().await;
    stack.objects.ensure_bucket("bucket", &BucketSpec::default()).unwrap();
    stack
}

#[tokio::test]
async fn a_form_uploads_what_its_policy_allows_under_the_files_name() {
    let stack = with_bucket().await;
    let mut fields = form(&stack.clock, "test", &[json!({"x-amz-meta-owner": "u1"})]);
    fields.insert(0, ("x-amz-meta-owner".to_owned(), "u1".to_owned()));
    assert_eq!(upload(&stack, &fields, 1000).await.0, 204);
    let file = stack.objects.file("bucket", "up/a.png").unwrap().unwrap();
    assert_eq!(file.size, 1000);
    assert_eq!(file.metadata.get("owner").map(String::as_str), Some("u1"));
}

#[tokio::test]
async fn too_much_too_little_elsewhere_or_unsigned_is_refused_and_stores_nothing() {
    let stack = with_bucket().await;
    let fields = form(&stack.clock, "test", &[]);
    let with = |name: &str, value: &str| {
        let mut changed = fields.clone();
        changed.retain(|(n, _)| n != name);
        changed.insert(0, (name.to_owned(), value.to_owned()));
        changed
    };
    let mut unsigned = fields.clone();
    unsigned.retain(|(name, _)| name == "key");
    let cases = [
        (fields.clone(), 1001, 400, "EntityTooLarge"),
        (fields.clone(), 0, 400, "EntityTooSmall"),
        (with("key", "down/a.png"), 10, 403, "AccessDenied"),
        (with("content-type", "text/html"), 10, 403, "AccessDenied"),
        (with("x-amz-signature", &"0".repeat(64)), 10, 403, "SignatureDoesNotMatch"),
        (form(&stack.clock, "wrong", &[]), 10, 403, "SignatureDoesNotMatch"),
        (unsigned, 10, 403, "AccessDenied"),
    ];
    for (fields, bytes, status, code) in cases {
        let answer = upload(&stack, &fields, bytes).await;
        assert_eq!(answer.0, status, "{code}: {}", answer.1);
        assert!(answer.1.contains(code), "{code}: {}", answer.1);
    }
    assert!(stack.objects.list("bucket", "").unwrap().is_empty());
}

#[tokio::test]
async fn a_form_expires_by_the_clock() {
    let stack = with_bucket().await;
    stack.clock.advance(Duration::from_hours(48));
    let fields = form(&stack.clock, "test", &[]);
    assert_eq!(upload(&stack, &fields, 10).await.0, 204);
    stack.clock.advance(Duration::from_mins(10));
    let (status, answer) = upload(&stack, &fields, 10).await;
    assert_eq!(status, 403);
    assert!(answer.contains("Policy expired"), "{answer}");
}
