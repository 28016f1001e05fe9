//! The services of this crate with a list in place of the queues, called over their wire protocols.

// Each test file uses some of it.
#![allow(dead_code)]

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use axum::body::Body;
use cloud_core::{Clock, Deliver, Place, Service as _, State};
use cloud_mail::Mail;
use futures::future::BoxFuture;
use serde_json::Value;

/// What was delivered: ARN, body, group.
#[derive(Default)]
pub struct Delivered {
    pub messages: Mutex<Vec<(String, String, Option<String>)>>,
    pub refuse: AtomicBool,
}

impl Deliver for Delivered {
    fn deliver(&self, arn: String, body: String, group: Option<String>) -> BoxFuture<'_, Result<(), String>> {
        Box::pin(async move {
            if self.refuse.load(Ordering::SeqCst) {
                return Err("not now".to_owned());
            }
            self.messages.lock().unwrap().push((arn, body, group));
            Ok(())
        })
    }
}

pub struct Desk {
    pub mail: Arc<Mail>,
    pub clock: Clock,
    pub delivered: Arc<Delivered>,
    state: State,
}

impl Desk {
    pub fn new() -> Self {
        Self::open(State::Memory)
    }

    /// With state in a fresh folder.
    pub fn durable(name: &str) -> Self {
        let root = std::env::temp_dir().join(format!("cloud-mail-{name}-{}", std::process::id()));
        let _ = std::fs::remove_dir_all(&root);
        Self::open(State::Dir(root))
    }

    fn open(state: State) -> Self {
        let (clock, delivered) = (Clock::default(), Arc::new(Delivered::default()));
        let place = Place {
            account: "000000000000".into(),
            region: "us-east-1".into(),
            endpoint: "http://127.0.0.1:4566".into(),
        };
        let deliver = Arc::clone(&delivered) as Arc<dyn Deliver>;
        let mail = Mail::open(&state, place, clock.clone(), deliver).unwrap();
        Self { mail, clock, delivered, state }
    }

    /// As after a restart of the process.
    pub fn reopened(self) -> Self {
        Self::open(self.state)
    }

    /// The status, and the body as text.
    pub async fn send(
        &self,
        method: &str,
        path: &str,
        service: &str,
        target: &str,
        body: String,
    ) -> (u16, String) {
        let scope = format!(
            "AWS4-HMAC-SHA256 Credential=test/20260101/us-east-1/{service}/aws4_request, Signature=0"
        );
        let mut request = http::Request::builder().method(method).uri(path).header("authorization", scope);
        if !target.is_empty() {
            request = request.header("x-amz-target", target);
        }
        let response = self.mail.call(request.body(Body::from(body)).unwrap()).await;
        let status = response.status().as_u16();
        let bytes = axum::body::to_bytes(response.into_body(), usize::MAX).await.unwrap();
        (status, String::from_utf8(bytes.to_vec()).unwrap())
    }

    /// A call of the query protocol.
    pub async fn query(&self, service: &str, fields: &[(&str, &str)]) -> (u16, String) {
        let body = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
        self.send("POST", "/", service, "", body).await
    }

    /// A call of a JSON protocol.
    pub async fn json(&self, target: &str, body: &Value) -> (u16, Value) {
        let (status, text) = self.send("POST", "/", "any", target, body.to_string()).await;
        (status, serde_json::from_str(&text).unwrap())
    }

    /// A REST call.
    pub async fn rest(&self, method: &str, path: &str, body: &Value) -> (u16, Value) {
        let (status, text) = self.send(method, path, "ses", "", body.to_string()).await;
        (status, serde_json::from_str(&text).unwrap())
    }
}

/// The text of the first element with this name.
pub fn element<'a>(xml: &'a str, name: &str) -> &'a str {
    let start = xml.split_once(&format!("<{name}>")).unwrap_or_else(|| panic!("no {name} in {xml}")).1;
    start.split_once(&format!("</{name}>")).unwrap().0
}
