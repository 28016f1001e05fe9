//! `EventBridge` and `EventBridge` Scheduler for the one-machine cloud.
//!
//! Buses, rules and targets over AWS JSON 1.1, schedules over REST, and the same as a Rust API ([`Events`]). What a
//! caller was told is accepted is on disk, already matched and rendered, and is tried again until its target takes
//! it, over `kill -9` too: at least once, never not at all. Schedules live by the shared clock: a jump runs each of
//! those that fell due once, whatever number of times it skipped.
//!
//! [`pattern`] is the event pattern language by itself, which Lambda's event source filters share.

mod core;
mod delivery;
mod envelope;
mod error;
mod events;
mod input;
mod json_path;
mod model;
pub mod pattern;
mod routing;
mod schedule;
mod storage;
mod wire;

pub use error::EventsError;
pub use events::{Events, Pending, ScheduleInfo};
pub use model::{
    DeadLetterConfig, EventBridgeParameters, InputTransformer, RetryPolicy, RuleSpec, ScheduleSpec,
    SqsParameters, Target,
};
pub use pattern::{Pattern, PatternError};
pub use schedule::ScheduleError;
