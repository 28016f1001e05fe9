//! What keeps the product running: health, readiness, documents, the outbox relay, the watch over queues.
//!
//! # Table `platform`, items of this crate
//!
//! | item | pk | sk | expires |
//! |---|---|---|---|
//! | what the last watch found | `HEALTH` | `LATEST` | never, replaced each minute |
//! | an outbox message that no queue can take | `PARKED` | message id | never |
//!
//! Rate counters and idempotency records in the same table are the toolkit's. No index.
//!
//! | call | AWS calls |
//! |---|---|
//! | health, documents | none |
//! | readiness | 1 get, 1 queue's attributes, at the same time |
//! | relay | 1 send for each 10 messages of a queue, queues at the same time |
//! | watch, each minute | readiness, 2 a queue, 1 query, 1 put |
//!
//! # What if the process dies here
//!
//! The relay's only effect is the send. If it dies after sending and before saying so, the stream delivers the records
//! again and the messages go out twice under the same identity: FIFO queues drop the second, and every consumer does
//! nothing for a message identity it knows. The watch keeps nothing between its runs.

mod documents;
mod errors;
mod health;
mod readiness;
mod relay;
mod watch;

pub use documents::{Documents, Page};
pub use errors::OperationsError;
pub use health::{Health, Operations};
pub use readiness::{CheckOutcome, CheckStatus, Readiness, Ready};
pub use relay::{Relay, Relayed};
pub use watch::Watch;

/// Indexes that the table's access patterns need.
pub const INDEXES: &[&str] = &[];
