use std::sync::Arc;

use kernel::{BoxFuture, ConfigError, Context, Env, Grant};
use serde_json::Value;

use crate::http::{Endpoint, Served};
use crate::jobs::Job;

/// One event for a function, as Lambda hands it over.
pub struct Invocation {
    /// The event's JSON.
    pub payload: Value,
    /// The invocation's context: request id, deadline, trace.
    pub context: Context,
}

/// The function could not deal with the event; Lambda counts an error and the source tries again.
#[derive(Debug)]
pub struct InvocationFailed(pub String);

impl std::fmt::Display for InvocationFailed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for InvocationFailed {}

/// A function that has read its environment and takes events.
pub type Ready = Arc<dyn Fn(Invocation) -> BoxFuture<'static, Result<Value, InvocationFailed>> + Send + Sync>;

pub(crate) type Init = Arc<dyn Fn(&Env) -> Result<Ready, ConfigError> + Send + Sync>;

/// What makes a function run.
#[derive(Clone, Debug)]
pub enum Trigger {
    /// A request through API Gateway.
    Http(Box<Endpoint>),
    /// A queue, a stream or a schedule.
    Job(Job),
}

/// One Lambda function: all that is known of it, and how to start it.
#[derive(Clone)]
pub struct Function {
    /// `AREA-FUNCTION`, unique in the workspace; also the binary's name.
    pub name: &'static str,
    /// What makes it run.
    pub trigger: Trigger,
    /// What it may touch.
    pub grants: Vec<Grant>,
    /// Seconds it may run.
    pub timeout_s: u32,
    /// Memory, which also decides its share of a CPU.
    pub memory_mb: u32,
    /// Schemas of the request and the answer, for the OpenAPI document.
    pub served: Option<Served>,
    pub(crate) init: Init,
}

impl Function {
    /// The area: what stands before the first dash of the name.
    #[must_use]
    pub fn area(&self) -> &'static str {
        self.name.split_once('-').map_or(self.name, |(area, _)| area)
    }

    /// Adds grants.
    #[must_use]
    pub fn grants(mut self, grants: impl IntoIterator<Item = Grant>) -> Self {
        self.grants.extend(grants);
        self
    }

    /// Seconds it may run; 10 for endpoints and 30 for jobs when not said.
    #[must_use]
    pub fn timeout_s(mut self, seconds: u32) -> Self {
        self.timeout_s = seconds;
        self
    }

    /// Memory in MB; 256 when not said.
    #[must_use]
    pub fn memory_mb(mut self, megabytes: u32) -> Self {
        self.memory_mb = megabytes;
        self
    }

    /// Reads the environment and builds the clients.
    ///
    /// # Errors
    /// [`ConfigError`] naming every missing setting.
    pub fn start(&self, env: &Env) -> Result<Ready, ConfigError> {
        (self.init)(env)
    }
}

impl std::fmt::Debug for Function {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Function")
            .field("name", &self.name)
            .field("trigger", &self.trigger)
            .finish_non_exhaustive()
    }
}
