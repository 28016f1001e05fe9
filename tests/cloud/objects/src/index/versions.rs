use cloud_core::Millis;
use rusqlite::{OptionalExtension as _, Row, Transaction, params};

use super::buckets::{self, Bucket, Versioning};
use super::paging::{Cursor, Page, Paging, page};
use super::{Index, Result, next_seq, outbox, signed, unsigned};
use crate::blobs::fresh_name;
use crate::error::Error;
use crate::notify::{Change, Happening};
use crate::object::{Attributes, NULL_VERSION, Version};

/// What a condition header asks of the object that is there now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Condition {
    /// `*`
    Any,
    /// An entity tag, without quotes.
    Etag(String),
}

/// `If-Match` and `If-None-Match` of a write.
#[derive(Clone, Debug, Default)]
pub(crate) struct WriteConditions {
    pub matches: Option<Condition>,
    pub matches_none: Option<Condition>,
}

impl WriteConditions {
    /// Checked in the writing transaction: of two writers with `If-None-Match: *` one succeeds.
    fn check(&self, current: Option<&Version>) -> Result<()> {
        let holds = |condition: &Condition| match (condition, current) {
            (_, None) => false,
            (Condition::Any, Some(_)) => true,
            (Condition::Etag(etag), Some(now)) => *etag == now.etag,
        };
        if self.matches.as_ref().is_some_and(|condition| !holds(condition)) {
            return Err(if current.is_none() { Error::NoSuchKey } else { Error::PreconditionFailed });
        }
        if self.matches_none.as_ref().is_some_and(holds) {
            return Err(Error::PreconditionFailed);
        }
        Ok(())
    }
}

/// An object whose bytes are on disk and that only lacks its row.
#[derive(Debug)]
pub(crate) struct NewVersion<'a> {
    pub bucket: &'a str,
    pub key: &'a str,
    pub blob: &'a str,
    pub size: u64,
    pub etag: &'a str,
    pub attributes: &'a Attributes,
    pub change: Change,
    pub conditions: &'a WriteConditions,
    /// The upload that this completes, and that ends with it.
    pub completes: Option<&'a str>,
}

/// What a write did.
#[derive(Debug)]
pub(crate) struct Committed {
    /// Set when the bucket has versioning.
    pub version: Option<String>,
    pub modified_ms: Millis,
    /// Files that no row names any more.
    pub removed: Vec<String>,
}

/// What a delete did.
#[derive(Debug, Default)]
pub(crate) struct Deleted {
    /// The marker that was set, or whether the version that went was a marker.
    pub marker: bool,
    pub version: Option<String>,
    pub removed: Vec<String>,
}

const COLUMNS: &str = "seq, key, version, latest, marker, blob, size, etag, modified_ms, attributes";

pub(super) fn version(row: &Row<'_>) -> rusqlite::Result<Version> {
    let attributes: String = row.get(9)?;
    Ok(Version {
        seq: row.get(0)?,
        key: row.get(1)?,
        version: row.get(2)?,
        latest: row.get(3)?,
        marker: row.get(4)?,
        blob: row.get(5)?,
        size: unsigned(row.get(6)?),
        etag: row.get(7)?,
        modified_ms: row.get(8)?,
        attributes: serde_json::from_str(&attributes).map_err(|e| {
            rusqlite::Error::FromSqlConversionFailure(9, rusqlite::types::Type::Text, e.into())
        })?,
    })
}

fn latest(tx: &Transaction<'_>, bucket: &str, key: &str) -> Result<Option<Version>> {
    let sql = format!("SELECT {COLUMNS} FROM versions WHERE bucket = ?1 AND key = ?2 AND latest = 1");
    Ok(tx.prepare_cached(&sql)?.query_row([bucket, key], version).optional()?)
}

fn exact(tx: &Transaction<'_>, bucket: &str, key: &str, id: &str) -> Result<Option<Version>> {
    let sql = format!("SELECT {COLUMNS} FROM versions WHERE bucket = ?1 AND key = ?2 AND version = ?3");
    Ok(tx.prepare_cached(&sql)?.query_row([bucket, key, id], version).optional()?)
}

/// Makes room for a new latest version: without versioning the one before goes, with it it steps back.
fn supersede(tx: &Transaction<'_>, bucket: &Bucket, key: &str, now: Millis) -> Result<Vec<String>> {
    let mut removed = Vec::new();
    if bucket.versioning != Versioning::Enabled
        && let Some(old) = exact(tx, &bucket.name, key, NULL_VERSION)?
    {
        tx.execute("DELETE FROM versions WHERE seq = ?1", [old.seq])?;
        if !old.marker {
            removed.push(old.blob);
        }
    }
    tx.execute(
        "UPDATE versions SET latest = 0, superseded_ms = ?3 WHERE bucket = ?1 AND key = ?2 AND latest = 1",
        params![bucket.name, key, now],
    )?;
    Ok(removed)
}

