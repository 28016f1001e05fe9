use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rusqlite::Connection;

/// Where the state of the one-machine cloud lives.
#[derive(Clone, Debug)]
pub enum State {
    /// Gone with the process.
    Memory,
    /// Files below this folder; survives `kill -9` and a restart.
    Dir(PathBuf),
}

impl State {
    /// A folder for files that do not fit a database (objects, transcoding work): below the state's folder, or a
    /// fresh temporary one when there is none.
    ///
    /// # Errors
    /// When the folder cannot be made.
    pub fn folder(&self, name: &str) -> std::io::Result<PathBuf> {
        let path = match self {
            Self::Dir(root) => root.join(name),
            Self::Memory => std::env::temp_dir()
                .join(format!("local-cloud-{}-{}", std::process::id(), random()))
                .join(name),
        };
        std::fs::create_dir_all(&path)?;
        Ok(path)
    }
}

// Ids of the one-machine cloud need not be reproducible.
#[allow(clippy::disallowed_methods)]
fn random() -> uuid::Uuid {
    uuid::Uuid::new_v4()
}

/// One service's `SQLite` database, in memory or in a file with a write-ahead log.
#[derive(Clone)]
pub struct Store {
    connection: Arc<Mutex<Connection>>,
}

impl Store {
    /// Opens `{name}.db` in the state's folder and runs `schema` (`CREATE TABLE IF NOT EXISTS …`).
    ///
    /// # Errors
    /// When `SQLite` cannot open the file or refuses the schema.
    pub fn open(state: &State, name: &str, schema: &str) -> rusqlite::Result<Self> {
        let connection = match state {
            State::Memory => Connection::open_in_memory()?,
            State::Dir(root) => {
                std::fs::create_dir_all(root).map_err(|_| rusqlite::Error::InvalidPath(root.join(name)))?;
                Connection::open(root.join(format!("{name}.db")))?
            }
        };
        // NORMAL loses nothing when the process dies, only when the machine does.
        connection
            .execute_batch("PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; PRAGMA foreign_keys=ON;")?;
        connection.execute_batch(schema)?;
        Ok(Self { connection: Arc::new(Mutex::new(connection)) })
    }

    /// The connection, for one short piece of work; never held across an `await`.
    pub fn lock(&self) -> MutexGuard<'_, Connection> {
        self.connection.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
