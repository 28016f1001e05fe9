//! Buses, rules, schedules and undelivered events on disk.

use cloud_core::{Millis, State, Store};
use rusqlite::{Connection, OptionalExtension as _, Row, params};
use serde::Serialize;
use serde::de::DeserializeOwned;

const SCHEMA: &str = "
CREATE TABLE IF NOT EXISTS documents (
  kind TEXT NOT NULL, key TEXT NOT NULL, json TEXT NOT NULL, PRIMARY KEY (kind, key)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS deliveries (
  id INTEGER PRIMARY KEY AUTOINCREMENT, arn TEXT NOT NULL, body TEXT NOT NULL, message_group TEXT,
  origin TEXT NOT NULL, created_ms INTEGER NOT NULL, attempts INTEGER NOT NULL, next_try_ms INTEGER NOT NULL,
  retries_max INTEGER NOT NULL, age_s_max INTEGER NOT NULL, dead_letter_arn TEXT
);
CREATE INDEX IF NOT EXISTS deliveries_by_time ON deliveries (next_try_ms, id);
";

/// What a document is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Bus,
    Rule,
    Schedule,
    Group,
    Tags,
}

impl Kind {
    fn as_str(self) -> &'static str {
        match self {
            Self::Bus => "bus",
            Self::Rule => "rule",
            Self::Schedule => "schedule",
            Self::Group => "group",
            Self::Tags => "tags",
        }
    }
}

/// An event on its way to one target.
#[derive(Clone, Debug)]
pub(crate) struct Delivery {
    /// Zero until stored.
    pub id: i64,
    pub arn: String,
    pub body: String,
    pub group: Option<String>,
    /// ARN of the rule or schedule.
    pub origin: String,
    pub created_ms: Millis,
    /// Attempts that failed.
    pub attempts: u32,
    pub next_try_ms: Millis,
    pub retries_max: u32,
    pub age_s_max: u32,
    pub dead_letter_arn: Option<String>,
}

/// One change to what is stored.
#[derive(Debug)]
pub(crate) enum Change {
    Put {
        kind: Kind,
        key: String,
        json: String,
    },
    Drop {
        kind: Kind,
        key: String,
    },
    /// A new delivery.
    Send(Delivery),
    /// Another attempt, later.
    Retry {
        id: i64,
        attempts: u32,
        at_ms: Millis,
    },
    /// Delivered, or given up.
    Settled(i64),
    Everything,
}

impl Change {
    pub fn put(kind: Kind, key: impl Into<String>, document: &impl Serialize) -> Self {
        // The documents are plain structs of texts, numbers and JSON: they always have a JSON form.
        let json = serde_json::to_string(document).unwrap_or_default();
        Self::Put { kind, key: key.into(), json }
    }
}

#[derive(Clone)]
pub(crate) struct Storage(Store);

impl Storage {
    pub fn open(state: &State) -> rusqlite::Result<Self> {
        Store::open(state, "events", SCHEMA).map(Self)
    }

    /// Writes all changes or none.
    pub fn commit(&self, changes: &[Change]) -> rusqlite::Result<()> {
        if changes.is_empty() {
            return Ok(());
        }
        let mut connection = self.0.lock();
        let transaction = connection.transaction()?;
        for change in changes {
            write(&transaction, change)?;
        }
        transaction.commit()
    }

    pub fn all<T: DeserializeOwned>(&self, kind: Kind) -> rusqlite::Result<Vec<(String, T)>> {
        let connection = self.0.lock();
        let mut statement =
            connection.prepare("SELECT key, json FROM documents WHERE kind = ?1 ORDER BY key")?;
        let rows = statement.query_map([kind.as_str()], |row| {
            let document = serde_json::from_str(&row.get::<_, String>(1)?).map_err(|e| {
                rusqlite::Error::FromSqlConversionFailure(1, rusqlite::types::Type::Text, Box::new(e))
            })?;
            Ok((row.get(0)?, document))
        })?;
        rows.collect()
    }

    /// The oldest deliveries that are to be tried by `now`.
    pub fn due(&self, now: Millis, limit: usize) -> rusqlite::Result<Vec<Delivery>> {
        let connection = self.0.lock();
        let mut statement = connection
            .prepare_cached("SELECT * FROM deliveries WHERE next_try_ms <= ?1 ORDER BY id LIMIT ?2")?;
        let rows = statement.query_map(params![now, i64::try_from(limit).unwrap_or(i64::MAX)], read)?;
        rows.collect()
    }

    /// When the first delivery after `now` is to be tried.
    pub fn next_try_ms(&self, now: Millis) -> rusqlite::Result<Option<Millis>> {
        let connection = self.0.lock();
        let mut statement =
            connection.prepare_cached("SELECT MIN(next_try_ms) FROM deliveries WHERE next_try_ms > ?1")?;
        statement.query_row([now], |row| row.get(0)).optional().map(Option::flatten)
    }

    pub fn undelivered(&self) -> rusqlite::Result<usize> {
        let count: i64 = self.0.lock().query_row("SELECT COUNT(*) FROM deliveries", [], |row| row.get(0))?;
        Ok(usize::try_from(count).unwrap_or(0))
    }
}

fn write(db: &Connection, change: &Change) -> rusqlite::Result<()> {
    match change {
        Change::Put { kind, key, json } => db
            .prepare_cached("INSERT OR REPLACE INTO documents VALUES (?1, ?2, ?3)")?
            .execute(params![kind.as_str(), key, json])?,
        Change::Drop { kind, key } => db
            .prepare_cached("DELETE FROM documents WHERE kind = ?1 AND key = ?2")?
            .execute(params![kind.as_str(), key])?,
        Change::Send(delivery) => db
            .prepare_cached(
                "INSERT INTO deliveries (arn, body, message_group, origin, created_ms, attempts, next_try_ms,
                 retries_max, age_s_max, dead_letter_arn) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
            )?
            .execute(params![
                delivery.arn,
                delivery.body,
                delivery.group,
                delivery.origin,
                delivery.created_ms,
                delivery.attempts,
                delivery.next_try_ms,
                delivery.retries_max,
                delivery.age_s_max,
                delivery.dead_letter_arn
            ])?,
        Change::Retry { id, attempts, at_ms } => db
            .prepare_cached("UPDATE deliveries SET attempts = ?2, next_try_ms = ?3 WHERE id = ?1")?
            .execute(params![id, attempts, at_ms])?,
        Change::Settled(id) => db.prepare_cached("DELETE FROM deliveries WHERE id = ?1")?.execute([id])?,
        Change::Everything => {
            db.execute_batch("DELETE FROM documents; DELETE FROM deliveries;")?;
            0
        }
    };
    Ok(())
}

fn read(row: &Row<'_>) -> rusqlite::Result<Delivery> {
    Ok(Delivery {
        id: row.get("id")?,
        arn: row.get("arn")?,
        body: row.get("body")?,
        group: row.get("message_group")?,
        origin: row.get("origin")?,
        created_ms: row.get("created_ms")?,
        attempts: row.get("attempts")?,
        next_try_ms: row.get("next_try_ms")?,
        retries_max: row.get("retries_max")?,
        age_s_max: row.get("age_s_max")?,
        dead_letter_arn: row.get("dead_letter_arn")?,
    })
}