struct Insert<'a> {
    key: &'a str,
    marker: bool,
    blob: &'a str,
    size: u64,
    etag: &'a str,
    attributes: &'a Attributes,
}

/// Adds the latest version; returns its number and, with versioning, its id.
fn insert(
    tx: &Transaction<'_>,
    bucket: &Bucket,
    row: &Insert<'_>,
    now: Millis,
) -> Result<(i64, Option<String>)> {
    let seq = next_seq(tx)?;
    let id = match bucket.versioning {
        Versioning::Enabled => fresh_name(),
        Versioning::Never | Versioning::Suspended => NULL_VERSION.to_owned(),
    };
    tx.execute(
        "INSERT INTO versions (seq, bucket, key, version, latest, marker, blob, size, etag, modified_ms, attributes)
         VALUES (?1, ?2, ?3, ?4, 1, ?5, ?6, ?7, ?8, ?9, ?10)",
        params![
            seq,
            bucket.name,
            row.key,
            id,
            row.marker,
            row.blob,
            signed(row.size),
            row.etag,
            now,
            serde_json::to_string(row.attributes)?
        ],
    )?;
    Ok((seq, (bucket.versioning != Versioning::Never).then_some(id)))
}

impl Index {
    /// Makes the object exist: row, end of its upload, and notifications, or none of it.
    pub(crate) fn commit(&self, new: &NewVersion<'_>) -> Result<Committed> {
        let now = self.clock.now_ms();
        self.change(|tx| {
            let bucket = buckets::find(tx, new.bucket)?;
            let current = latest(tx, new.bucket, new.key)?.filter(|v| !v.marker);
            new.conditions.check(current.as_ref())?;
            let mut removed = supersede(tx, &bucket, new.key, now)?;
            if let Some(upload) = new.completes {
                removed.extend(super::uploads::end(tx, upload)?);
            }
            let row = Insert {
                key: new.key,
                marker: false,
                blob: new.blob,
                size: new.size,
                etag: new.etag,
                attributes: new.attributes,
            };
            let (seq, version) = insert(tx, &bucket, &row, now)?;
            let what = Happening {
                change: new.change,
                bucket: new.bucket,
                key: new.key,
                size: new.size,
                etag: new.etag,
                version: version.as_deref(),
                seq,
                at: now,
            };
            outbox::record(tx, self, &bucket, &what)?;
            Ok(Committed { version, modified_ms: now, removed })
        })
    }

    /// The version asked for, or the latest; a marker is an error that says so.
    pub(crate) fn find(&self, bucket: &str, key: &str, id: Option<&str>) -> Result<Version> {
        self.change(|tx| {
            buckets::find(tx, bucket)?;
            match id {
                Some(id) => match exact(tx, bucket, key, id)?.ok_or(Error::NoSuchVersion)? {
                    found if found.marker => Err(Error::IsDeleteMarker { version: found.version }),
                    found => Ok(found),
                },
                None => match latest(tx, bucket, key)?.ok_or(Error::NoSuchKey)? {
                    found if found.marker => Err(Error::Deleted { version: found.version }),
                    found => Ok(found),
                },
            }
        })
    }

    /// Deletes as a client does.
    pub(crate) fn delete(
        &self,
        bucket: &str,
        key: &str,
        id: Option<&str>,
        conditions: &WriteConditions,
    ) -> Result<Deleted> {
        self.change(|tx| {
            let bucket = buckets::find(tx, bucket)?;
            let current = latest(tx, &bucket.name, key)?.filter(|v| !v.marker);
            conditions.check(current.as_ref())?;
            match id {
                Some(id) => self.delete_version(tx, &bucket, key, id, Change::Delete),
                None => self.delete_latest(tx, &bucket, key, Change::Delete, Change::DeleteMarker),
            }
        })
    }

    /// Removes exactly one version; the newest that is left becomes the latest.
    pub(super) fn delete_version(
        &self,
        tx: &Transaction<'_>,
        bucket: &Bucket,
        key: &str,
        id: &str,
        change: Change,
    ) -> Result<Deleted> {
        let Some(old) = exact(tx, &bucket.name, key, id)? else {
            return Ok(Deleted { version: Some(id.to_owned()), ..Deleted::default() });
        };
        tx.execute("DELETE FROM versions WHERE seq = ?1", [old.seq])?;
        if old.latest {
            tx.execute(
                "UPDATE versions SET latest = 1, superseded_ms = NULL WHERE seq =
                 (SELECT max(seq) FROM versions WHERE bucket = ?1 AND key = ?2)",
                [&bucket.name, key],
            )?;
        }
        let version = (bucket.versioning != Versioning::Never).then_some(old.version);
        self.announce(tx, bucket, key, version.as_deref(), change, "")?;
        let removed = if old.marker { Vec::new() } else { vec![old.blob] };
        Ok(Deleted { marker: old.marker, version, removed })
    }

