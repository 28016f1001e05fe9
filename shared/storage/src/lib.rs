//! DynamoDB for the domain crates.
//!
//! - One [`Table`] per area, keys `pk` and `sk`.
//! - Every conditional write names the error it refuses with, beside the condition: [`Put::or`], [`Update::or`].
//! - [`Transaction`] puts effect, outbox messages ([`Transaction::send`]) and the completed idempotency record
//!   ([`Transaction::result`]) into one `TransactWriteItems`; conflicts and throttling are retried with jitter inside
//!   the time that the caller has, under one client token, so that a lost answer never doubles an effect.
//! - Consumed units and calls are counted on the context's meter.
//!
//! A single conditional `update` whose answer is lost may be repeated by the SDK and then be refused by its own
//! success. Use a transaction where that matters.

mod cursor;
mod failure;
mod item;
mod operation;
mod outbox;
mod query;
mod retry;
mod table;
mod transaction;

pub use item::{Item, Key};
pub use operation::{Check, Delete, Put, Update};
pub use outbox::{OUTBOX_KEEP_S, OutboxRow, Send};
pub use query::{Page, Query};
pub use retry::Retry;
pub use table::Table;
pub use transaction::Transaction;
