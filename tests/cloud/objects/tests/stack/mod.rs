//! An S3 on a port of its own, a client that is the real SDK, and destinations that can refuse.
// Not every test file uses all of it.
#![allow(dead_code)]

use std::fmt::Write as _;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use aws_credential_types::Credentials;
use aws_sdk_s3::Client;
use aws_sdk_s3::config::{BehaviorVersion, Region};
use cloud_core::{Bus, BusEvent, Clock, Deliver, Place, Request, Service as _, State};
use cloud_objects::Objects;
use futures::future::BoxFuture;
use serde_json::Value;

/// Remembers what arrived, unless it refuses.
#[derive(Default)]
pub struct Destinations {
    pub refusing: AtomicBool,
    pub attempts: AtomicUsize,
    pub messages: Mutex<Vec<(String, Value)>>,
    pub events: Mutex<Vec<BusEvent>>,
}

impl Destinations {
    fn accepts(&self) -> Result<(), String> {
        self.attempts.fetch_add(1, Ordering::SeqCst);
        if self.refusing.load(Ordering::SeqCst) { Err("not now".to_owned()) } else { Ok(()) }
    }

    /// Event name and key of every record that arrived.
    pub fn records(&self) -> Vec<(String, String)> {
        let messages = self.messages.lock().unwrap();
        let records = messages.iter().filter_map(|(_, body)| body.pointer("/Records/0"));
        let text = |record: &Value, at: &str| record.pointer(at).and_then(Value::as_str).unwrap().to_owned();
        records.map(|r| (text(r, "/eventName"), text(r, "/s3/object/key"))).collect()
    }
}

impl Deliver for Destinations {
    fn deliver(
        &self,
        arn: String,
        body: String,
        _group: Option<String>,
    ) -> BoxFuture<'_, Result<(), String>> {
        Box::pin(async move {
            self.accepts()?;
            self.messages.lock().unwrap().push((arn, serde_json::from_str(&body).unwrap()));
            Ok(())
        })
    }
}

impl Bus for Destinations {
    fn put(&self, event: BusEvent) -> BoxFuture<'_, Result<(), String>> {
        Box::pin(async move {
            self.accepts()?;
            self.events.lock().unwrap().push(event);
            Ok(())
        })
    }
}

pub struct Stack {
    pub objects: Arc<Objects>,
    pub clock: Clock,
    pub destinations: Arc<Destinations>,
    pub endpoint: String,
    pub s3: Client,
    tasks: Vec<tokio::task::JoinHandle<()>>,
}

impl Drop for Stack {
    fn drop(&mut self) {
        for task in &self.tasks {
            task.abort();
        }
    }
}

impl Stack {
    pub async fn start() -> Self {
        Self::open(&State::Memory).await
    }

    pub async fn open(state: &State) -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let endpoint = format!("http://{}", listener.local_addr().unwrap());
        let clock = Clock::default();
        let destinations = Arc::new(Destinations::default());
        let place = Place {
            account: "000000000000".to_owned(),
            region: "us-east-1".to_owned(),
            endpoint: endpoint.clone(),
        };
        let objects =
            Objects::open(state, place, clock.clone(), destinations.clone(), destinations.clone()).unwrap();
        let served = Arc::clone(&objects);
        let app = axum::Router::new().fallback(move |request: Request| {
            let objects = Arc::clone(&served);
            async move { objects.call(request).await }
        });
        let running = Arc::clone(&objects);
        let tasks = vec![
            tokio::spawn(async move { axum::serve(listener, app).await.unwrap() }),
            tokio::spawn(async move { running.run().await }),
        ];
        let s3 = client(&endpoint, "test", "test");
        Self { objects, clock, destinations, endpoint, s3, tasks }
    }

    /// Until everything is delivered.
    pub async fn settle(&self) {
        for _ in 0..500 {
            if self.objects.pending().unwrap() == 0 {
                return;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("{} notifications are still waiting", self.objects.pending().unwrap());
    }
}

pub fn client(endpoint: &str, id: &str, secret: &str) -> Client {
    let config = aws_sdk_s3::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new("us-east-1"))
        .endpoint_url(endpoint)
        .force_path_style(true)
        .credentials_provider(Credentials::new(id, secret, None, None, "test"))
        .http_client(aws_smithy_http_client::Builder::new().build_http())
        .build();
    Client::from_conf(config)
}

/// A request without the SDK: method, URL, headers, body.
pub async fn http(method: &str, url: &str, headers: &[(&str, &str)], body: &[u8]) -> (u16, String, Vec<u8>) {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    let (host, path) = url.strip_prefix("http://").unwrap().split_once('/').unwrap();
    let mut request = format!("{method} /{path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n");
    for (name, value) in headers {
        write!(request, "{name}: {value}\r\n").unwrap();
    }
    write!(request, "Content-Length: {}\r\n\r\n", body.len()).unwrap();
    let mut stream = tokio::net::TcpStream::connect(host).await.unwrap();
    stream.write_all(request.as_bytes()).await.unwrap();
    stream.write_all(body).await.unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.unwrap();
    let end = answer.windows(4).position(|w| w == b"\r\n\r\n").unwrap();
    let head = String::from_utf8(answer[..end].to_vec()).unwrap();
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    (status, head.to_ascii_lowercase(), answer[end + 4..].to_vec())
}
