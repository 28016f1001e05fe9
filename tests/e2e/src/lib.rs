//! The stack of the end-to-end suites: the whole product in memory, a client, and a referee that looks at the end of
//! every test for what was lost.
//!
//! A test that makes things fail on purpose says so ([`Stack::expect_failures`]); any other test fails when it leaves
//! a message in a dead-letter queue, work undone, or a line at level ERROR in the log.

// A test's support says what is wrong by panicking.
#![allow(clippy::panic, clippy::unwrap_used, clippy::indexing_slicing, clippy::missing_panics_doc)]

mod answer;
mod flows;
mod media;
mod people;
mod playback;
mod videos;

pub use answer::Answer;
pub use flows::{Flow, fault, survives};
pub use media::{Clip, clip, made};
pub use people::{PASSWORD, Person};
pub use playback::{Probe, Segment, probe, segments, uris, uris_in};
pub use videos::{MEDIA, UPLOADS, id_of};

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use local::faults::{Plan, Rule};
use local::{Local, Options};
use reqwest::Method;
use serde_json::Value;

/// The running product and a client for it.
pub struct Stack {
    /// The product.
    pub local: Arc<Local>,
    http: reqwest::Client,
    failures_expected: AtomicBool,
}

impl Stack {
    /// Starts the product in memory.
    pub async fn start() -> Self {
        Self::with(Options::for_tests()).await
    }

    /// Starts the product with these options.
    ///
    /// # Panics
    /// When it does not start; the sentence says why.
    pub async fn with(options: Options) -> Self {
        let local = Local::start(options).await.unwrap_or_else(|e| panic!("the product did not start: {e}"));
        let http = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).build();
        let http = http.unwrap_or_else(|e| panic!("client: {e}"));
        Self { local, http, failures_expected: AtomicBool::new(false) }
    }

    /// The test makes functions fail on purpose.
    pub fn expect_failures(&self) {
        self.failures_expected.store(true, Ordering::SeqCst);
    }

    /// A request to the API (a path) or to any URL.
    pub fn request(&self, method: Method, path: &str) -> reqwest::RequestBuilder {
        let url =
            if path.starts_with("http") { path.to_owned() } else { format!("{}{path}", self.local.api()) };
        self.http.request(method, url)
    }

    /// Sends a request and reads the answer whole.
    pub async fn send(&self, request: reqwest::RequestBuilder) -> Answer {
        Answer::of(request.send().await.unwrap_or_else(|e| panic!("no answer: {e}"))).await
    }

    /// `GET`, as `token`'s holder or anonymously.
    pub async fn get(&self, path: &str, token: impl Into<Option<&str>>) -> Answer {
        self.send(authorized(self.request(Method::GET, path), token.into())).await
    }

    /// `DELETE`.
    pub async fn delete(&self, path: &str, token: impl Into<Option<&str>>) -> Answer {
        self.send(authorized(self.request(Method::DELETE, path), token.into())).await
    }

    /// `POST` of JSON.
    pub async fn post(&self, path: &str, token: impl Into<Option<&str>>, body: &Value) -> Answer {
        self.send(authorized(self.request(Method::POST, path), token.into()).json(body)).await
    }

    /// `PUT` of JSON.
    pub async fn put(&self, path: &str, token: impl Into<Option<&str>>, body: &Value) -> Answer {
        self.send(authorized(self.request(Method::PUT, path), token.into()).json(body)).await
    }

    /// `PATCH` of JSON.
    pub async fn patch(&self, path: &str, token: impl Into<Option<&str>>, body: &Value) -> Answer {
        self.send(authorized(self.request(Method::PATCH, path), token.into()).json(body)).await
    }

    /// Waits until nothing is in hand.
    ///
    /// # Panics
    /// When something still is after two minutes.
    pub async fn settle(&self) {
        if let Err(left) = self.local.idle(Duration::from_mins(2)).await {
            panic!("work is left: {left:?}");
        }
    }

    /// Jumps the clock forward and waits until nothing is in hand.
    pub async fn advance(&self, by: Duration) {
        self.local.advance(by).await.unwrap_or_else(|e| panic!("clock: {e}"));
        self.settle().await;
    }

    /// Puts these faults in force.
    pub fn faults(&self, seed: u64, rules: Vec<Rule>) {
        self.local.set_faults(&Plan { seed, rules });
    }

    /// A token with these roles, for a new person when none is given.
    #[allow(clippy::unused_async)] // Awaited like every other call of a client.
    pub async fn token(&self, user: Option<&str>, roles: &[&str]) -> String {
        let roles: Vec<String> = roles.iter().map(|r| (*r).to_owned()).collect();
        self.local.token(user, &roles).unwrap_or_else(|e| panic!("token: {e}")).0
    }

    /// Mails to an address, newest first.
    pub fn mails(&self, to: &str) -> Vec<Value> {
        let mails = self.local.mail.mails(Some(to)).unwrap_or_else(|e| panic!("mails: {e}"));
        mails.into_iter().filter_map(|m| serde_json::to_value(m).ok()).collect()
    }

    /// Ends the test: drains what is in hand and looks for what was lost.
    ///
    /// # Panics
    /// When something was.
    pub async fn finish(self) {
        self.settle().await;
        if self.failures_expected.load(Ordering::SeqCst) {
            return;
        }
        for queue in self.local.queue_list() {
            let dead = queue.pointer("/dlq/visible").and_then(Value::as_u64).unwrap_or(0);
            assert_eq!(dead, 0, "dead letters: {queue}");
        }
        let errors: Vec<Value> =
            self.local.logs.last(None, usize::MAX).into_iter().filter(|l| l["level"] == "ERROR").collect();
        assert!(errors.is_empty(), "functions failed: {errors:#?}");
    }
}

fn authorized(request: reqwest::RequestBuilder, token: Option<&str>) -> reqwest::RequestBuilder {
    match token {
        Some(token) => request.bearer_auth(token),
        None => request,
    }
}
