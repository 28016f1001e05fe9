//! Streams, for the poller that feeds functions.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use cloud_core::Millis;
use dynoxide::DynoxideError;
use dynoxide::actions::get_records::{self, GetRecordsRequest};
use dynoxide::actions::get_shard_iterator::{self, GetShardIteratorRequest};
use rusqlite::params;
use serde_json::Value;
use tokio::sync::watch;

use crate::engine::{Session, now};
use crate::error::Error;
use crate::{Tables, arn};

/// How long AWS keeps stream records.
const KEEP_S: i64 = 24 * 3600;
/// How often old records are looked for.
const TRIM_EVERY: Millis = 10 * 60 * 1000;

/// The engine stores small numbers and adds this to what it shows, which makes 21 digits, DynamoDB's least. `substr(…, 2)`
/// takes it away again.
const SEQUENCE_NUMBER_BASE: u128 = 100_000_000_000_000_000_000;

/// One change of one item.
#[derive(Clone, Debug, PartialEq)]
pub struct StreamRecord {
    /// Where the record stands in its stream: digits of fixed length, so text and numeric order agree.
    pub sequence_number: String,
    /// The record as a Lambda function receives it in `Records`.
    pub event: Value,
}

/// Who waits for which table. The number counts how often the table's stream has grown.
#[derive(Debug, Default)]
pub(crate) struct Changes {
    tables: Mutex<HashMap<String, watch::Sender<u64>>>,
    trimmed_at: Mutex<Millis>,
}

impl Changes {
    fn subscribe(&self, table: &str) -> watch::Receiver<u64> {
        let mut tables = self.tables.lock().unwrap_or_else(PoisonError::into_inner);
        tables.entry(table.to_owned()).or_insert_with(|| watch::Sender::new(0)).subscribe()
    }

    pub(crate) fn announce(&self, table: &str) {
        let tables = self.tables.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(sender) = tables.get(table) {
            sender.send_modify(|n| *n += 1);
        }
    }

    /// Whether it is time to trim again; the first call says yes.
    fn trim_is_due(&self, now: Millis) -> bool {
        let mut last = self.trimmed_at.lock().unwrap_or_else(PoisonError::into_inner);
        let due = now - *last >= TRIM_EVERY;
        if due {
            *last = now;
        }
        due
    }
}

impl Tables {
    /// Changes whenever the table's stream has grown. Subscribe first, then read to the end of the stream, then wait:
    /// no record is missed that way.
    #[must_use]
    pub fn changed(&self, table: &str) -> watch::Receiver<u64> {
        self.engine.changes.subscribe(table)
    }

    /// The table's stream after the record `after` (from its beginning when `None`), oldest first, at most `limit`
    /// (1000 at most).
    ///
    /// # Errors
    /// `ResourceNotFoundException` when there is no such table or it has no stream.
    pub async fn stream_records(
        &self,
        table: &str,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Vec<StreamRecord>, Error> {
        let (table, after) = (table.to_owned(), after.map(str::to_owned));
        let place = self.place.clone();
        self.engine
            .read_heavy(move |session| {
                let stream_arn = session.stream_arn(&table)?;
                let iterator = now(get_shard_iterator::execute(
                    &session.storage,
                    GetShardIteratorRequest {
                        stream_arn: stream_arn.clone(),
                        shard_id: dynoxide::streams::shard_id(&table),
                        shard_iterator_type: match after {
                            Some(_) => "AFTER_SEQUENCE_NUMBER".to_owned(),
                            None => "TRIM_HORIZON".to_owned(),
                        },
                        sequence_number: after,
                    },
                ))?;
                let found = now(get_records::execute(
                    &session.storage,
                    GetRecordsRequest {
                        shard_iterator: iterator.shard_iterator.unwrap_or_default(),
                        limit: Some(limit),
                    },
                ))?;
                let stream_arn = arn::outgoing(&stream_arn, &place);
                found
                    .records
                    .into_iter()
                    .map(|record| lambda_record(record, &place.region, &stream_arn))
                    .collect()
            })
            .await
    }

    /// The ARN of the table's stream.
    ///
    /// # Errors
    /// `ResourceNotFoundException` when there is no such table or it has no stream.
    pub async fn stream_arn(&self, table: &str) -> Result<String, Error> {
        let engine_arn = self.engine.read(|session| session.stream_arn(table)).await?;
        Ok(arn::outgoing(&engine_arn, &self.place))
    }

    /// The sequence number of the newest record, where a consumer begins that wants only what is yet to come
    /// (`LATEST`); `None` when there is no record.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn stream_end(&self, table: &str) -> Result<Option<String>, Error> {
        self.engine
            .read(|session| {
                let newest: Option<u64> = session
                    .storage
                    .conn()
                    .prepare_cached(
                        "SELECT MAX(CAST(sequence_number AS INTEGER)) FROM _stream_records WHERE table_name = ?1",
                    )?
                    .query_row(params![table], |row| row.get(0))?;
                Ok(newest.map(|stored| (SEQUENCE_NUMBER_BASE + u128::from(stored)).to_string()))
            })
            .await
    }

