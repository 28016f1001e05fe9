//! What every service of the one-machine cloud shares.
//!
//! A *service* is one AWS product spoken over its real wire protocol ([`Service`]). All services live by one
//! [`Clock`] that tests can advance, keep their state in a [`Store`] that survives `kill -9`, and name things
//! with the same [`Place`] (account, region, endpoint).

mod clock;
mod error;
mod store;

pub use clock::{Clock, Millis};
pub use error::{Protocol, WireError};
pub use store::{State, Store};

use axum::body::Body;
use futures::future::BoxFuture;

/// A request as it arrived on the wire.
pub type Request = http::Request<Body>;
/// An answer as it leaves on the wire.
pub type Response = http::Response<Body>;

/// One AWS service, spoken over its wire protocol.
pub trait Service: Send + Sync + 'static {
    /// Answers one request. Never panics: what the caller did wrong is a [`WireError`] in the service's format.
    fn call(&self, request: Request) -> BoxFuture<'_, Response>;
}

/// Where the one-machine cloud pretends to be.
#[derive(Clone, Debug)]
pub struct Place {
    /// Twelve digits; `000000000000` locally.
    pub account: String,
    /// AWS region; `us-east-1` locally.
    pub region: String,
    /// Base URL of the AWS-protocol endpoint, without a trailing slash, for example `http://127.0.0.1:4566`.
    pub endpoint: String,
}

impl Place {
    /// `arn:aws:{service}:{region}:{account}:{rest}`.
    #[must_use]
    pub fn arn(&self, service: &str, rest: &str) -> String {
        format!("arn:aws:{service}:{}:{}:{rest}", self.region, self.account)
    }
}

/// The service that a signed request names in its credential scope (`…/{region}/{service}/aws4_request`),
/// taken from the `Authorization` header or the `X-Amz-Credential` query parameter.
#[must_use]
pub fn signed_service(parts: &http::request::Parts) -> Option<String> {
    let header = parts.headers.get(http::header::AUTHORIZATION).and_then(|v| v.to_str().ok());
    let scope = if let Some(rest) = header.and_then(|h| h.split("Credential=").nth(1)) {
        rest.split([',', ' ']).next()?.to_owned()
    } else {
        let query = parts.uri.query()?;
        let raw = query.split('&').find_map(|p| p.strip_prefix("X-Amz-Credential="))?;
        raw.replace("%2F", "/").replace("%2f", "/")
    };
    scope.rsplit('/').nth(1).map(str::to_owned)
}

/// Takes a message to what an ARN names: an SQS queue, a Lambda function, a bus. The services of the one-machine
/// cloud reach each other only through this, as they do in AWS.
pub trait Deliver: Send + Sync + 'static {
    /// `group` is the message group for FIFO queues. `Err` says why; the sender keeps the message and tries again.
    fn deliver(&self, arn: String, body: String, group: Option<String>) -> BoxFuture<'_, Result<(), String>>;
}

/// The default event bus, for services that announce what they did (`aws.mediaconvert`, `aws.s3`).
pub trait Bus: Send + Sync + 'static {
    /// Accepts one event. When this returns `Ok` the event is stored and will be delivered, even after `kill -9`.
    fn put(&self, event: BusEvent) -> BoxFuture<'_, Result<(), String>>;
}

/// One event for the default bus; id, time, account and region are added by the bus.
#[derive(Clone, Debug)]
pub struct BusEvent {
    /// For example `aws.mediaconvert`.
    pub source: String,
    /// For example `MediaConvert Job State Change`.
    pub detail_type: String,
    /// The event's own content.
    pub detail: serde_json::Value,
    /// ARNs that the event is about.
    pub resources: Vec<String>,
}
