use cloud_core::Millis;
use rusqlite::{OptionalExtension as _, Row, Transaction, params};
use s3s::dto::{BucketLifecycleConfiguration, CORSConfiguration, NotificationConfiguration};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::{Index, Result};
use crate::error::Error;

/// Versioning of a bucket; once enabled it can be suspended but not taken back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Versioning {
    Never,
    Enabled,
    Suspended,
}

impl Versioning {
    /// As in `VersioningConfiguration`, which is empty for a bucket that never had it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Never => "",
            Self::Enabled => "Enabled",
            Self::Suspended => "Suspended",
        }
    }

    fn parse(name: &str) -> Self {
        match name {
            "Enabled" => Self::Enabled,
            "Suspended" => Self::Suspended,
            _ => Self::Never,
        }
    }
}

/// A bucket and its configuration.
#[derive(Clone, Debug)]
pub(crate) struct Bucket {
    pub name: String,
    pub created_ms: Millis,
    pub versioning: Versioning,
    pub cors: Option<CORSConfiguration>,
    pub lifecycle: Option<BucketLifecycleConfiguration>,
    pub notification: Option<NotificationConfiguration>,
}

const COLUMNS: &str = "name, created_ms, versioning, cors, lifecycle, notification";

fn bucket(row: &Row<'_>) -> rusqlite::Result<Bucket> {
    Ok(Bucket {
        name: row.get(0)?,
        created_ms: row.get(1)?,
        versioning: Versioning::parse(&row.get::<_, String>(2)?),
        cors: configuration(row, 3)?,
        lifecycle: configuration(row, 4)?,
        notification: configuration(row, 5)?,
    })
}

fn configuration<T: DeserializeOwned>(row: &Row<'_>, column: usize) -> rusqlite::Result<Option<T>> {
    row.get::<_, Option<String>>(column)?.map(|text| serde_json::from_str(&text)).transpose().map_err(
        |error| rusqlite::Error::FromSqlConversionFailure(column, rusqlite::types::Type::Text, error.into()),
    )
}

/// The bucket, inside a transaction.
pub(super) fn find(tx: &Transaction<'_>, name: &str) -> Result<Bucket> {
    tx.query_row(&format!("SELECT {COLUMNS} FROM buckets WHERE name = ?1"), [name], bucket)
        .optional()?
        .ok_or(Error::NoSuchBucket)
}

impl Index {
    pub(crate) fn create_bucket(&self, name: &str) -> Result<()> {
        let now = self.clock.now_ms();
        self.change(|tx| {
            let added = tx.execute(
                "INSERT OR IGNORE INTO buckets (name, created_ms) VALUES (?1, ?2)",
                params![name, now],
            )?;
            if added == 0 { Err(Error::BucketAlreadyOwnedByYou) } else { Ok(()) }
        })
    }

    pub(crate) fn bucket(&self, name: &str) -> Result<Bucket> {
        self.change(|tx| find(tx, name))
    }

    pub(crate) fn buckets(&self) -> Result<Vec<Bucket>> {
        let connection = self.store.lock();
        let mut statement = connection.prepare(&format!("SELECT {COLUMNS} FROM buckets ORDER BY name"))?;
        let all = statement.query_map([], bucket)?.collect::<rusqlite::Result<_>>()?;
        Ok(all)
    }

    /// Only an empty bucket goes; uploads that nobody finished go with it. Returns the files they leave.
    pub(crate) fn delete_bucket(&self, name: &str) -> Result<Vec<String>> {
        self.change(|tx| {
            find(tx, name)?;
            if tx.query_row("SELECT EXISTS (SELECT 1 FROM versions WHERE bucket = ?1)", [name], |row| {
                row.get(0)
            })? {
                return Err(Error::BucketNotEmpty);
            }
            let of_bucket = "upload IN (SELECT id FROM uploads WHERE bucket = ?1)";
            let left = tx
                .prepare(&format!("DELETE FROM parts WHERE {of_bucket} RETURNING blob"))?
                .query_map([name], |row| row.get(0))?
                .collect::<rusqlite::Result<_>>()?;
            tx.execute("DELETE FROM uploads WHERE bucket = ?1", [name])?;
            tx.execute("DELETE FROM buckets WHERE name = ?1", [name])?;
            Ok(left)
        })
    }

    pub(crate) fn set_versioning(&self, name: &str, versioning: Versioning) -> Result<()> {
        self.set(name, "versioning", Some(versioning.name()))
    }

    pub(crate) fn set_cors(&self, name: &str, cors: Option<&CORSConfiguration>) -> Result<()> {
        self.set(name, "cors", text(cors)?.as_deref())
    }

    pub(crate) fn set_lifecycle(
        &self,
        name: &str,
        lifecycle: Option<&BucketLifecycleConfiguration>,
    ) -> Result<()> {
        self.set(name, "lifecycle", text(lifecycle)?.as_deref())
    }

    pub(crate) fn set_notification(&self, name: &str, to: Option<&NotificationConfiguration>) -> Result<()> {
        self.set(name, "notification", text(to)?.as_deref())
    }

    fn set(&self, name: &str, column: &'static str, value: Option<&str>) -> Result<()> {
        self.change(|tx| {
            let changed = tx.execute(
                &format!("UPDATE buckets SET {column} = ?2 WHERE name = ?1"),
                params![name, value],
            )?;
            if changed == 0 { Err(Error::NoSuchBucket) } else { Ok(()) }
        })
    }
}

fn text<T: Serialize>(configuration: Option<&T>) -> Result<Option<String>> {
    Ok(configuration.map(serde_json::to_string).transpose()?)
}
