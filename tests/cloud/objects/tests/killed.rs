//! `kill -9` in the middle of uploads: no half object, and every object that exists is still to be announced.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

mod stack;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::Ordering;
use std::time::Duration;

use cloud_core::State;
use cloud_objects::{BucketSpec, QueueNotification};
use stack::{Stack, client};

/// Tells the child its folder.
const FOLDER: &str = "CLOUD_OBJECTS_KILLED_FOLDER";
const WRITERS: usize = 4;
const OBJECT_BYTES: usize = 700_000;

#[tokio::test]
#[ignore = "the process that the other test starts and kills"]
async fn serves_until_killed() {
    let Some(folder) = std::env::var_os(FOLDER).map(PathBuf::from) else { return };
    let stack = Stack::open(&State::Dir(folder.clone())).await;
    // Nothing is delivered, so that what is recorded can be counted afterwards.
    stack.destinations.refusing.store(true, Ordering::SeqCst);
    let queue = QueueNotification {
        arn: "arn:aws:sqs:us-east-1:000000000000:q".to_owned(),
        events: vec!["s3:ObjectCreated:*".to_owned()],
        ..QueueNotification::default()
    };
    let spec = BucketSpec { queues: vec![queue], ..BucketSpec::default() };
    stack.objects.ensure_bucket("bucket", &spec).unwrap();
    // Renamed into place, so that the parent never reads half of it.
    std::fs::write(folder.join("endpoint.new"), &stack.endpoint).unwrap();
    std::fs::rename(folder.join("endpoint.new"), folder.join("endpoint")).unwrap();
    std::future::pending::<()>().await;
}

struct Server(Child);

impl Server {
    fn start(folder: &Path) -> Self {
        let mut command = Command::new(std::env::current_exe().unwrap());
        command.args(["--ignored", "--exact", "serves_until_killed"]).env(FOLDER, folder);
        Self(command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap())
    }
}

impl Drop for Server {
    /// SIGKILL on Unix.
    fn drop(&mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }
}

async fn endpoint(folder: &Path) -> String {
    for _ in 0..500 {
        if let Ok(endpoint) = std::fs::read_to_string(folder.join("endpoint")) {
            return endpoint;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("the child does not serve");
}

#[tokio::test]
async fn a_killed_process_leaves_whole_objects_and_their_announcements() {
    let folder = std::env::temp_dir().join(format!("cloud-objects-killed-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let acknowledged = {
        let server = Server::start(&folder);
        let s3 = client(&endpoint(&folder).await, "test", "test");
        let writers = (0..WRITERS).map(|writer| {
            let s3 = s3.clone();
            tokio::spawn(async move {
                let mut acknowledged = Vec::new();
                for n in 0.. {
                    let key = format!("{writer}/{n}");
                    let body = vec![u8::try_from(n % 251).unwrap(); OBJECT_BYTES];
                    let put = s3.put_object().bucket("bucket").key(&key).body(body.into());
                    if put.send().await.is_err() {
                        return acknowledged;
                    }
                    acknowledged.push(key);
                }
                acknowledged
            })
        });
        let writers: Vec<_> = writers.collect();
        tokio::time::sleep(Duration::from_millis(700)).await;
        drop(server);
        let all = futures::future::join_all(writers).await;
        all.into_iter().flat_map(Result::unwrap).collect::<BTreeSet<String>>()
    };
    assert!(acknowledged.len() > WRITERS, "the test kills before anything happened");

    let stack = Stack::open(&State::Dir(folder.clone())).await;
    let objects = stack.objects.list("bucket", "").unwrap();
    for object in &objects {
        assert_eq!(object.size, OBJECT_BYTES as u64, "{}", object.key);
        let n: usize = object.key.split_once('/').unwrap().1.parse().unwrap();
        let bytes = std::fs::read(stack.objects.file("bucket", &object.key).unwrap().unwrap().path).unwrap();
        assert_eq!(bytes, vec![u8::try_from(n % 251).unwrap(); OBJECT_BYTES], "{}", object.key);
    }
    let existing: BTreeSet<String> = objects.into_iter().map(|object| object.key).collect();
    assert!(acknowledged.is_subset(&existing), "what was acknowledged exists");
    stack.clock.advance(Duration::from_mins(1));
    stack.settle().await;
    let announced: BTreeSet<String> = stack.destinations.records().into_iter().map(|(_, key)| key).collect();
    assert_eq!(announced, existing, "what exists is announced, and nothing else");
    drop(stack);
    std::fs::remove_dir_all(&folder).unwrap();
}
