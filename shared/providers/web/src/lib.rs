//! HTTPS to outside services: payment and sign-in providers, models, exchange rates.
//!
//! It rides on the connector of the AWS clients (hyper, rustls with aws-lc), so that a function carries one TLS stack.
//! Plain `http://` addresses work too: the stand-ins of the one-machine product and of tests speak that.
//! The client is built at the first request: reading the system's certificates costs milliseconds that a function
//! which talks to nobody outside need not pay.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use aws_smithy_async::rt::sleep::{SharedAsyncSleep, TokioSleep};
use aws_smithy_http_client::Connector;
use aws_smithy_http_client::tls::{Provider, rustls_provider::CryptoMode};
use aws_smithy_runtime_api::client::http::{HttpConnector as _, HttpConnectorSettings, SharedHttpConnector};
use aws_smithy_types::body::SdkBody;
use bytes::Bytes;
use http_body_util::{BodyExt as _, Limited};
use kernel::{BoxFuture, Context};

/// A request: method, address, headers, body.
pub type Request = http::Request<Vec<u8>>;

/// A whole answer; any status is one.
pub type Response = http::Response<Bytes>;

/// Answers larger than this are refused: no provider of ours sends so much.
pub const ANSWER_MAX_BYTES: usize = 4 * 1024 * 1024;

/// No usable answer came. Whether the other side did what was asked is not known, except after [`Failure::Connect`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Failure {
    /// The request is not one: its address has no host, or a header is not text.
    Request(String),
    /// No connection: nothing was asked.
    Connect(String),
    /// No answer in time.
    Timeout,
    /// The connection broke, or the answer was no HTTP or too large.
    Broken(String),
}

impl std::fmt::Display for Failure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Request(why) => write!(f, "not a request: {why}"),
            Self::Connect(why) => write!(f, "no connection: {why}"),
            Self::Timeout => f.write_str("no answer in time"),
            Self::Broken(why) => write!(f, "broken answer: {why}"),
        }
    }
}

impl std::error::Error for Failure {}

/// The client. Cheap to clone; clones share connections.
#[derive(Clone)]
pub struct Web {
    connector: Arc<OnceLock<SharedHttpConnector>>,
    connect: Duration,
    read: Duration,
}

impl Web {
    /// A client that waits so long for a connection and, after that, for the head of the answer.
    #[must_use]
    pub fn new(connect: Duration, read: Duration) -> Self {
        Self { connector: Arc::default(), connect, read }
    }

    /// One request and its whole answer. It is sent once: who may repeat it decides the caller. Redirects are
    /// answers like any other.
    ///
    /// # Errors
    /// [`Failure`] when there is no answer.
    pub fn send<'a>(
        &'a self,
        context: &'a Context,
        request: Request,
    ) -> BoxFuture<'a, Result<Response, Failure>> {
        Box::pin(async move {
            let request = request
                .map(SdkBody::from)
                .try_into()
                .map_err(|e: aws_smithy_runtime_api::http::HttpError| Failure::Request(e.to_string()))?;
            let connector = self.connector.get_or_init(|| connector(self.connect, self.read));
            context.meter.count(0.0, 0.0);
            let answer = connector.call(request).await.map_err(|e| {
                if e.is_timeout() {
                    Failure::Timeout
                } else if e.is_io() {
                    Failure::Connect(e.to_string())
                } else if e.is_user() {
                    Failure::Request(e.to_string())
                } else {
                    Failure::Broken(e.to_string())
                }
            })?;
            let answer = answer.try_into_http1x().map_err(|e| Failure::Broken(e.to_string()))?;
            let (head, body) = answer.into_parts();
            let body = Limited::new(body, ANSWER_MAX_BYTES)
                .collect()
                .await
                .map_err(|e| Failure::Broken(e.to_string()))?
                .to_bytes();
            Ok(Response::from_parts(head, body))
        })
    }
}

impl Default for Web {
    /// One second to connect, five to answer: what an endpoint of ten seconds can afford.
    fn default() -> Self {
        Self::new(Duration::from_secs(1), Duration::from_secs(5))
    }
}

fn connector(connect: Duration, read: Duration) -> SharedHttpConnector {
    let settings = HttpConnectorSettings::builder().connect_timeout(connect).read_timeout(read).build();
    SharedHttpConnector::new(
        Connector::builder()
            .connector_settings(settings)
            .sleep_impl(SharedAsyncSleep::new(TokioSleep::new()))
            .tls_provider(Provider::Rustls(CryptoMode::AwsLc))
            .build(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use kernel::{SystemClock, SystemRandom};
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

    fn context() -> Context {
        Context::new(Arc::new(SystemClock), Arc::new(SystemRandom), "test", 10_000)
    }

    async fn served_once(answer: &'static [u8]) -> String {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut asked = [0u8; 2048];
            let _ = stream.read(&mut asked).await.unwrap();
            stream.write_all(answer).await.unwrap();
            tokio::time::sleep(Duration::from_secs(2)).await;
        });
        format!("http://{address}/path")
    }

    fn get(url: &str) -> Request {
        http::Request::get(url).body(Vec::new()).unwrap()
    }

    #[tokio::test]
    async fn any_status_is_an_answer_and_redirects_are_not_followed() {
        let url = served_once(b"HTTP/1.1 302 Found\r\nlocation: /x\r\ncontent-length: 2\r\n\r\nhi").await;
        let answer = Web::default().send(&context(), get(&url)).await.unwrap();
        assert_eq!((answer.status().as_u16(), answer.body().as_ref()), (302, b"hi".as_slice()));
    }

    #[tokio::test]
    async fn silence_is_told_from_a_closed_door() {
        let web = Web::new(Duration::from_millis(300), Duration::from_millis(300));
        let url = served_once(b"").await;
        assert_eq!(web.send(&context(), get(&url)).await.unwrap_err(), Failure::Timeout);
        let closed = web.send(&context(), get("http://127.0.0.1:1/")).await.unwrap_err();
        assert!(matches!(closed, Failure::Connect(_)), "{closed:?}");
    }
}
