//! Endpoints: declaration, the typed call, the reply, and the pipeline around them.

mod call;
mod compression;
mod endpoint;
mod event;
mod fields;
mod idempotency;
mod limits;
mod pipeline;
mod problem;
mod reply;
mod shape;

pub use call::{Call, Files, NoQuery, Page, Raw};
pub use endpoint::{Access, BODY_MAX_BYTES, Endpoint, IdempotencyRule, RateClass, Served};
pub use event::{HttpAnswer, HttpEvent};
pub use reply::{Content, Reply, Sent};
