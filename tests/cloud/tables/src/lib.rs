//! DynamoDB and DynamoDB Streams of the one-machine cloud.
//!
//! The database engine is `dynoxide` (`SQLite`). Around it this crate puts what a server of it needs and the engine's
//! own server does not offer: ARNs of the [`Place`], expiry and stream timestamps by the one [`Clock`], expiry that
//! finds due items by an index instead of reading every table, continuous backups, streams that a poller can wait
//! for, and durable positions of stream consumers.
//!
//! One `SQLite` connection serves everything, because `SQLite` has one writer and DynamoDB's conditions need
//! serialised writes anyway. Callers queue for it in order without blocking a thread; short work then runs where it
//! is, long work (queries, batches, scans, expiry) on the blocking pool. See [`engine`] for the reasons.

mod arn;
mod backups;
mod decode;
mod dispatch;
mod engine;
mod error;
mod expiry;
mod idempotency;
mod positions;
mod service;
mod streams;
mod tablespec;
mod transactions;
mod wire;

use std::sync::Arc;
use std::time::Duration;

use cloud_core::{Clock, Place, State};
use serde_json::Value;

pub use error::Error;
pub use streams::StreamRecord;
pub use tablespec::{IndexSpec, KeyAttribute, KeyKind, ProjectionSpec, StreamView, TableSpec};

use engine::Engine;

/// How often expired items are looked for.
const SWEEP_EVERY: Duration = Duration::from_secs(1);

/// DynamoDB and DynamoDB Streams.
#[derive(Debug)]
pub struct Tables {
    engine: Engine,
    place: Place,
    clock: Clock,
}

impl Tables {
    /// Opens the tables kept in `state` (`tables.db`), or empty ones in memory.
    ///
    /// # Errors
    /// When the folder or the database cannot be opened.
    pub fn open(state: &State, place: Place, clock: Clock) -> Result<Arc<Self>, Error> {
        let engine = Engine::open(state, &clock)?;
        Ok(Arc::new(Self { engine, place, clock }))
    }

    /// Expires items every second of this clock, at once after a jump, and forgets stream records that are a day
    /// old. Runs until the future is dropped.
    pub async fn run(self: Arc<Self>) {
        loop {
            if let Err(error) = self.sweep().await {
                tracing::error!(%error, "looking for expired items failed");
            }
            if let Err(error) = self.trim_streams().await {
                tracing::error!(%error, "trimming streams failed");
            }
            self.clock.sleep(SWEEP_EVERY).await;
        }
    }

    /// Runs one operation without HTTP, for example `invoke("PutItem", json!({…}))`.
    ///
    /// # Errors
    /// What the operation answers on the wire.
    pub async fn invoke(&self, operation: &str, request: &Value) -> Result<Value, Error> {
        let answer = dispatch::dispatch(self, operation, &request.to_string()).await?;
        serde_json::from_str(&answer).map_err(|e| Error::Unreadable(e.to_string()))
    }

    /// Deletes all tables, streams and positions, as if the state's folder were new. Whoever needs a table creates it
    /// again ([`Self::ensure_table`]); [`Self::clear`] keeps the tables and empties them.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn reset(&self) -> Result<(), Error> {
        self.engine.write_heavy(engine::Session::delete_all_tables).await
    }

    /// Deletes all items, stream records and positions, and keeps the tables.
    ///
    /// # Errors
    /// When the database fails; then nothing was deleted.
    pub async fn clear(&self) -> Result<(), Error> {
        self.engine.write_heavy(engine::Session::empty_all_tables).await
    }
}
