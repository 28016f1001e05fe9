//! What every crate of the product speaks.
//!
//! - [`Error`] and [`codes!`]: refusals with a documented code in five languages, kept apart from causes that only we see;
//! - [`Context`]: one invocation, with its clock, ids, randomness, caller and deadline;
//! - [`ids`]: typed ids, one registry; [`Time`]: UTC with milliseconds;
//! - [`Env`]: typed configuration and AWS clients, read once at init;
//! - [`Check`]: validation that collects every wrong field;
//! - [`Grant`]: what a function may touch, which becomes its IAM role.
//!
//! Nothing here knows HTTP or Lambda.

mod caller;
mod check;
mod clock;
mod context;
mod env;
mod error;
mod grant;
pub mod ids;
mod language;
mod meter;
mod time;

pub use caller::{Caller, Permission, permissions_of};
pub use check::{Check, Validate};
pub use clock::{Clock, Random, SystemClock, SystemRandom};
pub use context::{Context, Idempotency};
pub use env::{ConfigError, Domain, Env, LogSink, Settings};
pub use error::{Code, CommonError, Error, FieldError, Member, Problem, Result, Text};
pub use grant::{Grant, TableAction};
pub use language::Language;
pub use meter::{Meter, Usage};
pub use time::Time;

/// A boxed future, the shape of every asynchronous call on the shared crates' surface: a function crate that only
/// awaits boxed futures compiles four times faster than one that instantiates them.
pub type BoxFuture<'a, T> = futures::future::BoxFuture<'a, T>;

/// Runs statements inside a boxed future: `boxed!({ … })`.
#[macro_export]
macro_rules! boxed {
    ($body:expr) => {
        ::std::boxed::Box::pin(async move { $body })
    };
}
