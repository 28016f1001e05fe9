//! APIs and routes.

/// An API.
#[derive(Clone, Debug)]
pub struct Api {
    /// Logical id.
    pub logical_id: String,
    /// Name of its stack.
    pub stack: String,
    /// What `Ref` answers.
    pub id: String,
    /// HTTP or WebSocket.
    pub kind: ApiKind,
    /// Cross-origin settings; `None` when the API answers no preflight by itself.
    pub cors: Option<Cors>,
    /// Paths of a custom domain that lead here, without slashes at the ends; `""` is the root.
    pub mappings: Vec<String>,
    /// WebSocket: where a message's route is, for example `$request.body.action`.
    pub selection: Option<String>,
}

/// What an API speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ApiKind {
    /// HTTP API.
    Http,
    /// WebSocket API.
    WebSocket,
}

/// Cross-origin settings of an API or bucket.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Cors {
    /// Allowed origins.
    pub origins: Vec<String>,
    /// Allowed methods.
    pub methods: Vec<String>,
    /// Allowed request headers.
    pub headers: Vec<String>,
    /// Response headers that scripts may read.
    pub exposed: Vec<String>,
    /// Seconds that a preflight's answer may be kept.
    pub max_age_s: Option<u32>,
    /// Whether credentials may be sent.
    pub credentials: bool,
}

/// One route of an API.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Route {
    /// Logical id of the route, or of the function whose SAM event it is.
    pub logical_id: String,
    /// Name of the stack that declares it.
    pub stack: String,
    /// Logical id of the API.
    pub api: String,
    /// What is routed.
    pub key: RouteKey,
    /// Name of the function.
    pub function: String,
    /// Payload format, `2.0` or `1.0`.
    pub payload: String,
    /// Whether a permission lets the API invoke the function.
    pub permitted: bool,
}

/// What a route matches.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum RouteKey {
    /// Method (`ANY` for all) and path with `{variables}`.
    Http {
        /// The method.
        method: String,
        /// The path.
        path: String,
    },
    /// HTTP: whatever no other route matches.
    Default,
    /// WebSocket: `$connect`, `$disconnect`, `$default` or a value of the selection expression.
    WebSocket(String),
}
