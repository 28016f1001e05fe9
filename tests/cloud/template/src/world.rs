//! What a template is resolved against.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;

use cloud_core::Place;
use serde_json::Value;

use crate::error::Problem;

/// Where a template is resolved.
pub struct Options<'a> {
    /// The root stack's name.
    pub stack_name: String,
    /// Account, region, and the AWS-protocol endpoint (queue URLs begin with it).
    pub place: Place,
    /// Where the product's own doors are on this machine.
    pub endpoints: Endpoints,
    /// Values for the root template's parameters, instead of their defaults.
    pub parameters: BTreeMap<String, String>,
    /// Answers `{{resolve:ssm:…}}`, `{{resolve:secretsmanager:…}}` and parameters of an SSM type. `None` leaves the
    /// text as it stands; for a parameter it is an error.
    pub dynamic: &'a dyn Fn(&DynamicReference) -> Option<String>,
}

/// Base URLs without a trailing slash. Host names that AWS would have given out are replaced by these wherever they
/// appear in a resolved text: `https://{api}.execute-api.{region}.amazonaws.com` and `https://{id}.cloudfront.net`.
#[derive(Clone, Debug)]
pub struct Endpoints {
    /// The HTTP APIs.
    pub http: String,
    /// The WebSocket APIs (`wss://…` in the template).
    pub websocket: String,
    /// The `@connections` management API of WebSocket APIs (`https://…` of such an API in the template).
    pub connections: String,
    /// The CloudFront distributions.
    pub cdn: String,
}

/// A value that lives outside the template.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DynamicReference {
    /// `ssm`, `ssm-secure` or `secretsmanager`.
    pub service: String,
    /// What follows: the parameter's name, or the secret's id with JSON key and version stage, colons included.
    pub key: String,
}

/// Intrinsics inside names of resources inside intrinsics …: deeper than this, something refers to itself.
const DEEPEST: usize = 60;

pub(crate) struct World<'a> {
    pub(crate) options: &'a Options<'a>,
    /// `Export` names of all stacks read so far.
    pub(crate) exports: RefCell<BTreeMap<String, Value>>,
    /// Ids of the WebSocket APIs of all stacks read so far.
    pub(crate) websocket_apis: RefCell<Vec<String>>,
    depth: Cell<usize>,
}

impl<'a> World<'a> {
    pub(crate) fn new(options: &'a Options<'a>) -> Self {
        Self { options, exports: RefCell::default(), websocket_apis: RefCell::default(), depth: Cell::new(0) }
    }

    /// Runs one step of resolving, and ends chains that never end.
    pub(crate) fn deeper<T>(
        &self,
        line: usize,
        step: impl FnOnce() -> Result<T, Problem>,
    ) -> Result<T, Problem> {
        if self.depth.get() >= DEEPEST {
            return Err(Problem::new(line, "refers to itself"));
        }
        self.depth.set(self.depth.get() + 1);
        let done = step();
        self.depth.set(self.depth.get() - 1);
        done
    }

    pub(crate) fn arn(&self, service: &str, rest: &str) -> String {
        self.options.place.arn(service, rest)
    }

    /// Text as it is on this machine: dynamic references answered, AWS host names replaced.
    pub(crate) fn localized(&self, text: String) -> String {
        let text = if text.contains("{{resolve:") { self.answered(&text) } else { text };
        let text = self.without_api_hosts(text);
        without_hosts(&text, "https://", ".cloudfront.net", |_| &self.options.endpoints.cdn)
    }

    fn without_api_hosts(&self, text: String) -> String {
        let host = format!(".execute-api.{}.amazonaws.com", self.options.place.region);
        if !text.contains(&host) {
            return text;
        }
        let endpoints = &self.options.endpoints;
        let websocket = |id: &str| self.websocket_apis.borrow().iter().any(|known| known == id);
        let text = without_hosts(&text, "wss://", &host, |_| &endpoints.websocket);
        without_hosts(&text, "https://", &host, |id| {
            if websocket(id) { &endpoints.connections } else { &endpoints.http }
        })
    }

    fn answered(&self, text: &str) -> String {
        let mut answer = String::new();
        let mut rest = text;
        while let Some((before, after)) = rest.split_once("{{resolve:") {
            answer.push_str(before);
            let Some((reference, following)) = after.split_once("}}") else {
                answer.push_str("{{resolve:");
                rest = after;
                continue;
            };
            let value = reference.split_once(':').and_then(|(service, key)| {
                let reference = DynamicReference { service: service.to_owned(), key: key.to_owned() };
                (self.options.dynamic)(&reference)
            });
            answer.push_str(&value.unwrap_or_else(|| format!("{{{{resolve:{reference}}}}}")));
            rest = following;
        }
        answer.push_str(rest);
        answer
    }
}

/// Replaces `{scheme}{id}{host}` where `id` is one label of a host name.
fn without_hosts<'e>(text: &'e str, scheme: &str, host: &'e str, base: impl Fn(&str) -> &'e str) -> String {
    let mut answer = String::new();
    let mut rest = text;
    while let Some(at) = rest.find(host) {
        let (before, after) = rest.split_at(at);
        let found = before.rfind(scheme).and_then(|start| {
            let id = before.get(start + scheme.len()..)?;
            let label = !id.is_empty() && id.chars().all(|c| c.is_ascii_alphanumeric() || c == '-');
            Some((before.get(..start)?, label.then(|| base(id))?))
        });
        let (kept, put) = found.unwrap_or((before, host));
        answer.push_str(kept);
        answer.push_str(put);
        rest = after.get(host.len()..).unwrap_or_default();
    }
    answer.push_str(rest);
    answer
}
