//! Every object is announced, once it exists and until somebody takes the announcement.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

mod stack;

use std::sync::atomic::Ordering;
use std::time::Duration;

use aws_sdk_s3::primitives::ByteStream;
use cloud_core::State;
use cloud_objects::{BucketSpec, QueueNotification};
use stack::Stack;

fn watched() -> BucketSpec {
    BucketSpec {
        queues: vec![QueueNotification {
            arn: "arn:aws:sqs:us-east-1:000000000000:ingest".to_owned(),
            events: vec!["s3:ObjectCreated:*".to_owned(), "s3:ObjectRemoved:*".to_owned()],
            prefix: Some("in/".to_owned()),
            suffix: Some(".mp4".to_owned()),
        }],
        eventbridge: true,
        ..BucketSpec::default()
    }
}

async fn put(stack: &Stack, key: &str) {
    let put = stack.s3.put_object().bucket("bucket").key(key).body(ByteStream::from_static(b"abc"));
    put.send().await.unwrap();
}

#[tokio::test]
async fn a_queue_hears_of_the_keys_it_asked_for_and_the_bus_of_all() {
    let stack = Stack::start().await;
    stack.objects.ensure_bucket("bucket", &watched()).unwrap();
    for key in ["in/v 1.mp4", "in/v.txt", "out/v.mp4"] {
        put(&stack, key).await;
    }
    stack.s3.delete_object().bucket("bucket").key("in/v 1.mp4").send().await.unwrap();
    stack.s3.delete_object().bucket("bucket").key("in/never.mp4").send().await.unwrap();
    stack.settle().await;

    let mut records = stack.destinations.records();
    records.sort();
    let expected = [("ObjectCreated:Put", "in/v+1.mp4"), ("ObjectRemoved:Delete", "in/v+1.mp4")];
    assert_eq!(records, expected.map(|(e, k)| (e.to_owned(), k.to_owned())));
    let events = stack.destinations.events.lock().unwrap();
    let created: Vec<_> = events.iter().filter(|e| e.detail_type == "Object Created").collect();
    assert_eq!(created.len(), 3);
    assert_eq!(created[0].source, "aws.s3");
    assert_eq!(created[0].detail.pointer("/bucket/name").unwrap(), "bucket");
    assert_eq!(created[0].detail.pointer("/object/size").unwrap(), 3);
    let keys: Vec<_> = created.iter().map(|e| e.detail.pointer("/object/key").unwrap()).collect();
    assert!(keys.iter().any(|key| *key == "in/v 1.mp4"), "the bus gets keys as they are: {keys:?}");
    assert_eq!(events.iter().filter(|e| e.detail_type == "Object Deleted").count(), 1);
}

#[tokio::test]
async fn what_nobody_accepts_waits_and_arrives_when_somebody_does() {
    let stack = Stack::start().await;
    stack.objects.ensure_bucket("bucket", &watched()).unwrap();
    stack.destinations.refusing.store(true, Ordering::SeqCst);
    put(&stack, "in/v.mp4").await;
    while stack.destinations.attempts.load(Ordering::SeqCst) < 4 {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert_eq!(stack.objects.pending().unwrap(), 2);
    stack.destinations.refusing.store(false, Ordering::SeqCst);
    stack.clock.advance(Duration::from_mins(1));
    stack.settle().await;
    assert_eq!(stack.destinations.records().len(), 1);
    assert_eq!(stack.destinations.events.lock().unwrap().len(), 1);
}

#[tokio::test]
async fn objects_and_what_is_still_to_be_announced_survive_the_process() {
    let folder = Folder::new("survive");
    let state = State::Dir(folder.0.clone());
    {
        let stack = Stack::open(&state).await;
        stack.objects.ensure_bucket("bucket", &watched()).unwrap();
        stack.destinations.refusing.store(true, Ordering::SeqCst);
        put(&stack, "in/v.mp4").await;
        // Dropped as it is, as kill -9 would leave it.
    }
    let stack = Stack::open(&state).await;
    stack.settle().await;
    assert_eq!(stack.destinations.records().len(), 1);
    let file = stack.objects.file("bucket", "in/v.mp4").unwrap().unwrap();
    assert_eq!(std::fs::read(file.path).unwrap(), b"abc");
}

#[tokio::test]
async fn bytes_that_no_object_names_are_gone_after_a_start() {
    let folder = Folder::new("sweep");
    let state = State::Dir(folder.0.clone());
    let kept = {
        let stack = Stack::open(&state).await;
        stack.objects.ensure_bucket("bucket", &BucketSpec::default()).unwrap();
        put(&stack, "k").await;
        stack.objects.file("bucket", "k").unwrap().unwrap().path
    };
    let half = kept.with_file_name("00000000000000000000000000000000");
    std::fs::write(&half, b"half an obj").unwrap();
    let stack = Stack::open(&state).await;
    assert!(!half.exists());
    assert!(kept.exists());
    assert_eq!(stack.objects.list("bucket", "").unwrap().len(), 1);
}

#[tokio::test]
async fn replaced_and_deleted_bytes_leave_the_disk_and_reset_leaves_nothing() {
    let folder = Folder::new("reset");
    let stack = Stack::open(&State::Dir(folder.0.clone())).await;
    stack.objects.ensure_bucket("bucket", &watched()).unwrap();
    put(&stack, "a").await;
    put(&stack, "a").await;
    put(&stack, "b").await;
    stack.objects.delete("bucket", "b").unwrap();
    assert_eq!(folder.files(), 1);
    stack.objects.reset().unwrap();
    assert_eq!(folder.files(), 0);
    assert_eq!(stack.objects.pending().unwrap(), 0);
    assert!(stack.objects.list("bucket", "").is_err(), "the bucket is gone too");
}

/// A folder that goes away with the test.
struct Folder(std::path::PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("cloud-objects-{name}-{}", std::process::id()));
        let _ = std::fs::remove_dir_all(&path);
        Self(path)
    }

    /// Files with bytes of objects.
    fn files(&self) -> usize {
        let folders = std::fs::read_dir(self.0.join("objects")).unwrap();
        folders.map(|folder| std::fs::read_dir(folder.unwrap().path()).unwrap().count()).sum()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}
