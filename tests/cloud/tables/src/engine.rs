//! Serialised access to the one `SQLite` connection.
//!
//! The connection sits behind an asynchronous mutex, which is fair and lets a caller wait without holding a thread.
//! Work that is known to be short (one item, a small transaction: tens of microseconds) then runs on the spot:
//! moving it to another thread would cost as much as doing it. At most one runtime worker can be busy that way,
//! since there is one connection. Everything whose length depends on data runs on the blocking pool.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use cloud_core::{Clock, State};
use dynoxide::DynoxideError;
use dynoxide::actions::vector_lifecycle::VectorIndexLifecycle;
use dynoxide::storage::Storage;
use futures::FutureExt;
use rusqlite::params;
use tokio::sync::Mutex;

use crate::error::Error;
use crate::idempotency::Tokens;
use crate::streams::Changes;
use crate::{backups, expiry, positions};

/// Pages of write-ahead log (4 KiB each) after which `SQLite` copies it into the database file. That copy is the only
/// moment when a write waits for the disk, so it is made rarer than `SQLite`'s 1000.
const WAL_PAGES: u32 = 8000;

/// Finds the last record of a table's stream, and the records after one, without reading the whole stream: the
/// engine asks for the highest number on every write.
const STREAM_INDEX: &str = r#"CREATE INDEX IF NOT EXISTS "cloud:stream" ON _stream_records (table_name, CAST(sequence_number AS INTEGER))"#;

/// What one piece of work has to itself while it runs.
pub(crate) struct Session {
    pub(crate) storage: Storage,
    pub(crate) vectors: VectorIndexLifecycle,
    pub(crate) transactions: Tokens,
    pub(crate) statements: Tokens,
    pub(crate) clock: Clock,
    changes: Arc<Changes>,
    /// Row id of the newest stream record that waiters were told about.
    announced: i64,
    /// See [`EngineClock`].
    passed: Arc<AtomicI64>,
}

pub(crate) struct Engine {
    session: Arc<Mutex<Session>>,
    pub(crate) changes: Arc<Changes>,
}

impl std::fmt::Debug for Engine {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Engine").finish_non_exhaustive()
    }
}

impl Engine {
    pub(crate) fn open(state: &State, clock: &Clock) -> Result<Self, Error> {
        let storage = match state {
            State::Memory => Storage::memory()?,
            State::Dir(root) => {
                std::fs::create_dir_all(root)?;
                Storage::new(&root.join("tables.db").to_string_lossy())?
            }
        };
        let passed = Arc::<AtomicI64>::default();
        let storage =
            storage.with_clock(Arc::new(EngineClock { clock: clock.clone(), passed: Arc::clone(&passed) }));
        // NORMAL loses nothing when the process dies, only when the machine does. The engine leaves SQLite's FULL.
        storage.conn().execute_batch(&format!(
            "PRAGMA synchronous=NORMAL; PRAGMA wal_autocheckpoint={WAL_PAGES}; {STREAM_INDEX}; {}; {}",
            positions::SCHEMA,
            backups::SCHEMA,
        ))?;
        let changes = Arc::<Changes>::default();
        let announced = newest_stream_row(&storage)?;
        let session = Session {
            storage,
            vectors: VectorIndexLifecycle::new(),
            transactions: Tokens::default(),
            statements: Tokens::default(),
            clock: clock.clone(),
            changes: Arc::clone(&changes),
            announced,
            passed,
        };
        expiry::index_all(&session.storage)?;
        Ok(Self { session: Arc::new(Mutex::new(session)), changes })
    }

    /// Short work that changes nothing.
    pub(crate) async fn read<T, F>(&self, work: F) -> Result<T, Error>
    where
        F: FnOnce(&mut Session) -> Result<T, Error>,
    {
        let mut session = self.session.lock().await;
        session.perform(work)
    }

