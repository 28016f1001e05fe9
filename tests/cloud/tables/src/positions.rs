//! How far each consumer of a stream has come.

use rusqlite::{OptionalExtension, params};

use crate::Tables;
use crate::error::Error;

/// A colon cannot occur in a DynamoDB table's name, so these tables collide with none.
pub(crate) const SCHEMA: &str = r#"CREATE TABLE IF NOT EXISTS "cloud:positions" (
    consumer TEXT NOT NULL,
    table_name TEXT NOT NULL,
    sequence_number TEXT,
    PRIMARY KEY (consumer, table_name)
) WITHOUT ROWID"#;

impl Tables {
    /// Makes `consumer` known: from now on the table's records are kept until it has them, however far the clock
    /// jumps. Does nothing when it is known already.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn register(&self, consumer: &str, table: &str) -> Result<(), Error> {
        self.engine
            .read(|session| {
                session.storage.conn().execute(
                    r#"INSERT OR IGNORE INTO "cloud:positions" VALUES (?1, ?2, NULL)"#,
                    params![consumer, table],
                )?;
                Ok(())
            })
            .await
    }

    /// The sequence number of the last record that `consumer` is done with, or `None` when it has not begun: it then
    /// starts at the oldest record. Survives a restart.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn position(&self, consumer: &str, table: &str) -> Result<Option<String>, Error> {
        self.engine
            .read(|session| {
                let found = session
                    .storage
                    .conn()
                    .prepare_cached(
                        r#"SELECT sequence_number FROM "cloud:positions" WHERE consumer = ?1 AND table_name = ?2"#,
                    )?
                    .query_row(params![consumer, table], |row| row.get(0))
                    .optional()?;
                Ok(found.flatten())
            })
            .await
    }

    /// Records that `consumer` is done with everything up to `sequence_number`.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn set_position(
        &self,
        consumer: &str,
        table: &str,
        sequence_number: &str,
    ) -> Result<(), Error> {
        self.engine
            .read(|session| {
                session
                    .storage
                    .conn()
                    .prepare_cached(
                        r#"INSERT INTO "cloud:positions" VALUES (?1, ?2, ?3)
                        ON CONFLICT (consumer, table_name) DO UPDATE SET sequence_number = excluded.sequence_number"#,
                    )?
                    .execute(params![consumer, table, sequence_number])?;
                Ok(())
            })
            .await
    }
}
