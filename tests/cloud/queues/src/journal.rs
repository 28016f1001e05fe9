//! The queues on disk. What is written here before a call returns survives `kill -9`.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use cloud_core::{Millis, State, Store};
use rusqlite::{Connection, Row, params};

use crate::dedup::Remembered;
use crate::digest;
use crate::message::{AttributeData, Content, Entry, MessageAttribute, Phase, Seq};
use crate::move_task::MoveTask;

const SCHEMA: &str = "
CREATE TABLE IF NOT EXISTS queues (
  name TEXT PRIMARY KEY, settings TEXT NOT NULL, tags TEXT NOT NULL,
  created_s INTEGER NOT NULL, modified_s INTEGER NOT NULL, purged_ms INTEGER
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS messages (
  seq INTEGER PRIMARY KEY, queue TEXT NOT NULL, id TEXT NOT NULL, body TEXT NOT NULL,
  attributes TEXT, trace_header TEXT, message_group TEXT, dedup_id TEXT, sent_ms INTEGER NOT NULL,
  -- Visible from this moment; NULL when it is visible.
  due_ms INTEGER, in_flight_since_ms INTEGER,
  receives INTEGER NOT NULL, receives_here INTEGER NOT NULL, first_received_ms INTEGER,
  nonce INTEGER NOT NULL, dead_from_arn TEXT
);
CREATE INDEX IF NOT EXISTS messages_of_queue ON messages (queue);
CREATE TABLE IF NOT EXISTS dedup (
  queue TEXT NOT NULL, key TEXT NOT NULL, message_id TEXT NOT NULL, sequence_number TEXT NOT NULL,
  expires_ms INTEGER NOT NULL, PRIMARY KEY (queue, key)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS dedup_by_expiry ON dedup (expires_ms);
CREATE TABLE IF NOT EXISTS move_tasks (
  handle TEXT PRIMARY KEY, source_arn TEXT NOT NULL, destination_arn TEXT, rate_max INTEGER,
  moved INTEGER NOT NULL, found INTEGER NOT NULL, failure TEXT, started_ms INTEGER NOT NULL
) WITHOUT ROWID;
";

/// A queue as it is stored.
pub(crate) struct QueueRow {
    pub name: String,
    pub settings: BTreeMap<String, String>,
    pub tags: BTreeMap<String, String>,
    pub created_s: i64,
    pub modified_s: i64,
    pub purged_ms: Option<Millis>,
}

/// One change to what is stored.
pub(crate) enum Change {
    QueueSaved(QueueRow),
    QueueDropped(String),
    QueueEmptied(String),
    Added {
        queue: String,
        entry: Entry,
    },
    /// Visibility and receive counts.
    Touched(Entry),
    Removed(Seq),
    Remembered {
        queue: String,
        key: String,
        what: Remembered,
    },
    TaskDone(MoveTask),
    EverythingDropped,
}

/// Everything that was stored.
#[derive(Default)]
pub(crate) struct Snapshot {
    pub queues: Vec<QueueRow>,
    /// In the order of `seq`.
    pub entries: Vec<(String, Entry)>,
    /// In the order of expiry.
    pub dedup: Vec<(String, String, Remembered)>,
    pub tasks: Vec<MoveTask>,
}

/// Where changes are written; nowhere for queues that live in memory only.
pub(crate) struct Journal(Option<Store>);

impl Journal {
    pub fn open(state: &State) -> rusqlite::Result<Self> {
        match state {
            State::Memory => Ok(Self(None)),
            State::Dir(_) => Store::open(state, "queues", SCHEMA).map(|store| Self(Some(store))),
        }
    }

    /// Writes all changes or none.
    pub fn commit(&self, changes: &[Change]) -> rusqlite::Result<()> {
        let Some(store) = &self.0 else { return Ok(()) };
        if changes.is_empty() {
            return Ok(());
        }
        let mut connection = store.lock();
        let transaction = connection.transaction()?;
        for change in changes {
            write(&transaction, change)?;
        }
        transaction.commit()
    }

    pub fn load(&self) -> rusqlite::Result<Snapshot> {
        let Some(store) = &self.0 else { return Ok(Snapshot::default()) };
        let connection = store.lock();
        let all = |sql: &str| connection.prepare(sql);
        let queues = all("SELECT name, settings, tags, created_s, modified_s, purged_ms FROM queues")?
            .query_map([], read_queue)?
            .collect::<Result<_, _>>()?;
        let entries = all("SELECT * FROM messages ORDER BY seq")?
            .query_map([], |row| Ok((row.get("queue")?, read_entry(row)?)))?
            .collect::<Result<_, _>>()?;
        let dedup = all("SELECT * FROM dedup ORDER BY expires_ms")?
            .query_map([], |row| {
                let remembered = Remembered {
                    message_id: row.get("message_id")?,
                    sequence_number: row.get("sequence_number")?,
                    expires_ms: row.get("expires_ms")?,
                };
                Ok((row.get("queue")?, row.get("key")?, remembered))
            })?
            .collect::<Result<_, _>>()?;
        let tasks = all("SELECT * FROM move_tasks ORDER BY started_ms")?
            .query_map([], read_task)?
            .collect::<Result<_, _>>()?;
        Ok(Snapshot { queues, entries, dedup, tasks })
    }
}

fn write(db: &Connection, change: &Change) -> rusqlite::Result<()> {
    match change {
        Change::QueueSaved(queue) => db
            .prepare_cached("INSERT OR REPLACE INTO queues VALUES (?1, ?2, ?3, ?4, ?5, ?6)")?
            .execute(params![
                queue.name,
                json(&queue.settings),
                json(&queue.tags),
                queue.created_s,
                queue.modified_s,
                queue.purged_ms
            ])?,
        Change::QueueDropped(name) => {
            db.execute("DELETE FROM messages WHERE queue = ?1", [name])?;
            db.execute("DELETE FROM dedup WHERE queue = ?1", [name])?;
            db.execute("DELETE FROM queues WHERE name = ?1", [name])?
        }
        Change::QueueEmptied(name) => db.execute("DELETE FROM messages WHERE queue = ?1", [name])?,
        Change::Added { queue, entry } => write_entry(db, queue, entry)?,
        Change::Touched(entry) => {
            let (due, since) = phase_columns(entry.phase);
            db.prepare_cached(
                "UPDATE messages SET due_ms = ?2, in_flight_since_ms = ?3, receives = ?4, receives_here = ?5,
                 first_received_ms = ?6, nonce = ?7 WHERE seq = ?1",
            )?
            .execute(params![
                entry.seq,
                due,
                since,
                entry.receives,
                entry.receives_here,
                entry.first_received_ms,
                entry.nonce.cast_signed()
            ])?
        }
        Change::Removed(seq) => db.prepare_cached("DELETE FROM messages WHERE seq = ?1")?.execute([seq])?,
        Change::Remembered { queue, key, what } => {
            let opened = what.expires_ms - crate::dedup::WINDOW_MS;
            db.prepare_cached("DELETE FROM dedup WHERE expires_ms <= ?1")?.execute([opened])?;
            db.prepare_cached("INSERT OR REPLACE INTO dedup VALUES (?1, ?2, ?3, ?4, ?5)")?
                .execute(params![queue, key, what.message_id, what.sequence_number, what.expires_ms])?
        }
        Change::TaskDone(task) => db
            .prepare_cached("INSERT OR REPLACE INTO move_tasks VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)")?
            .execute(params![
                task.handle,
                task.source_arn,
                task.destination_arn,
                task.rate_max,
                count(task.moved),
                count(task.found),
                task.failure,
                task.started_ms
            ])?,
        Change::EverythingDropped => {
            db.execute_batch(
                "DELETE FROM messages; DELETE FROM dedup; DELETE FROM queues; DELETE FROM move_tasks;",
            )?;
            0
        }
    };
    Ok(())
}

fn write_entry(db: &Connection, queue: &str, entry: &Entry) -> rusqlite::Result<usize> {
    let (due, since) = phase_columns(entry.phase);
    let content = &entry.content;
    let attributes = (!content.attributes.is_empty()).then(|| attributes_to_text(&content.attributes));
    db.prepare_cached(
        "INSERT INTO messages VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16)",
    )?
    .execute(params![
        entry.seq,
        queue,
        content.id,
        content.body,
        attributes,
        content.trace_header,
        content.group,
        content.dedup,
        entry.sent_ms,
        due,
        since,
        entry.receives,
        entry.receives_here,
        entry.first_received_ms,
        entry.nonce.cast_signed(),
        entry.dead_from_arn
    ])
}

fn read_queue(row: &Row<'_>) -> rusqlite::Result<QueueRow> {
    Ok(QueueRow {
        name: row.get("name")?,
        settings: from_json(&row.get::<_, String>("settings")?)?,
        tags: from_json(&row.get::<_, String>("tags")?)?,
        created_s: row.get("created_s")?,
        modified_s: row.get("modified_s")?,
        purged_ms: row.get("purged_ms")?,
    })
}

fn read_entry(row: &Row<'_>) -> rusqlite::Result<Entry> {
    let body: String = row.get("body")?;
    let attributes: Option<String> = row.get("attributes")?;
    let seq = row.get("seq")?;
    let phase = match (row.get("due_ms")?, row.get("in_flight_since_ms")?) {
        (None, _) => Phase::Ready,
        (Some(until), None) => Phase::Delayed { until },
        (Some(until), Some(since)) => Phase::InFlight { since, until },
    };
    Ok(Entry {
        seq,
        order: seq,
        content: Arc::new(Content {
            id: row.get("id")?,
            body_md5: digest::body(&body),
            body,
            attributes: attributes.map(|text| attributes_from_text(&text)).transpose()?.unwrap_or_default(),
            trace_header: row.get("trace_header")?,
            group: row.get("message_group")?,
            dedup: row.get("dedup_id")?,
        }),
        sent_ms: row.get("sent_ms")?,
        phase,
        receives: row.get("receives")?,
        receives_here: row.get("receives_here")?,
        first_received_ms: row.get("first_received_ms")?,
        nonce: row.get::<_, i64>("nonce")?.cast_unsigned(),
        dead_from_arn: row.get("dead_from_arn")?,
    })
}

fn read_task(row: &Row<'_>) -> rusqlite::Result<MoveTask> {
    Ok(MoveTask {
        handle: row.get("handle")?,
        source_arn: row.get("source_arn")?,
        destination_arn: row.get("destination_arn")?,
        rate_max: row.get("rate_max")?,
        moved: usize::try_from(row.get::<_, i64>("moved")?).unwrap_or(0),
        found: usize::try_from(row.get::<_, i64>("found")?).unwrap_or(0),
        failure: row.get("failure")?,
        started_ms: row.get("started_ms")?,
    })
}

fn phase_columns(phase: Phase) -> (Option<Millis>, Option<Millis>) {
    match phase {
        Phase::Ready => (None, None),
        Phase::Delayed { until } => (Some(until), None),
        Phase::InFlight { since, until } => (Some(until), Some(since)),
    }
}

fn count(n: usize) -> i64 {
    i64::try_from(n).unwrap_or(i64::MAX)
}

fn json(map: &BTreeMap<String, String>) -> String {
    // A map of strings always has a JSON form.
    serde_json::to_string(map).unwrap_or_default()
}

fn from_json<T: serde::de::DeserializeOwned>(text: &str) -> rusqlite::Result<T> {
    serde_json::from_str(text)
        .map_err(|e| rusqlite::Error::FromSqlConversionFailure(0, rusqlite::types::Type::Text, Box::new(e)))
}

/// Attributes as `{name: [type, text, null] | [type, null, hex]}`.
fn attributes_to_text(attributes: &BTreeMap<String, MessageAttribute>) -> String {
    let rows: BTreeMap<&String, (&String, Option<&String>, Option<String>)> = attributes
        .iter()
        .map(|(name, attribute)| {
            let (text, binary) = match &attribute.value {
                AttributeData::Text(text) => (Some(text), None),
                AttributeData::Binary(bytes) => (None, Some(hex::encode(bytes))),
            };
            (name, (&attribute.data_type, text, binary))
        })
        .collect();
    serde_json::to_string(&rows).unwrap_or_default()
}

fn attributes_from_text(text: &str) -> rusqlite::Result<BTreeMap<String, MessageAttribute>> {
    let rows: BTreeMap<String, (String, Option<String>, Option<String>)> = from_json(text)?;
    Ok(rows
        .into_iter()
        .map(|(name, (data_type, text, binary))| {
            let value = match binary {
                Some(hex) => AttributeData::Binary(Bytes::from(hex::decode(hex).unwrap_or_default())),
                None => AttributeData::Text(text.unwrap_or_default()),
            };
            (name, MessageAttribute { data_type, value })
        })
        .collect())
}
