//! This S3 alone on a port, for a referee: `cargo run -p cloud-objects --example serve_objects -- PORT ENDPOINT [FOLDER]`.
//!
//! Notifications go to the SQS and EventBridge of ENDPOINT, over their protocols. State is in FOLDER, or in memory.
//! The CDN serves the bucket `cdn` on PORT + 1, unsigned.
#![allow(clippy::print_stdout, clippy::doc_markdown)]

use std::net::SocketAddr;
use std::sync::Arc;

use cloud_core::{Bus, BusEvent, Clock, Deliver, Place, Service as _, State};
use cloud_objects::Objects;
use cloud_objects::cdn::{Cdn, Config, Origin};
use futures::future::BoxFuture;
use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

type Anything = Box<dyn std::error::Error + Send + Sync>;

/// The services of another process.
struct Elsewhere {
    /// `host:port`
    address: String,
}

impl Elsewhere {
    /// One call of an AWS JSON protocol.
    async fn call(&self, service: &str, target: &str, body: serde_json::Value) -> Result<(), Anything> {
        let body = body.to_string();
        let request = format!(
            "POST / HTTP/1.1\r\nHost: {}\r\nConnection: close\r\nContent-Type: application/x-amz-json-1.0\r\n\
             X-Amz-Target: {target}\r\nContent-Length: {}\r\n\
             Authorization: AWS4-HMAC-SHA256 Credential=test/20260101/us-east-1/{service}/aws4_request, SignedHeaders=host, Signature=00\r\n\r\n{body}",
            self.address,
            body.len()
        );
        let mut stream = tokio::net::TcpStream::connect(&self.address).await?;
        stream.write_all(request.as_bytes()).await?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await?;
        let status = answer.split(' ').nth(1).unwrap_or_default();
        if status == "200" { Ok(()) } else { Err(answer.into()) }
    }
}

impl Deliver for Elsewhere {
    fn deliver(
        &self,
        arn: String,
        body: String,
        _group: Option<String>,
    ) -> BoxFuture<'_, Result<(), String>> {
        Box::pin(async move {
            let [.., account, name] = arn.split(':').collect::<Vec<_>>()[..] else {
                return Err("no queue".to_owned());
            };
            let url = format!("http://{}/{account}/{name}", self.address);
            let message = json!({"QueueUrl": url, "MessageBody": body});
            self.call("sqs", "AmazonSQS.SendMessage", message).await.map_err(|e| e.to_string())
        })
    }
}

impl Bus for Elsewhere {
    fn put(&self, event: BusEvent) -> BoxFuture<'_, Result<(), String>> {
        Box::pin(async move {
            let entry = json!({
                "Source": event.source,
                "DetailType": event.detail_type,
                "Detail": event.detail.to_string(),
                "Resources": event.resources,
            });
            self.call("events", "AWSEvents.PutEvents", json!({"Entries": [entry]}))
                .await
                .map_err(|e| e.to_string())
        })
    }
}

#[tokio::main]
async fn main() -> Result<(), Anything> {
    let mut arguments = std::env::args().skip(1);
    let port: u16 = arguments.next().ok_or("PORT?")?.parse()?;
    let address = arguments.next().ok_or("ENDPOINT?")?.replace("http://", "");
    let state = arguments.next().map_or(State::Memory, |folder| State::Dir(folder.into()));
    let place = Place {
        account: "000000000000".to_owned(),
        region: "us-east-1".to_owned(),
        endpoint: format!("http://127.0.0.1:{port}"),
    };
    let elsewhere = Arc::new(Elsewhere { address });
    let objects = Objects::open(&state, place, Clock::default(), elsewhere.clone(), elsewhere)?;
    let cdn = Cdn::new(
        Arc::clone(&objects),
        Config {
            origins: vec![Origin { prefix: "/".to_owned(), bucket: "cdn".to_owned(), signed: false }],
            ..Config::default()
        },
    )?;

    let served = Arc::clone(&objects);
    let s3 = axum::Router::new().fallback(move |request: cloud_core::Request| {
        let objects = Arc::clone(&served);
        async move { objects.call(request).await }
    });
    let s3_listener = tokio::net::TcpListener::bind(("127.0.0.1", port)).await?;
    let cdn_listener = tokio::net::TcpListener::bind(("127.0.0.1", port + 1)).await?;
    println!("S3 http://127.0.0.1:{port}, CDN http://127.0.0.1:{}", port + 1);
    let cdn = cdn.router().into_make_service_with_connect_info::<SocketAddr>();
    tokio::select! {
        result = axum::serve(s3_listener, s3) => result?,
        result = axum::serve(cdn_listener, cdn) => result?,
        () = objects.run() => {}
    }
    Ok(())
}
