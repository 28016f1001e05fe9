//! Notifications that were recorded with their change and not accepted yet.

use cloud_core::Millis;
use rusqlite::{Transaction, params};
use serde_json::Value;

use super::{Index, Result};
use crate::notify::Happening;

use super::buckets::Bucket;

/// Where a notification goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Target {
    /// A queue, topic or function.
    Arn(String),
    /// The default event bus.
    Bus,
}

const BUS: &str = "bus";

/// A notification on its way.
#[derive(Clone, Debug)]
pub(crate) struct Pending {
    pub id: i64,
    pub target: Target,
    pub body: Value,
    /// Deliveries that failed.
    pub attempts: u32,
}

/// First wait after a failed delivery; doubles up to [`LONGEST_WAIT_MS`].
const FIRST_WAIT_MS: Millis = 100;
const LONGEST_WAIT_MS: Millis = 30_000;

/// Records what the bucket wants announced, in the transaction of the change itself.
pub(super) fn record(
    tx: &Transaction<'_>,
    index: &Index,
    bucket: &Bucket,
    what: &Happening<'_>,
) -> Result<()> {
    let Some(configuration) = &bucket.notification else { return Ok(()) };
    for (target, body) in what.plan(configuration, &index.place) {
        let target = match target {
            Target::Arn(arn) => arn,
            Target::Bus => BUS.to_owned(),
        };
        tx.execute(
            "INSERT INTO outbox (target, body, due_ms) VALUES (?1, ?2, ?3)",
            params![target, body.to_string(), what.at],
        )?;
    }
    Ok(())
}

impl Index {
    /// The oldest notifications that are due, at most `limit`.
    pub(crate) fn due(&self, limit: u32) -> Result<Vec<Pending>> {
        let connection = self.store.lock();
        let mut statement = connection.prepare_cached(
            "SELECT id, target, body, attempts FROM outbox WHERE due_ms <= ?1 ORDER BY id LIMIT ?2",
        )?;
        let rows: Vec<(i64, String, String, u32)> = statement
            .query_map(params![self.clock.now_ms(), limit], |row| {
                Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?))
            })?
            .collect::<rusqlite::Result<_>>()?;
        rows.into_iter()
            .map(|(id, target, body, attempts)| {
                let target = if target == BUS { Target::Bus } else { Target::Arn(target) };
                Ok(Pending { id, target, body: serde_json::from_str(&body)?, attempts })
            })
            .collect()
    }

    /// When the next notification is due.
    pub(crate) fn next_due(&self) -> Result<Option<Millis>> {
        Ok(self.store.lock().query_row("SELECT min(due_ms) FROM outbox", [], |row| row.get(0))?)
    }

    pub(crate) fn delivered(&self, id: i64) -> Result<()> {
        self.store.lock().execute("DELETE FROM outbox WHERE id = ?1", [id])?;
        Ok(())
    }

    /// Keeps it for another attempt, later each time.
    pub(crate) fn postpone(&self, pending: &Pending) -> Result<()> {
        let wait = (FIRST_WAIT_MS << pending.attempts.min(16)).min(LONGEST_WAIT_MS);
        self.store.lock().execute(
            "UPDATE outbox SET attempts = attempts + 1, due_ms = ?2 WHERE id = ?1",
            params![pending.id, self.clock.now_ms() + wait],
        )?;
        Ok(())
    }

    pub(crate) fn undelivered(&self) -> Result<usize> {
        let count: i64 = self.store.lock().query_row("SELECT count(*) FROM outbox", [], |row| row.get(0))?;
        Ok(usize::try_from(count).unwrap_or(usize::MAX))
    }
}
