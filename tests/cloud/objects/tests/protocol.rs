//! S3 as the real SDK sees it.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

mod stack;

use std::time::{Duration, SystemTime};

use aws_sdk_s3::error::ProvideErrorMetadata as _;
use aws_sdk_s3::presigning::PresigningConfig;
use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_s3::types::{ChecksumAlgorithm, ChecksumMode, CompletedMultipartUpload, CompletedPart};
use cloud_objects::{BucketSpec, CorsRule};
use stack::{Stack, client, http};

const MIB: usize = 1 << 20;

fn presigning(stack: &Stack, seconds: u64) -> PresigningConfig {
    let now = SystemTime::UNIX_EPOCH + Duration::from_millis(u64::try_from(stack.clock.now_ms()).unwrap());
    PresigningConfig::builder().start_time(now).expires_in(Duration::from_secs(seconds)).build().unwrap()
}

async fn with_bucket() -> Stack {
    let stack = Stack::start().await;
    stack.objects.ensure_bucket("bucket", &BucketSpec::default()).unwrap();
    stack
}

#[tokio::test]
async fn what_is_put_is_what_is_got_with_its_headers_and_checksum() {
    let stack = with_bucket().await;
    let body: Vec<u8> = (0..1_000_000_u32).map(|n| u8::try_from(n % 251).unwrap()).collect();
    let key = "a/ü b+c.bin";
    let put = stack.s3.put_object().bucket("bucket").key(key).body(body.clone().into());
    let put =
        put.content_type("video/mp4").metadata("owner", "u1").checksum_algorithm(ChecksumAlgorithm::Sha256);
    put.send().await.unwrap();

    let get = || stack.s3.get_object().bucket("bucket").key(key);
    let got = get().checksum_mode(ChecksumMode::Enabled).send().await.unwrap();
    assert_eq!(got.content_type(), Some("video/mp4"));
    assert_eq!(got.metadata().unwrap().get("owner").map(String::as_str), Some("u1"));
    assert!(got.checksum_sha256().is_some());
    // The SDK verifies the checksum while it reads.
    assert_eq!(got.body.collect().await.unwrap().to_vec(), body);
    let part = get().range("bytes=999990-").send().await.unwrap();
    assert_eq!(part.content_range(), Some("bytes 999990-999999/1000000"));
    assert_eq!(part.body.collect().await.unwrap().to_vec(), body[999_990..]);
}

#[tokio::test]
async fn a_body_that_does_not_match_its_digest_stores_nothing() {
    let stack = with_bucket().await;
    let put = stack.s3.put_object().bucket("bucket").key("k").body(ByteStream::from_static(b"hello"));
    let wrong = put.content_md5("XUFAKrxLKna5cZ2REBfFkQ==").send().await.unwrap_err();
    assert_eq!(wrong.code(), Some("BadDigest"));
    assert!(stack.objects.file("bucket", "k").unwrap().is_none());
}

#[tokio::test]
async fn strangers_wrong_secrets_and_the_anonymous_are_refused() {
    let stack = with_bucket().await;
    let wrong = client(&stack.endpoint, "test", "wrong").list_buckets().send().await.unwrap_err();
    assert_eq!(wrong.code(), Some("SignatureDoesNotMatch"));
    let stranger = client(&stack.endpoint, "stranger", "test").list_buckets().send().await.unwrap_err();
    assert_eq!(stranger.code(), Some("InvalidAccessKeyId"));
    let (status, _, body) = http("GET", &format!("{}/bucket/k", stack.endpoint), &[], b"").await;
    assert_eq!(status, 403, "{}", String::from_utf8_lossy(&body));
    let (status, _, _) = http("PUT", &format!("{}/bucket/k", stack.endpoint), &[], b"x").await;
    assert_eq!(status, 403);

    stack.objects.set_credentials([("other".to_owned(), "secret".to_owned())].into());
    client(&stack.endpoint, "other", "secret").list_buckets().send().await.unwrap();
    assert!(stack.s3.list_buckets().send().await.is_err());
}

#[tokio::test]
async fn presigned_urls_live_as_long_as_the_clock_lets_them() {
    let stack = with_bucket().await;
    // The clock runs ahead of the machine, and URLs are made and judged by it.
    stack.clock.advance(Duration::from_hours(72));
    let put =
        stack.s3.put_object().bucket("bucket").key("k").presigned(presigning(&stack, 3600)).await.unwrap();
    let (status, head, body) = http("PUT", put.uri(), &[], b"hello").await;
    assert_eq!(status, 200, "{}", String::from_utf8_lossy(&body));
    assert!(head.contains("etag: \"5d41402abc4b2a76b9719d911017c592\""), "{head}");

    let get =
        stack.s3.get_object().bucket("bucket").key("k").presigned(presigning(&stack, 3600)).await.unwrap();
    assert_eq!(http("GET", get.uri(), &[], b"").await.2, b"hello");
    let other = get.uri().replace("/bucket/k", "/bucket/other");
    assert_eq!(http("GET", &other, &[], b"").await.0, 403, "a signature is for one key");
    assert_eq!(http("DELETE", get.uri(), &[], b"").await.0, 403, "and for one method");

    stack.clock.advance(Duration::from_secs(3601));
    let (status, _, body) = http("GET", get.uri(), &[], b"").await;
    assert_eq!(status, 403);
    assert!(String::from_utf8(body).unwrap().contains("Request has expired"));
    // The SDK still dates its own requests by the machine, and gets in.
    stack.s3.head_object().bucket("bucket").key("k").send().await.unwrap();
}