    /// Deletes without naming a version: for good where there is no versioning, behind a marker where there is.
    pub(super) fn delete_latest(
        &self,
        tx: &Transaction<'_>,
        bucket: &Bucket,
        key: &str,
        for_good: Change,
        hidden: Change,
    ) -> Result<Deleted> {
        if bucket.versioning == Versioning::Never {
            if latest(tx, &bucket.name, key)?.is_none() {
                // Deleting what is not there succeeds, and nothing happened.
                return Ok(Deleted::default());
            }
            return self.delete_version(tx, bucket, key, NULL_VERSION, for_good);
        }
        let now = self.clock.now_ms();
        let removed = supersede(tx, bucket, key, now)?;
        let attributes = Attributes::default();
        let marker = Insert { key, marker: true, blob: "", size: 0, etag: "", attributes: &attributes };
        let (_, version) = insert(tx, bucket, &marker, now)?;
        self.announce(tx, bucket, key, version.as_deref(), hidden, EMPTY_ETAG)?;
        Ok(Deleted { marker: true, version, removed })
    }

    fn announce(
        &self,
        tx: &Transaction<'_>,
        bucket: &Bucket,
        key: &str,
        version: Option<&str>,
        change: Change,
        etag: &str,
    ) -> Result<()> {
        let seq = next_seq(tx)?;
        let what = Happening {
            change,
            bucket: &bucket.name,
            key,
            size: 0,
            etag,
            version,
            seq,
            at: self.clock.now_ms(),
        };
        outbox::record(tx, self, bucket, &what)
    }

    /// Replaces the tags of a version; returns its id when the bucket has versioning.
    pub(crate) fn set_tags(
        &self,
        bucket: &str,
        key: &str,
        id: Option<&str>,
        tags: std::collections::BTreeMap<String, String>,
    ) -> Result<Option<String>> {
        let found = self.find(bucket, key, id)?;
        self.change(|tx| {
            let bucket = buckets::find(tx, bucket)?;
            let change = if tags.is_empty() { Change::Untag } else { Change::Tag };
            let attributes = Attributes { tags, ..found.attributes };
            tx.execute(
                "UPDATE versions SET attributes = ?2 WHERE seq = ?1",
                params![found.seq, serde_json::to_string(&attributes)?],
            )?;
            let version = (bucket.versioning != Versioning::Never).then_some(found.version);
            self.announce(tx, &bucket, key, version.as_deref(), change, &found.etag)?;
            Ok(version)
        })
    }

    /// The objects of a bucket that a reader without a version id would find.
    pub(crate) fn objects(&self, bucket: &str, paging: &Paging) -> Result<Page<Version>> {
        let sql = format!(
            "SELECT {COLUMNS} FROM versions WHERE bucket = ?1 AND latest = 1 AND marker = 0
             AND key >= ?2 AND (key > ?2 OR 0 > ?3) ORDER BY key LIMIT ?4"
        );
        self.listing(bucket, paging, &sql, |_| 0)
    }

    /// Every version and marker, newest first within a key.
    pub(crate) fn versions(&self, bucket: &str, paging: &Paging) -> Result<Page<Version>> {
        let sql = format!(
            "SELECT {COLUMNS} FROM versions WHERE bucket = ?1
             AND key >= ?2 AND (key > ?2 OR -seq > ?3) ORDER BY key, seq DESC LIMIT ?4"
        );
        self.listing(bucket, paging, &sql, |version| -version.seq)
    }

    /// Behind one version of a key, in the order of [`Index::versions`].
    pub(crate) fn behind_version(&self, bucket: &str, key: &str, id: &str) -> Result<Cursor> {
        self.change(|tx| {
            let found = exact(tx, bucket, key, id)?
                .ok_or_else(|| Error::InvalidArgument("Invalid version id specified".to_owned()))?;
            Ok(Cursor { key: found.key, tie: -found.seq })
        })
    }

    fn listing(
        &self,
        bucket: &str,
        paging: &Paging,
        sql: &str,
        tie: fn(&Version) -> i64,
    ) -> Result<Page<Version>> {
        self.change(|tx| {
            buckets::find(tx, bucket)?;
            let mut statement = tx.prepare_cached(sql)?;
            page(paging, |after, limit| {
                let limit = i64::try_from(limit).unwrap_or(i64::MAX);
                let rows = statement.query_map(params![bucket, after.key, after.tie, limit], version)?;
                rows.map(|row| {
                    let row = row?;
                    Ok((Cursor { key: row.key.clone(), tie: tie(&row) }, row))
                })
                .collect()
            })
        })
    }
}

/// MD5 of nothing: the entity tag that announcements of a marker carry.
const EMPTY_ETAG: &str = "d41d8cd98f00b204e9800998ecf8427e";
