//! The toolkit of every function.
//!
//! A function crate exports `pub fn function() -> Function`: an [`Endpoint`] with its route, guard and errors, or a
//! [`Job`] with its queue, stream or schedule; its handler; and what it may touch ([`kernel::Grant`]). From that one
//! value come the Lambda binary ([`main`]), the template, the OpenAPI document, the access table and the one-machine
//! product. Around the handler runs a pipeline that no function can forget: language, token, permission, rate limit,
//! body limit and validation, idempotency, headers, compression, log line, metrics.

mod auth;
mod function;
pub mod http;
pub mod jobs;
mod lambda;
mod telemetry;

pub use auth::{Claims, SigningKey, Verifier};
pub use function::{Function, Invocation, InvocationFailed, Trigger};
pub use http::{Access, Call, Endpoint, NoQuery, Reply};
pub use jobs::{Done, Job, Message, StreamRecord};
pub use kernel::*;
pub use lambda::main;