#[tokio::test]
async fn parts_become_one_object_in_order_with_a_checksum_over_the_parts() {
    let stack = with_bucket().await;
    let upload = stack.s3.create_multipart_upload().bucket("bucket").key("k");
    let upload =
        upload.checksum_algorithm(ChecksumAlgorithm::Crc32).content_type("video/mp4").send().await.unwrap();
    let id = upload.upload_id().unwrap();
    let blobs = [vec![1_u8; 5 * MIB], vec![2_u8; 5 * MIB + 7], vec![3_u8; 10]];
    let mut done = Vec::new();
    for number in [3_i32, 1, 2] {
        let body = blobs[usize::try_from(number).unwrap() - 1].clone();
        let part = stack.s3.upload_part().bucket("bucket").key("k").upload_id(id).part_number(number);
        let part = part.checksum_algorithm(ChecksumAlgorithm::Crc32).body(body.into()).send().await.unwrap();
        let part = CompletedPart::builder()
            .part_number(number)
            .set_e_tag(part.e_tag)
            .set_checksum_crc32(part.checksum_crc32);
        done.push(part.build());
    }
    let complete = |parts: Vec<CompletedPart>| {
        let parts = CompletedMultipartUpload::builder().set_parts(Some(parts)).build();
        stack
            .s3
            .complete_multipart_upload()
            .bucket("bucket")
            .key("k")
            .upload_id(id)
            .multipart_upload(parts)
            .send()
    };
    assert_eq!(complete(done.clone()).await.unwrap_err().code(), Some("InvalidPartOrder"));
    done.sort_by_key(CompletedPart::part_number);
    let completed = complete(done.clone()).await.unwrap();
    assert!(completed.e_tag().unwrap().ends_with("-3\""));
    assert!(completed.checksum_crc32().unwrap().ends_with("-3"));
    assert_eq!(complete(done).await.unwrap_err().code(), Some("NoSuchUpload"));

    let got = stack.s3.get_object().bucket("bucket").key("k").send().await.unwrap();
    assert_eq!(got.content_type(), Some("video/mp4"));
    assert_eq!(got.body.collect().await.unwrap().to_vec(), blobs.concat());
    let second = stack.s3.get_object().bucket("bucket").key("k").part_number(2).send().await.unwrap();
    assert_eq!(second.parts_count(), Some(3));
    assert_eq!(second.body.collect().await.unwrap().to_vec(), blobs[1]);
}

#[tokio::test]
async fn of_sixteen_writers_that_each_want_to_be_first_one_is() {
    let stack = with_bucket().await;
    let writers = (0..16).map(|n| {
        let put = stack.s3.put_object().bucket("bucket").key("k").if_none_match("*");
        put.body(ByteStream::from(vec![n; 1000])).send()
    });
    let results = futures::future::join_all(writers).await;
    let refused: Vec<_> = results.iter().filter_map(|r| r.as_ref().err().map(|e| e.code())).collect();
    assert_eq!(refused, vec![Some("PreconditionFailed"); 15]);
}

#[tokio::test]
async fn deleting_with_versioning_hides_and_deleting_the_marker_brings_back() {
    let stack = Stack::start().await;
    stack.objects.ensure_bucket("bucket", &BucketSpec { versioning: true, ..BucketSpec::default() }).unwrap();
    let put = |body: &'static [u8]| {
        stack.s3.put_object().bucket("bucket").key("k").body(ByteStream::from_static(body)).send()
    };
    let first = put(b"1").await.unwrap().version_id.unwrap();
    put(b"2").await.unwrap();
    let marker = stack.s3.delete_object().bucket("bucket").key("k").send().await.unwrap();
    assert_eq!(marker.delete_marker(), Some(true));
    assert!(stack.objects.file("bucket", "k").unwrap().is_none());
    let old = stack.s3.get_object().bucket("bucket").key("k").version_id(&first).send().await.unwrap();
    assert_eq!(old.body.collect().await.unwrap().to_vec(), b"1");

    let undo = stack.s3.delete_object().bucket("bucket").key("k").version_id(marker.version_id().unwrap());
    undo.send().await.unwrap();
    let back = stack.s3.get_object().bucket("bucket").key("k").send().await.unwrap();
    assert_eq!(back.body.collect().await.unwrap().to_vec(), b"2");
}

#[tokio::test]
async fn cross_origin_answers_follow_the_buckets_rules_even_on_errors() {
    let stack = Stack::start().await;
    let rule = CorsRule {
        allowed_origins: vec!["http://app.test".to_owned()],
        allowed_methods: vec!["GET".to_owned(), "PUT".to_owned()],
        allowed_headers: vec!["*".to_owned()],
        expose_headers: vec!["ETag".to_owned()],
        max_age_seconds: Some(60),
    };
    let spec = BucketSpec { cors: vec![rule], ..BucketSpec::default() };
    stack.objects.ensure_bucket("bucket", &spec).unwrap();
    let url = format!("{}/bucket/k", stack.endpoint);
    let (status, head, _) = http("GET", &url, &[("Origin", "http://app.test")], b"").await;
    assert_eq!(status, 403);
    assert!(head.contains("access-control-allow-origin: http://app.test"), "{head}");
    let (_, head, _) = http("GET", &url, &[("Origin", "http://evil.test")], b"").await;
    assert!(!head.contains("access-control-allow-origin"), "{head}");
    let asking = [("Origin", "http://app.test"), ("Access-Control-Request-Method", "PUT")];
    assert_eq!(http("OPTIONS", &url, &asking, b"").await.0, 200);
}
