//! Time to live.
//!
//! The engine can expire items, but it reads every row of every table for that. Here each table with a TTL attribute
//! has an `SQLite` index over that attribute, so that a sweep which finds nothing costs microseconds and can run every
//! second. Due items are then deleted one by one through `DeleteItem`, which keeps the table's own indexes and stream.

use dynoxide::Item;
use dynoxide::actions::delete_item::{self, DeleteItemRequest};
use dynoxide::actions::update_time_to_live::{self, UpdateTimeToLiveRequest, UpdateTimeToLiveResponse};
use dynoxide::storage::{Storage, TableMetadata};
use rusqlite::params;

use crate::engine::{Session, now, quoted};
use crate::error::Error;
use crate::{Tables, transactions};

/// Items deleted under one hold of the connection, so that requests wait for a few milliseconds at most.
const BATCH: usize = 25;

/// DynamoDB leaves items alone whose time is more than five years ago.
const OLDEST_S: i64 = 5 * 365 * 24 * 3600;

/// While it exists, deletions appear in the stream as the service's own. A temporary trigger belongs to the
/// connection, and nothing else runs on it meanwhile; the identity is thus written in the deletion's transaction.
const IDENTITY_ON: &str = r#"CREATE TEMP TRIGGER "cloud:expiry" AFTER INSERT ON main._stream_records BEGIN
    UPDATE _stream_records
    SET user_identity = '{"type":"Service","principalId":"dynamodb.amazonaws.com"}' WHERE id = NEW.id;
END"#;
const IDENTITY_OFF: &str = r#"DROP TRIGGER IF EXISTS temp."cloud:expiry""#;

impl Tables {
    /// Deletes every item whose time has come by the clock, and tells how many there were.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn sweep(&self) -> Result<usize, Error> {
        let tables = self.engine.read(|session| Ok(session.storage.list_ttl_enabled_tables()?)).await?;
        let mut deleted = 0;
        for meta in tables {
            let (table, Some(attribute)) = (meta.table_name, meta.ttl_attribute) else { continue };
            loop {
                let (table, attribute) = (table.clone(), attribute.clone());
                let due = self.engine.read(|session| due(session, &table, &attribute)).await?;
                if due.is_empty() {
                    break;
                }
                let batch =
                    self.engine.write_heavy(move |session| expire(session, &table, &attribute)).await?;
                deleted += batch;
                if batch == 0 {
                    break;
                }
            }
        }
        Ok(deleted)
    }
}

/// Switches TTL on or off, and its index with it.
pub(crate) fn update(
    session: &mut Session,
    request: UpdateTimeToLiveRequest,
) -> Result<UpdateTimeToLiveResponse, Error> {
    let table = request.table_name.clone();
    let answer = now(update_time_to_live::execute(&session.storage, request))?;
    session.storage.conn().execute_batch(&format!("DROP INDEX IF EXISTS {}", index_name(&table)))?;
    if let Some(meta) = session.storage.get_table_metadata(&table)? {
        index(&session.storage, &meta)?;
    }
    Ok(answer)
}

/// Makes the indexes that a state written without them lacks.
pub(crate) fn index_all(storage: &Storage) -> Result<(), Error> {
    for meta in storage.list_ttl_enabled_tables()? {
        index(storage, &meta)?;
    }
    Ok(())
}

fn index(storage: &Storage, meta: &TableMetadata) -> Result<(), Error> {
    let Some(attribute) = meta.ttl_attribute.as_deref().filter(|_| meta.ttl_enabled) else { return Ok(()) };
    storage.conn().execute_batch(&format!(
        "CREATE INDEX IF NOT EXISTS {} ON {} ({})",
        index_name(&meta.table_name),
        quoted(&meta.table_name),
        expires_at(attribute),
    ))?;
    Ok(())
}

fn index_name(table: &str) -> String {
    quoted(&format!("cloud:expiry:{table}"))
}

/// The SQL of an item's TTL attribute as a number; null when it has none or it is not a number.
fn expires_at(attribute: &str) -> String {
    let path = format!("$.\"{}\".N", attribute.replace('\\', "\\\\").replace('"', "\\\""));
    format!("CAST(json_extract(item_json, '{}') AS REAL)", path.replace('\'', "''"))
}

fn due(session: &Session, table: &str, attribute: &str) -> Result<Vec<Item>, Error> {
    if !session.storage.table_exists(table)? {
        return Ok(Vec::new());
    }
    let column = expires_at(attribute);
    let at = session.clock.now_s();
    let mut statement = session.storage.conn().prepare_cached(&format!(
        "SELECT item_json FROM {} WHERE {column} > ?1 AND {column} < ?2 LIMIT {BATCH}",
        quoted(table)
    ))?;
    let rows = statement.query_map(params![at - OLDEST_S, at], |row| row.get::<_, String>(0))?;
    rows.map(|row| serde_json::from_str(&row?).map_err(|e| Error::Unreadable(e.to_string()))).collect()
}

fn expire(session: &Session, table: &str, attribute: &str) -> Result<usize, Error> {
    let items = due(session, table, attribute)?;
    let _service = AsService::begin(session)?;
    for item in &items {
        let key = transactions::key_of(session, table, item)?;
        let request = DeleteItemRequest { table_name: table.to_owned(), key, ..Default::default() };
        now(delete_item::execute(&session.storage, request))?;
    }
    Ok(items.len())
}

/// Deletions are the service's own until this is dropped, however that comes about.
struct AsService<'a>(&'a Session);

impl<'a> AsService<'a> {
    fn begin(session: &'a Session) -> Result<Self, Error> {
        session.storage.conn().execute_batch(IDENTITY_ON)?;
        Ok(Self(session))
    }
}

impl Drop for AsService<'_> {
    fn drop(&mut self) {
        if let Err(error) = self.0.storage.conn().execute_batch(IDENTITY_OFF) {
            tracing::error!(%error, "deletions go on appearing as the service's own");
        }
    }
}