    pub(crate) async fn trim_streams(&self) -> Result<(), Error> {
        if !self.engine.changes.trim_is_due(self.clock.now_ms()) {
            return Ok(());
        }
        self.engine.write_heavy(Session::trim_streams).await
    }
}

fn lambda_record(
    mut record: get_records::Record,
    region: &str,
    stream_arn: &str,
) -> Result<StreamRecord, Error> {
    region.clone_into(&mut record.aws_region);
    let sequence_number = record.dynamodb.sequence_number.clone();
    let mut event = serde_json::to_value(record).map_err(|e| Error::Unreadable(e.to_string()))?;
    if let Some(members) = event.as_object_mut() {
        members.insert("eventSourceARN".to_owned(), Value::String(stream_arn.to_owned()));
    }
    Ok(StreamRecord { sequence_number, event })
}

impl Session {
    fn stream_arn(&self, table: &str) -> Result<String, Error> {
        let meta = self.storage.get_table_metadata(table)?;
        match meta.filter(|m| m.stream_enabled).and_then(|m| m.stream_label) {
            Some(label) => Ok(dynoxide::streams::stream_arn(table, &label)),
            None => Err(DynoxideError::ResourceNotFoundException(format!(
                "Requested resource not found: Stream of table: {table}"
            ))
            .into()),
        }
    }

    /// Forgets records older than a day, as AWS does, but never one that a registered consumer has yet to read: a
    /// jump of the clock must not lose events. The newest record of a table always stays, so that sequence numbers
    /// go on from it even when the clock was set back between two runs.
    fn trim_streams(&mut self) -> Result<(), Error> {
        let oldest = self.clock.now_s() - KEEP_S;
        let connection = self.storage.conn();
        let mut tables =
            connection.prepare("SELECT DISTINCT table_name FROM _stream_records WHERE created_at < ?1")?;
        let tables: Vec<String> =
            tables.query_map(params![oldest], |row| row.get(0))?.collect::<Result<_, _>>()?;
        for table in tables {
            connection.execute(
                r#"DELETE FROM _stream_records
                WHERE table_name = ?1 AND created_at < ?2
                AND CAST(sequence_number AS INTEGER) <
                    (SELECT MAX(CAST(sequence_number AS INTEGER)) FROM _stream_records WHERE table_name = ?1)
                AND CAST(sequence_number AS INTEGER) <= COALESCE(
                    (SELECT MIN(COALESCE(CAST(substr(sequence_number, 2) AS INTEGER), 0))
                     FROM "cloud:positions" WHERE table_name = ?1),
                    9223372036854775807)"#,
                params![table, oldest],
            )?;
        }
        Ok(())
    }
}
