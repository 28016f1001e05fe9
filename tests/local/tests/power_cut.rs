//! `kill -9` at any moment: what was accepted before is finished after the next start, from the same folder.

#![allow(clippy::panic, clippy::unwrap_used, clippy::indexing_slicing)]

use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use reqwest::{Client, Method};
use serde_json::{Value, json};
use tokio::io::AsyncWriteExt as _;

/// The product as a process of its own, with its state in a folder.
struct Product {
    child: Child,
    http: Client,
    api: String,
    ports: [u16; 3],
}

impl Product {
    /// Starts it on these ports and waits until it answers.
    async fn start(state: &Path, ports: [u16; 3]) -> Self {
        let child = Command::new(env!("CARGO_BIN_EXE_local"))
            .envs(["PORT", "AWS_PORT", "CDN_PORT"].into_iter().zip(ports.map(|p| p.to_string())))
            .env("LOCAL_STATE", state)
            .env("RATE_LIMITS", "off")
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        let (http, api) = (Client::new(), format!("http://127.0.0.1:{}", ports[0]));
        let mut product = Self { child, http, api, ports };
        let until = Instant::now() + Duration::from_mins(1);
        while product.http.get(format!("{}/health", product.api)).send().await.is_err() {
            assert!(product.child.try_wait().unwrap().is_none(), "it ended by itself");
            assert!(Instant::now() < until, "it does not answer");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        product
    }

    /// Takes its power away.
    fn cut(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    async fn call(&self, method: Method, path: &str, token: &str, body: Option<Value>) -> Value {
        let mut request = self.http.request(method, format!("{}{path}", self.api)).bearer_auth(token);
        if let Some(body) = body {
            request = request.json(&body);
        }
        request.send().await.unwrap().error_for_status().unwrap().json().await.unwrap()
    }

    /// Waits until nothing is in hand.
    async fn settle(&self) {
        let idle = self.call(Method::GET, "/_local/idle?timeout_s=120", "", None).await;
        assert_eq!(idle["idle"], true);
    }

    async fn register(&self) -> String {
        let body = json!({"email": "mia@example.org", "username": "mia", "password": "correct horse battery", "language": "en"});
        let session = self.http.post(format!("{}/auth/register", self.api)).json(&body).send().await.unwrap();
        let session: Value = session.error_for_status().unwrap().json().await.unwrap();
        session["access_token"].as_str().unwrap().to_owned()
    }
}

impl Drop for Product {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Three ports that were free a moment ago.
fn free_ports() -> [u16; 3] {
    let listeners = [(); 3].map(|()| std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap());
    listeners.map(|l| l.local_addr().unwrap().port())
}

/// When the power goes.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Moment {
    /// Half of the file has been sent.
    HalfSent,
    /// So long after the file was stored: while it is told of, probed, transcoded.
    AfterPut(Duration),
    /// While the job runs.
    Transcoding,
    /// As soon as the video is ready: while its owner is told.
    Ready,
}

fn clip(folder: &Path) -> Vec<u8> {
    let file = folder.join("clip.mp4");
    let status = Command::new("ffmpeg")
        .args(["-y", "-loglevel", "error", "-f", "lavfi", "-i", "testsrc2=size=320x240:rate=30:duration=4"])
        .args(["-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p", "-movflags", "+faststart"])
        .arg(&file)
        .status()
        .unwrap();
    assert!(status.success());
    std::fs::read(file).unwrap()
}

async fn ends_well_when_cut(moment: Moment) {
    let folder = tempfile::tempdir().unwrap();
    let (state, bytes) = (folder.path().join("state"), clip(folder.path()));
    let mut product = Product::start(&state, free_ports()).await;
    let token = product.register().await;
    let body = json!({
        "filename": "a.mp4", "content_type": "video/mp4", "size_bytes": bytes.len(), "kind": "video", "title": "First",
    });
    let upload = product.call(Method::POST, "/api/upload/initiate", &token, Some(body)).await;
    let (url, video) = (upload["url"].as_str().unwrap(), upload["video_id"].as_str().unwrap());
    let put = |http: &Client| http.put(url).header("content-type", "video/mp4").body(bytes.clone()).send();
    let status = format!("/api/videos/{video}/status");
    let mut half_sent = None;
    if moment == Moment::HalfSent {
        let at = url::Url::parse(url).unwrap();
        let address = format!("127.0.0.1:{}", at.port().unwrap());
        let head = format!(
            "PUT {}?{} HTTP/1.1\r\nhost: {address}\r\ncontent-type: video/mp4\r\ncontent-length: {}\r\n\r\n",
            at.path(),
            at.query().unwrap(),
            bytes.len()
        );
        let mut connection = tokio::net::TcpStream::connect(address).await.unwrap();
        connection.write_all(head.as_bytes()).await.unwrap();
        connection.write_all(&bytes[..bytes.len() / 2]).await.unwrap();
        connection.flush().await.unwrap();
        tokio::time::sleep(Duration::from_millis(100)).await;
        half_sent = Some(connection);
    } else {
        put(&product.http).await.unwrap().error_for_status().unwrap();
    }
    match moment {
        Moment::HalfSent => {}
        Moment::AfterPut(pause) => tokio::time::sleep(pause).await,
        Moment::Transcoding | Moment::Ready => {
            let wanted: &[&str] =
                if moment == Moment::Ready { &["ready"] } else { &["transcoding", "ready"] };
            let until = Instant::now() + Duration::from_mins(1);
            loop {
                let told = product.call(Method::GET, &status, &token, None).await;
                if told["status"].as_str().is_some_and(|s| wanted.contains(&s)) {
                    break;
                }
                assert!(Instant::now() < until, "{told}");
            }
        }
    }
    product.cut();
    drop(half_sent);

    let product = Product::start(&state, product.ports).await;
    if moment == Moment::HalfSent {
        // Nobody was told that it arrived: the client sends it again, to the same address.
        put(&product.http).await.unwrap().error_for_status().unwrap();
    }
    product.settle().await;
    let told = product.call(Method::GET, &status, &token, None).await;
    assert_eq!(told["status"], "ready", "{moment:?}: {told}");
    let inbox = product.call(Method::GET, "/notifications", &token, None).await;
    let kinds: Vec<&Value> = inbox["items"].as_array().unwrap().iter().map(|n| &n["kind"]).collect();
    assert_eq!(kinds.len(), 1, "{moment:?}: {inbox}");
    let mails = product.call(Method::GET, "/_local/mails?to=mia@example.org", "", None).await;
    let subjects: std::collections::BTreeSet<&str> =
        mails["items"].as_array().unwrap().iter().filter_map(|m| m["subject"].as_str()).collect();
    assert_eq!(
        subjects.len(),
        2,
        "{moment:?}: a mail to confirm the address, one for the video: {subjects:?}"
    );
    let queues = product.call(Method::GET, "/_local/queues", "", None).await;
    for queue in queues["items"].as_array().unwrap() {
        assert_eq!(queue["visible"], 0, "{moment:?}: {queue}");
        assert_eq!(
            queue.pointer("/dlq/visible").and_then(Value::as_u64).unwrap_or(0),
            0,
            "{moment:?}: {queue}"
        );
    }
}

#[tokio::test]
async fn power_lost_while_the_file_is_sent_loses_nothing_that_was_accepted() {
    ends_well_when_cut(Moment::HalfSent).await;
}

#[tokio::test]
async fn power_lost_right_after_the_file_was_stored_loses_no_event() {
    for pause_ms in [0, 15, 60, 250] {
        ends_well_when_cut(Moment::AfterPut(Duration::from_millis(pause_ms))).await;
    }
}

#[tokio::test]
async fn power_lost_during_transcoding_ends_in_a_ready_video() {
    ends_well_when_cut(Moment::Transcoding).await;
}

#[tokio::test]
async fn power_lost_when_the_video_is_ready_still_tells_its_owner_once() {
    ends_well_when_cut(Moment::Ready).await;
}
