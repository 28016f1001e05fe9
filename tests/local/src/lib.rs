//! The whole product on one machine, in one process.
//!
//! It reads the templates that deploy (`template.yaml` and the areas' nested ones) and makes what they declare on
//! services that speak AWS's wire protocols: tables, queues, buckets, rules, parameters. Functions are linked and
//! called in process with the environment, timeout and role of the template; their AWS calls go through the same
//! endpoint as everyone's. What is not in the template does not run here either, and what a role does not allow is
//! refused.

mod calls;
mod connector;
mod control;
mod courier;
mod deploy;
pub mod faults;
mod functions;
mod gateway;
mod invocation;
mod keys;
mod local;
mod logs;
mod oauth;
mod policy;
mod process;
mod sources;
mod wire;

pub use calls::Calls;
pub use functions::{Failed, Functions};
pub use local::{Cloud, Local, Options, STAGE};
pub use logs::Logs;
