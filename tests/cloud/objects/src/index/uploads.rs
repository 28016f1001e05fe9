use cloud_core::Millis;
use rusqlite::{OptionalExtension as _, Row, Transaction, params};

use super::buckets;
use super::paging::{Cursor, Page, Paging, page};
use super::{Index, Result, next_seq, signed, unsigned};
use crate::blobs::fresh_name;
use crate::checksum::{Algorithm, Coverage};
use crate::error::Error;
use crate::object::Attributes;

/// An upload in parts that nobody finished yet.
#[derive(Clone, Debug)]
pub(crate) struct Upload {
    pub id: String,
    pub seq: i64,
    pub key: String,
    pub initiated_ms: Millis,
    pub attributes: Attributes,
    /// The checksum that every part has, when the client asked for one.
    pub checksum: Option<(Algorithm, Coverage)>,
}

/// What starts an upload.
#[derive(Debug)]
pub(crate) struct NewUpload<'a> {
    pub bucket: &'a str,
    pub key: &'a str,
    pub attributes: &'a Attributes,
    pub checksum: Option<(Algorithm, Coverage)>,
}

/// One part that arrived.
#[derive(Clone, Debug)]
pub(crate) struct Part {
    /// 1 to 10,000.
    pub number: i32,
    pub blob: String,
    /// Bytes.
    pub size: u64,
    /// MD5, hexadecimal, without quotes.
    pub etag: String,
    /// Base64.
    pub checksum: Option<String>,
    pub modified_ms: Millis,
}

const COLUMNS: &str = "id, seq, key, initiated_ms, attributes, algorithm, coverage";

fn upload(row: &Row<'_>) -> rusqlite::Result<Upload> {
    let attributes: String = row.get(4)?;
    let algorithm = row.get::<_, Option<String>>(5)?.and_then(|name| Algorithm::parse(&name));
    let coverage: Option<String> = row.get(6)?;
    Ok(Upload {
        id: row.get(0)?,
        seq: row.get(1)?,
        key: row.get(2)?,
        initiated_ms: row.get(3)?,
        attributes: serde_json::from_str(&attributes).map_err(|e| {
            rusqlite::Error::FromSqlConversionFailure(4, rusqlite::types::Type::Text, e.into())
        })?,
        checksum: algorithm.map(|a| (a, Coverage::choose(a, coverage.as_deref()))),
    })
}

fn part(row: &Row<'_>) -> rusqlite::Result<Part> {
    Ok(Part {
        number: row.get(0)?,
        blob: row.get(1)?,
        size: unsigned(row.get(2)?),
        etag: row.get(3)?,
        checksum: row.get(4)?,
        modified_ms: row.get(5)?,
    })
}

fn find(tx: &Transaction<'_>, bucket: &str, key: &str, id: &str) -> Result<Upload> {
    buckets::find(tx, bucket)?;
    let sql = format!("SELECT {COLUMNS} FROM uploads WHERE id = ?1 AND bucket = ?2 AND key = ?3");
    tx.query_row(&sql, [id, bucket, key], upload).optional()?.ok_or(Error::NoSuchUpload)
}

/// Removes an upload and its parts; returns the parts' files.
pub(super) fn end(tx: &Transaction<'_>, id: &str) -> Result<Vec<String>> {
    let left = tx
        .prepare_cached("DELETE FROM parts WHERE upload = ?1 RETURNING blob")?
        .query_map([id], |row| row.get(0))?
        .collect::<rusqlite::Result<_>>()?;
    if tx.execute("DELETE FROM uploads WHERE id = ?1", [id])? == 0 {
        return Err(Error::NoSuchUpload);
    }
    Ok(left)
}

impl Index {
    /// Returns the upload's id.
    pub(crate) fn start_upload(&self, new: &NewUpload<'_>) -> Result<String> {
        let id = fresh_name();
        self.change(|tx| {
            buckets::find(tx, new.bucket)?;
            tx.execute(
                "INSERT INTO uploads (id, seq, bucket, key, initiated_ms, attributes, algorithm, coverage)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
                params![
                    id,
                    next_seq(tx)?,
                    new.bucket,
                    new.key,
                    self.clock.now_ms(),
                    serde_json::to_string(new.attributes)?,
                    new.checksum.map(|(algorithm, _)| algorithm.name()),
                    new.checksum.map(|(_, coverage)| coverage.name()),
                ],
            )?;
            Ok(id)
        })
    }

    pub(crate) fn upload(&self, bucket: &str, key: &str, id: &str) -> Result<Upload> {
        self.change(|tx| find(tx, bucket, key, id))
    }

    /// Adds a part, or replaces the one with its number; returns the file that this leaves over.
    pub(crate) fn add_part(&self, bucket: &str, key: &str, id: &str, part: &Part) -> Result<Vec<String>> {
        self.change(|tx| {
            // Again, because the upload may have ended while the part's bytes came in.
            find(tx, bucket, key, id)?;
            let before: Option<String> = tx
                .query_row(
                    "SELECT blob FROM parts WHERE upload = ?1 AND number = ?2",
                    params![id, part.number],
                    |row| row.get(0),
                )
                .optional()?;
            tx.execute(
                "INSERT OR REPLACE INTO parts (upload, number, blob, size, etag, checksum, modified_ms)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
                params![
                    id,
                    part.number,
                    part.blob,
                    signed(part.size),
                    part.etag,
                    part.checksum,
                    part.modified_ms
                ],
            )?;
            Ok(before.into_iter().collect())
        })
    }

    /// The parts with numbers above `after`, in order.
    pub(crate) fn parts(&self, id: &str, after: i32, limit: usize) -> Result<Vec<Part>> {
        let connection = self.store.lock();
        let mut statement = connection.prepare_cached(
            "SELECT number, blob, size, etag, checksum, modified_ms FROM parts
             WHERE upload = ?1 AND number > ?2 ORDER BY number LIMIT ?3",
        )?;
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let parts = statement.query_map(params![id, after, limit], part)?.collect::<rusqlite::Result<_>>()?;
        Ok(parts)
    }

    /// Returns the files of the parts.
    pub(crate) fn abort_upload(&self, bucket: &str, key: &str, id: &str) -> Result<Vec<String>> {
        self.change(|tx| {
            find(tx, bucket, key, id)?;
            end(tx, id)
        })
    }

    pub(crate) fn uploads(&self, bucket: &str, paging: &Paging) -> Result<Page<Upload>> {
        let sql = format!(
            "SELECT {COLUMNS} FROM uploads WHERE bucket = ?1
             AND key >= ?2 AND (key > ?2 OR seq > ?3) ORDER BY key, seq LIMIT ?4"
        );
        self.change(|tx| {
            buckets::find(tx, bucket)?;
            let mut statement = tx.prepare_cached(&sql)?;
            page(paging, |after, limit| {
                let limit = i64::try_from(limit).unwrap_or(i64::MAX);
                let rows = statement.query_map(params![bucket, after.key, after.tie, limit], upload)?;
                rows.map(|row| {
                    let row = row?;
                    Ok((Cursor { key: row.key.clone(), tie: row.seq }, row))
                })
                .collect()
            })
        })
    }

    /// Behind one upload, in the order of [`Index::uploads`].
    pub(crate) fn behind_upload(&self, bucket: &str, key: &str, id: &str) -> Result<Cursor> {
        let found = self.upload(bucket, key, id)?;
        Ok(Cursor { key: found.key, tie: found.seq })
    }
}
