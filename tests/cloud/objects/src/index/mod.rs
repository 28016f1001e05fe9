//! The index: which buckets, versions, uploads and undelivered notifications there are, in SQLite.
//!
//! One transaction per change. A change of an object and the notifications about it are the same transaction, so
//! neither exists without the other, whenever the process dies.

mod buckets;
mod lifecycle;
mod outbox;
mod paging;
mod uploads;
mod versions;

use std::collections::HashSet;

use cloud_core::{Clock, Place, State, Store};
use rusqlite::Transaction;

pub(crate) use buckets::Versioning;
pub(crate) use outbox::{Pending, Target};
pub(crate) use paging::{Cursor, Paging};
pub(crate) use uploads::{NewUpload, Part, Upload};
pub(crate) use versions::{Committed, Condition, Deleted, NewVersion, WriteConditions};

use crate::error::Error;

/// Result of everything that asks the index.
pub(crate) type Result<T, E = Error> = std::result::Result<T, E>;

// TEXT compares bytewise, which for UTF-8 is the order in which S3 lists keys.
const SCHEMA: &str = "
CREATE TABLE IF NOT EXISTS buckets (
    name TEXT PRIMARY KEY,
    created_ms INTEGER NOT NULL,
    versioning TEXT NOT NULL DEFAULT '',
    cors TEXT,
    lifecycle TEXT,
    notification TEXT
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS versions (
    seq INTEGER PRIMARY KEY,
    bucket TEXT NOT NULL REFERENCES buckets(name),
    key TEXT NOT NULL,
    version TEXT NOT NULL,
    latest INTEGER NOT NULL,
    marker INTEGER NOT NULL,
    blob TEXT NOT NULL,
    size INTEGER NOT NULL,
    etag TEXT NOT NULL,
    modified_ms INTEGER NOT NULL,
    superseded_ms INTEGER,
    attributes TEXT NOT NULL,
    UNIQUE (bucket, key, version)
);
CREATE UNIQUE INDEX IF NOT EXISTS versions_latest ON versions (bucket, key) WHERE latest = 1;
CREATE INDEX IF NOT EXISTS versions_by_age ON versions (bucket, key, seq DESC);
CREATE TABLE IF NOT EXISTS uploads (
    id TEXT PRIMARY KEY,
    seq INTEGER NOT NULL,
    bucket TEXT NOT NULL REFERENCES buckets(name),
    key TEXT NOT NULL,
    initiated_ms INTEGER NOT NULL,
    attributes TEXT NOT NULL,
    algorithm TEXT,
    coverage TEXT
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS uploads_by_key ON uploads (bucket, key, seq);
CREATE TABLE IF NOT EXISTS parts (
    upload TEXT NOT NULL REFERENCES uploads(id),
    number INTEGER NOT NULL,
    blob TEXT NOT NULL,
    size INTEGER NOT NULL,
    etag TEXT NOT NULL,
    checksum TEXT,
    modified_ms INTEGER NOT NULL,
    PRIMARY KEY (upload, number)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS outbox (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    target TEXT NOT NULL,
    body TEXT NOT NULL,
    attempts INTEGER NOT NULL DEFAULT 0,
    due_ms INTEGER NOT NULL
);
CREATE TABLE IF NOT EXISTS sequence (one INTEGER PRIMARY KEY CHECK (one = 1), n INTEGER NOT NULL);
INSERT OR IGNORE INTO sequence VALUES (1, 0);
";

/// The database, the place its notifications speak of, and the clock they are dated by.
#[derive(Clone)]
pub(crate) struct Index {
    store: Store,
    place: Place,
    clock: Clock,
}

impl Index {
    pub(crate) fn open(state: &State, place: Place, clock: Clock) -> Result<Self> {
        Ok(Self { store: Store::open(state, "objects", SCHEMA)?, place, clock })
    }

    /// Runs `work` in one transaction; an error undoes everything.
    fn change<T>(&self, work: impl FnOnce(&Transaction<'_>) -> Result<T>) -> Result<T> {
        let mut connection = self.store.lock();
        let transaction = connection.transaction()?;
        let result = work(&transaction)?;
        transaction.commit()?;
        Ok(result)
    }

    /// The files that some row names.
    pub(crate) fn blobs(&self) -> Result<HashSet<String>> {
        let connection = self.store.lock();
        let mut statement = connection
            .prepare("SELECT blob FROM versions WHERE marker = 0 UNION ALL SELECT blob FROM parts")?;
        let names = statement.query_map([], |row| row.get(0))?.collect::<rusqlite::Result<_>>()?;
        Ok(names)
    }

    /// Forgets everything, buckets included.
    pub(crate) fn clear(&self) -> Result<()> {
        self.change(|tx| {
            tx.execute_batch(
                "DELETE FROM parts; DELETE FROM uploads; DELETE FROM versions; DELETE FROM outbox; DELETE FROM buckets;",
            )?;
            Ok(())
        })
    }
}

/// The next number of the sequence that orders all writes.
fn next_seq(tx: &Transaction<'_>) -> Result<i64> {
    Ok(tx.query_row("UPDATE sequence SET n = n + 1 RETURNING n", [], |row| row.get(0))?)
}

/// SQLite keeps signed integers; sizes never come near the limit.
fn signed(size: u64) -> i64 {
    i64::try_from(size).unwrap_or(i64::MAX)
}

fn unsigned(size: i64) -> u64 {
    u64::try_from(size).unwrap_or(0)
}