    /// Short work that may change items.
    pub(crate) async fn write<T, F>(&self, work: F) -> Result<T, Error>
    where
        F: FnOnce(&mut Session) -> Result<T, Error>,
    {
        let mut session = self.session.lock().await;
        let done = session.perform(work);
        session.announce();
        done
    }

    /// Work of any length that changes nothing.
    pub(crate) async fn read_heavy<T, F>(&self, work: F) -> Result<T, Error>
    where
        T: Send + 'static,
        F: FnOnce(&mut Session) -> Result<T, Error> + Send + 'static,
    {
        let mut session = Arc::clone(&self.session).lock_owned().await;
        joined(tokio::task::spawn_blocking(move || session.perform(work)).await)
    }

    /// Work of any length that may change items. Runs to its end even when the caller stops waiting.
    pub(crate) async fn write_heavy<T, F>(&self, work: F) -> Result<T, Error>
    where
        T: Send + 'static,
        F: FnOnce(&mut Session) -> Result<T, Error> + Send + 'static,
    {
        let mut session = Arc::clone(&self.session).lock_owned().await;
        let task = tokio::task::spawn_blocking(move || {
            let done = session.perform(work);
            session.announce();
            done
        });
        joined(task.await)
    }
}

fn joined<T>(done: Result<Result<T, Error>, tokio::task::JoinError>) -> Result<T, Error> {
    done.unwrap_or_else(|e| Err(DynoxideError::InternalServerError(format!("interrupted: {e}")).into()))
}

impl Session {
    /// Runs `work`; a panic of the engine costs that request alone, and leaves no transaction open behind it.
    fn perform<T>(&mut self, work: impl FnOnce(&mut Self) -> Result<T, Error>) -> Result<T, Error> {
        let done = catch_unwind(AssertUnwindSafe(|| work(self))).unwrap_or_else(|_| {
            Err(DynoxideError::InternalServerError("the database engine panicked".to_owned()).into())
        });
        if !self.storage.conn().is_autocommit() {
            self.storage.rollback()?;
        }
        done
    }

    /// Wakes whoever waits for a table whose stream has grown.
    fn announce(&mut self) {
        let touched = self.grown_streams().unwrap_or_else(|error| {
            tracing::error!(%error, "cannot see which streams have grown");
            Vec::new()
        });
        for table in touched {
            self.changes.announce(&table);
        }
    }

    fn grown_streams(&mut self) -> Result<Vec<String>, rusqlite::Error> {
        let newest = newest_stream_row(&self.storage)?;
        if newest <= self.announced {
            return Ok(Vec::new());
        }
        // By row id; SQLite would rather read the whole index of names.
        let mut statement = self
            .storage
            .conn()
            .prepare_cached("SELECT DISTINCT table_name FROM _stream_records NOT INDEXED WHERE id > ?1")?;
        let tables =
            statement.query_map(params![self.announced], |row| row.get(0))?.collect::<Result<_, _>>()?;
        self.announced = newest;
        Ok(tables)
    }

    /// Everything gone, tables included.
    pub(crate) fn delete_all_tables(&mut self) -> Result<(), Error> {
        for table in self.storage.list_table_names()? {
            self.storage.update_deletion_protection(&table, false)?;
            let request = dynoxide::actions::delete_table::DeleteTableRequest { table_name: table };
            now(dynoxide::actions::delete_table::execute(&self.storage, request, &self.vectors))?;
        }
        self.forget_what_surrounds_tables(true)
    }

    /// All items gone, tables kept.
    pub(crate) fn empty_all_tables(&mut self) -> Result<(), Error> {
        self.storage.begin_transaction()?;
        for table in self.storage.list_table_names()? {
            for sql_table in self.sql_tables_of(&table)? {
                self.storage.conn().execute_batch(&format!("DELETE FROM {}", quoted(&sql_table)))?;
            }
        }
        self.forget_what_surrounds_tables(false)?;
        self.storage.commit()?;
        Ok(())
    }

