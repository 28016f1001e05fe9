//! Jobs: functions that run by a queue, a stream or a schedule.

mod batch;
mod job;
mod message;
mod sources;

pub use job::{Done, Feed, Job, Source};
pub use message::{BusMessage, Message, ObjectCreated, ObjectsCreated, StreamRecord, Tick};
