//! The services of this crate alone on a port, in memory: `cargo run -p cloud-mail --example serve_mail -- PORT`.
//! What SNS delivers is printed.

#![allow(clippy::print_stdout)]

use std::sync::Arc;

use cloud_core::{Clock, Deliver, Place, Service as _, State};
use cloud_mail::Mail;
use futures::future::BoxFuture;

struct Printed;

impl Deliver for Printed {
    fn deliver(
        &self,
        arn: String,
        body: String,
        _group: Option<String>,
    ) -> BoxFuture<'_, Result<(), String>> {
        println!("{arn} {body}");
        Box::pin(async { Ok(()) })
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let port = std::env::args().nth(1).unwrap_or_else(|| "4566".into());
    let place = Place {
        account: "000000000000".into(),
        region: "us-east-1".into(),
        endpoint: format!("http://127.0.0.1:{port}"),
    };
    let mail = Mail::open(&State::Memory, place, Clock::default(), Arc::new(Printed))?;
    tokio::spawn(Arc::clone(&mail).run());
    let app = axum::Router::new().fallback(move |request: cloud_core::Request| {
        let mail = Arc::clone(&mail);
        async move { mail.call(request).await }
    });
    let listener = tokio::net::TcpListener::bind(format!("127.0.0.1:{port}")).await?;
    axum::serve(listener, app).await?;
    Ok(())
}
