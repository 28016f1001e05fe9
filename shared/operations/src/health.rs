use kernel::{ConfigError, Context, Domain, Env, Time};
use schemars::JsonSchema;
use serde::Serialize;

/// What needs nothing but the process itself.
#[derive(Clone)]
pub struct Operations {
    version: &'static str,
}

/// The answer of `GET /health`.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Health {
    /// `ok`.
    pub status: &'static str,
    /// Version of the code.
    pub version: &'static str,
    /// When it was asked.
    pub time: Time,
}

impl Domain for Operations {
    fn from_env(_: &Env) -> Result<Self, ConfigError> {
        Ok(Self { version: env!("CARGO_PKG_VERSION") })
    }
}

impl Operations {
    /// The function runs.
    #[must_use]
    pub fn health(&self, context: &Context) -> Health {
        Health { status: "ok", version: self.version, time: context.now() }
    }
}