    fn forget_what_surrounds_tables(&mut self, settings: bool) -> Result<(), Error> {
        self.pass_numbers()?;
        self.storage.conn().execute_batch(
            r#"DELETE FROM _stream_records; UPDATE "cloud:positions" SET sequence_number = NULL"#,
        )?;
        if settings {
            self.storage
                .conn()
                .execute_batch(r#"DELETE FROM "cloud:backups"; DELETE FROM "cloud:positions""#)?;
        }
        self.transactions = Tokens::default();
        self.statements = Tokens::default();
        Ok(())
    }

    /// Before stream records are deleted: what comes after them gets higher numbers.
    fn pass_numbers(&self) -> Result<(), Error> {
        let last: i64 = self.storage.conn().query_row(
            "SELECT COALESCE(MAX(CAST(sequence_number AS INTEGER)), 0) FROM _stream_records",
            [],
            |row| row.get(0),
        )?;
        // A floating-point number of seconds may be a microsecond off.
        self.passed.fetch_max(last.saturating_add(2), Ordering::SeqCst);
        Ok(())
    }

    /// The `SQLite` tables behind one DynamoDB table: its items, and a copy for each index (`{table}::{kind}::{index}`).
    fn sql_tables_of(&self, table: &str) -> Result<Vec<String>, Error> {
        let mut statement = self
            .storage
            .conn()
            .prepare("SELECT name FROM sqlite_master WHERE type = 'table' AND (name = ?1 OR substr(name, 1, length(?1) + 2) = ?1 || '::')")?;
        let names = statement.query_map(params![table], |row| row.get(0))?.collect::<Result<_, _>>()?;
        Ok(names)
    }

    /// What a deleted table leaves behind: the engine keeps its stream, and a table created again under the same name
    /// would show it.
    pub(crate) fn forget_table(&self, table: &str) -> Result<(), Error> {
        self.pass_numbers()?;
        let connection = self.storage.conn();
        connection.execute("DELETE FROM _stream_records WHERE table_name = ?1", params![table])?;
        connection.execute(r#"DELETE FROM "cloud:positions" WHERE table_name = ?1"#, params![table])?;
        connection.execute(r#"DELETE FROM "cloud:backups" WHERE table_name = ?1"#, params![table])?;
        Ok(())
    }
}

fn newest_stream_row(storage: &Storage) -> Result<i64, rusqlite::Error> {
    storage
        .conn()
        .prepare_cached("SELECT COALESCE(MAX(id), 0) FROM _stream_records")?
        .query_row([], |row| row.get(0))
}

/// An SQL identifier.
pub(crate) fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// The result of one of the engine's operations. They are `async` for its browser build; on `SQLite` in the process they
/// never wait.
pub(crate) fn now<T>(operation: impl Future<Output = Result<T, DynoxideError>>) -> Result<T, Error> {
    match operation.now_or_never() {
        Some(done) => Ok(done?),
        None => {
            Err(DynoxideError::InternalServerError("the database engine did not finish".to_owned()).into())
        }
    }
}

/// The one clock, as the engine asks for it.
///
/// The engine numbers stream records from the greater of the last number and the microsecond of its clock. Where
/// records were deleted the last number is gone, and `passed` stands in for it: no number is given out twice.
struct EngineClock {
    clock: Clock,
    passed: Arc<AtomicI64>,
}

impl dynoxide::storage_backend::Clock for EngineClock {
    fn now_unix_secs(&self) -> u64 {
        u64::try_from(self.clock.now_s()).unwrap_or(0)
    }

    fn now_unix_secs_f64(&self) -> f64 {
        let now = self.clock.now_ms().saturating_mul(1000).max(self.passed.load(Ordering::SeqCst));
        // Microseconds since 1970 stay below 2^53 until the year 2255.
        #[allow(clippy::cast_precision_loss)]
        let now = now as f64;
        now / 1e6
    }
}
