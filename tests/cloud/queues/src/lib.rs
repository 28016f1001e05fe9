//! SQS for the one-machine cloud.
//!
//! Standard and FIFO queues over the real wire protocol (AWS JSON 1.0), and the same queues as a Rust API
//! ([`Queues`]) for the local Lambda runner. Every queue lives in memory, ordered for receiving, and every change is
//! written through to `SQLite` before the caller hears of it, so nothing accepted is lost by `kill -9`. All times
//! (delay, visibility, retention, deduplication, long polls) are the shared clock's: a jump makes messages visible
//! and wakes whoever waits.
//!
//! Where AWS leaves room, the stricter reading is taken, so that a consumer that works here works there: a stale
//! receipt handle deletes nothing, and a message received too often leaves for its dead-letter queue at the next
//! receive.
//!
//! Left out on purpose: the 60 s ban on reusing a deleted queue's name, throttling, and `ReceiveRequestAttemptId`
//! (accepted, without effect).

mod check;
mod core;
mod dedup;
mod digest;
mod error;
mod faults;
mod journal;
mod lanes;
mod message;
mod move_task;
mod queue;
mod queues;
mod receipt;
mod settings;
mod wire;

pub use error::QueueError;
pub use faults::{DeliveryFault, DeliveryFaultKind};
pub use message::{AttributeData, Message, MessageAttribute, Outgoing};
pub use queues::{QueueStats, Queues};
