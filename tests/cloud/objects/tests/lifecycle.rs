//! Lifecycle rules take effect by the clock.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

mod stack;

use std::time::Duration;

use aws_sdk_s3::primitives::ByteStream;
use cloud_objects::{BucketSpec, Expiry, QueueNotification};
use stack::Stack;

const DAY: Duration = Duration::from_hours(24);
const HOUR: Duration = Duration::from_hours(1);
const MINUTE: Duration = Duration::from_mins(1);

async fn put(stack: &Stack, key: &str) {
    stack.s3.put_object().bucket("bucket").key(key).body(ByteStream::from_static(b"x")).send().await.unwrap();
}

/// Until the listing has this many objects.
async fn until_listed(stack: &Stack, prefix: &str, count: usize) {
    for _ in 0..300 {
        if stack.objects.list("bucket", prefix).unwrap().len() == count {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("{:?}", stack.objects.list("bucket", prefix).unwrap());
}

#[tokio::test]
async fn objects_under_the_prefix_go_after_their_days_and_the_queue_hears_of_it() {
    let stack = Stack::start().await;
    let spec = BucketSpec {
        lifecycle: vec![Expiry { prefix: "tmp/".to_owned(), expire_days: Some(1), ..Expiry::default() }],
        queues: vec![QueueNotification {
            arn: "arn:aws:sqs:us-east-1:000000000000:q".to_owned(),
            events: vec!["s3:LifecycleExpiration:*".to_owned()],
            ..QueueNotification::default()
        }],
        ..BucketSpec::default()
    };
    stack.objects.ensure_bucket("bucket", &spec).unwrap();
    put(&stack, "tmp/a").await;
    put(&stack, "kept/a").await;
    stack.clock.advance(23 * HOUR);
    tokio::time::sleep(Duration::from_millis(100)).await;
    until_listed(&stack, "", 2).await;
    stack.clock.advance(HOUR + MINUTE);
    until_listed(&stack, "tmp/", 0).await;
    until_listed(&stack, "kept/", 1).await;
    stack.settle().await;
    assert_eq!(stack.destinations.records(), [("LifecycleExpiration:Delete".to_owned(), "tmp/a".to_owned())]);
}

#[tokio::test]
async fn an_upload_that_nobody_finished_goes_with_its_parts() {
    let stack = Stack::start().await;
    let spec = BucketSpec {
        lifecycle: vec![Expiry { abort_multipart_days: Some(1), ..Expiry::default() }],
        ..BucketSpec::default()
    };
    stack.objects.ensure_bucket("bucket", &spec).unwrap();
    let upload = stack.s3.create_multipart_upload().bucket("bucket").key("k").send().await.unwrap();
    let id = upload.upload_id().unwrap();
    let part = || {
        let part = stack.s3.upload_part().bucket("bucket").key("k").upload_id(id).part_number(1);
        part.body(ByteStream::from_static(b"x")).send()
    };
    part().await.unwrap();
    stack.clock.advance(DAY + MINUTE);
    for _ in 0..300 {
        let uploads = stack.s3.list_multipart_uploads().bucket("bucket").send().await.unwrap();
        if uploads.uploads().is_empty() {
            assert!(part().await.is_err(), "an aborted upload takes no parts");
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("the upload is still there");
}

#[tokio::test]
async fn with_versioning_expiry_hides_and_old_versions_go_later() {
    let stack = Stack::start().await;
    let spec = BucketSpec {
        versioning: true,
        lifecycle: vec![Expiry { expire_days: Some(10), noncurrent_days: Some(90), ..Expiry::default() }],
        ..BucketSpec::default()
    };
    stack.objects.ensure_bucket("bucket", &spec).unwrap();
    put(&stack, "k").await;
    let versions = || async {
        let listed = stack.s3.list_object_versions().bucket("bucket").send().await.unwrap();
        (listed.versions().len(), listed.delete_markers().len())
    };
    stack.clock.advance(11 * DAY);
    until_listed(&stack, "", 0).await;
    assert_eq!(versions().await, (1, 1));
    stack.clock.advance(91 * DAY);
    for _ in 0..300 {
        if versions().await == (0, 1) {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("{:?}", versions().await);
}
