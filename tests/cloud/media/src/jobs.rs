//! The job table. Every change of state and the event that tells of it are one transaction.

use cloud_core::{BusEvent, Clock, Millis, Place, State, Store};
use rusqlite::{Connection, OptionalExtension as _, Row, params};
use serde_json::{Map, Value, json};

use crate::events;
use crate::failure::Failure;
use crate::job::{Job, Phase, Status};
use crate::s3_url::S3Url;

const SCHEMA: &str = "
    CREATE TABLE IF NOT EXISTS jobs (
        seq           INTEGER PRIMARY KEY AUTOINCREMENT,
        id            TEXT NOT NULL UNIQUE,
        token         TEXT UNIQUE,
        request       TEXT NOT NULL,
        queue         TEXT NOT NULL,
        priority      INTEGER NOT NULL,
        status        TEXT NOT NULL,
        phase         TEXT,
        percent       INTEGER,
        attempts      INTEGER NOT NULL DEFAULT 0,
        error_code    INTEGER,
        error_message TEXT,
        submitted_ms  INTEGER NOT NULL,
        started_ms    INTEGER,
        finished_ms   INTEGER,
        outputs       TEXT,
        last_event_ms INTEGER NOT NULL DEFAULT 0
    );
    CREATE INDEX IF NOT EXISTS jobs_waiting ON jobs (status, priority DESC, seq);
    -- Objects of a job that is not complete: they go when it fails.
    CREATE TABLE IF NOT EXISTS written (
        job    TEXT NOT NULL,
        bucket TEXT NOT NULL,
        key    TEXT NOT NULL,
        PRIMARY KEY (job, bucket, key)
    ) WITHOUT ROWID;
";

const COLUMNS: &str = "id, request, queue, priority, status, phase, percent, attempts, error_code, error_message, \
     submitted_ms, started_ms, finished_ms, outputs";

/// What `CreateJob` did.
#[derive(Debug)]
pub(crate) enum Created {
    New(Job),
    /// The token was used before for the same request.
    Known(Job),
    /// The token was used before for another request.
    TokenTaken,
}

/// What `CancelJob` did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Cancelled {
    Done,
    NotFound,
    /// It had ended already.
    Ended(Status),
}

/// Which jobs to list.
#[derive(Debug, Default)]
pub(crate) struct Filter {
    pub status: Option<Status>,
    pub queue: Option<String>,
    pub oldest_first: bool,
    pub limit: usize,
    pub offset: usize,
}

/// The job table.
#[derive(Clone)]
pub(crate) struct Jobs {
    store: Store,
    clock: Clock,
    place: Place,
}

impl Jobs {
    pub fn open(state: &State, clock: Clock, place: Place) -> rusqlite::Result<Self> {
        let store = Store::open(state, "mediaconvert", &format!("{SCHEMA}{}", events::SCHEMA))?;
        Ok(Self { store, clock, place })
    }

    fn now(&self) -> Millis {
        self.clock.now_ms()
    }

    fn announce(
        &self,
        connection: &Connection,
        job: &str,
        status: &str,
        more: Value,
    ) -> rusqlite::Result<()> {
        events::announce(connection, &self.place, self.now(), job, status, more)
    }

    pub fn create(
        &self,
        id: &str,
        queue: &str,
        priority: i64,
        request: &Map<String, Value>,
    ) -> rusqlite::Result<Created> {
        let mut connection = self.store.lock();
        let tx = connection.transaction()?;
        let token = request.get("clientRequestToken").and_then(Value::as_str);
        let query = format!("SELECT {COLUMNS} FROM jobs WHERE token = ?1");
        if let Some(job) = tx.query_row(&query, [token], read).optional()? {
            return Ok(if job.request == *request { Created::Known(job) } else { Created::TokenTaken });
        }
        let text = Value::Object(request.clone()).to_string();
        tx.execute(
            "INSERT INTO jobs (id, token, request, queue, priority, status, submitted_ms)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
            params![id, token, text, queue, priority, Status::Submitted.name(), self.now()],
        )?;
        let job = find(&tx, id)?;
        tx.commit()?;
        job.map(Created::New).ok_or(rusqlite::Error::QueryReturnedNoRows)
    }

    pub fn get(&self, id: &str) -> rusqlite::Result<Option<Job>> {
        find(&self.store.lock(), id)
    }

    pub fn list(&self, filter: &Filter) -> rusqlite::Result<Vec<Job>> {
        let connection = self.store.lock();
        let order = if filter.oldest_first { "ASC" } else { "DESC" };
        let mut query = connection.prepare(&format!(
            "SELECT {COLUMNS} FROM jobs WHERE (?1 IS NULL OR status = ?1) AND (?2 IS NULL OR queue = ?2)
             ORDER BY seq {order} LIMIT ?3 OFFSET ?4"
        ))?;
        let limits = [filter.limit, filter.offset].map(|n| i64::try_from(n).unwrap_or(i64::MAX));
        let [limit, offset] = limits;
        query
            .query_map(params![filter.status.map(Status::name), filter.queue, limit, offset], read)?
            .collect()
    }

    /// Takes the next waiting job: the highest priority, of these the oldest.
    pub fn start_next(&self) -> rusqlite::Result<Option<Job>> {
        let mut connection = self.store.lock();
        let tx = connection.transaction()?;
        let id = tx
            .query_row(
                "SELECT id FROM jobs WHERE status = ?1 ORDER BY priority DESC, seq LIMIT 1",
                [Status::Submitted.name()],
                |row| row.get::<_, String>(0),
            )
            .optional()?;
        let Some(id) = id else { return Ok(None) };
        tx.execute(
            "UPDATE jobs SET status = ?2, phase = ?3, percent = 0, attempts = attempts + 1,
                             started_ms = coalesce(started_ms, ?4)
             WHERE id = ?1",
            params![id, Status::Progressing.name(), Phase::Probing.name(), self.now()],
        )?;
        self.announce(&tx, &id, "PROGRESSING", json!({}))?;
        let job = find(&tx, &id)?;
        tx.commit()?;
        Ok(job)
    }

    /// Notes how far a running job is and tells of it; silently nothing when it does not run any more.
    pub fn report(
        &self,
        id: &str,
        status: &str,
        phase: Phase,
        percent: Option<u8>,
        more: Value,
    ) -> rusqlite::Result<()> {
        let mut connection = self.store.lock();
        let tx = connection.transaction()?;
        let changed = tx.execute(
            "UPDATE jobs SET phase = ?3, percent = coalesce(?4, percent) WHERE id = ?1 AND status = ?2",
            params![id, Status::Progressing.name(), phase.name(), percent],
        )?;
        if changed > 0 {
            self.announce(&tx, id, status, more)?;
        }
        tx.commit()
    }

    /// Ends a running job well. `false` when it was cancelled meanwhile: then its outputs have to go.
    pub fn complete(&self, id: &str, outputs: &Value) -> rusqlite::Result<bool> {
        let mut connection = self.store.lock();
        let tx = connection.transaction()?;
        let changed = tx.execute(
            "UPDATE jobs SET status = ?3, percent = 100, finished_ms = ?4, outputs = ?5 WHERE id = ?1 AND status = ?2",
            params![id, Status::Progressing.name(), Status::Complete.name(), self.now(), outputs.to_string()],
        )?;
        if changed > 0 {
            tx.execute("DELETE FROM written WHERE job = ?1", [id])?;
            self.announce(&tx, id, "COMPLETE", json!({"outputGroupDetails": outputs, "paddingInserted": 0}))?;
        }
        tx.commit()?;
        Ok(changed > 0)
    }

    /// Ends a running job badly; nothing when it was cancelled meanwhile.
    pub fn fail(&self, id: &str, failure: &Failure) -> rusqlite::Result<()> {
        let mut connection = self.store.lock();
        let tx = connection.transaction()?;
        let changed = tx.execute(
            "UPDATE jobs SET status = ?3, finished_ms = ?4, error_code = ?5, error_message = ?6
             WHERE id = ?1 AND status = ?2",
            params![
                id,
                Status::Progressing.name(),
                Status::Error.name(),
                self.now(),
                failure.code,
                failure.message
            ],
        )?;
        if changed > 0 {
            let more = json!({"errorCode": failure.code, "errorMessage": failure.message});
            self.announce(&tx, id, "ERROR", more)?;
        }
        tx.commit()
    }

    pub fn cancel(&self, id: &str) -> rusqlite::Result<Cancelled> {
        let mut connection = self.store.lock();
        let tx = connection.transaction()?;
        let Some(job) = find(&tx, id)? else { return Ok(Cancelled::NotFound) };
        if !matches!(job.status, Status::Submitted | Status::Progressing) {
            return Ok(Cancelled::Ended(job.status));
        }
        tx.execute(
            "UPDATE jobs SET status = ?2, finished_ms = ?3 WHERE id = ?1",
            params![id, Status::Canceled.name(), self.now()],
        )?;
        self.announce(&tx, id, "CANCELED", json!({}))?;
        tx.commit()?;
        Ok(Cancelled::Done)
    }

    /// After a start: jobs that ran when the process died wait again.
    pub fn requeue(&self) -> rusqlite::Result<usize> {
        self.store.lock().execute(
            "UPDATE jobs SET status = ?1, percent = 0 WHERE status = ?2",
            [Status::Submitted.name(), Status::Progressing.name()],
        )
    }

    /// Jobs that are not finished, and events that the bus does not have yet.
    pub fn open_work(&self) -> rusqlite::Result<usize> {
        self.store.lock().query_row(
            "SELECT (SELECT count(*) FROM jobs WHERE status IN (?1, ?2)) + (SELECT count(*) FROM events)",
            [Status::Submitted.name(), Status::Progressing.name()],
            |row| row.get::<_, i64>(0).map(|n| usize::try_from(n).unwrap_or(0)),
        )
    }

    /// How many jobs are in this state.
    pub fn count(&self, status: Status) -> rusqlite::Result<i64> {
        self.store
            .lock()
            .query_row("SELECT count(*) FROM jobs WHERE status = ?1", [status.name()], |row| row.get(0))
    }

    /// Notes that the job is about to write this object.
    pub fn will_write(&self, job: &str, url: &S3Url) -> rusqlite::Result<()> {
        let connection = self.store.lock();
        let sql = "INSERT OR IGNORE INTO written (job, bucket, key) VALUES (?1, ?2, ?3)";
        connection.execute(sql, params![job, url.bucket, url.key]).map(|_| ())
    }

    /// Objects that `job`, or without one any job that ended badly, left behind.
    pub fn left_behind(&self, job: Option<&str>) -> rusqlite::Result<Vec<(String, S3Url)>> {
        let connection = self.store.lock();
        let mut query = connection.prepare(
            "SELECT w.job, w.bucket, w.key FROM written w JOIN jobs j ON j.id = w.job
             WHERE w.job = ?1 OR (?1 IS NULL AND j.status IN ('CANCELED', 'ERROR'))",
        )?;
        query
            .query_map([job], |row| Ok((row.get(0)?, S3Url { bucket: row.get(1)?, key: row.get(2)? })))?
            .collect()
    }

    /// The object is gone.
    pub fn removed(&self, job: &str, url: &S3Url) -> rusqlite::Result<()> {
        let connection = self.store.lock();
        let sql = "DELETE FROM written WHERE job = ?1 AND bucket = ?2 AND key = ?3";
        connection.execute(sql, params![job, url.bucket, url.key]).map(|_| ())
    }

    pub fn oldest_event(&self) -> rusqlite::Result<Option<(i64, BusEvent)>> {
        events::oldest(&self.store.lock(), &self.place)
    }

    pub fn event_sent(&self, seq: i64) -> rusqlite::Result<()> {
        events::sent(&self.store.lock(), seq)
    }

    pub fn clear(&self) -> rusqlite::Result<()> {
        self.store
            .lock()
            .execute_batch("BEGIN; DELETE FROM jobs; DELETE FROM events; DELETE FROM written; COMMIT;")
    }
}

fn find(connection: &Connection, id: &str) -> rusqlite::Result<Option<Job>> {
    connection.query_row(&format!("SELECT {COLUMNS} FROM jobs WHERE id = ?1"), [id], read).optional()
}

fn read(row: &Row<'_>) -> rusqlite::Result<Job> {
    let text = |index: usize| row.get::<_, Option<String>>(index);
    let code: Option<i32> = row.get(8)?;
    Ok(Job {
        id: row.get(0)?,
        request: text(1)?.and_then(|t| serde_json::from_str(&t).ok()).unwrap_or_default(),
        queue: row.get(2)?,
        priority: row.get(3)?,
        status: text(4)?.as_deref().and_then(Status::parse).unwrap_or(Status::Error),
        phase: row.get(5)?,
        percent: row.get(6)?,
        attempts: row.get(7)?,
        failure: code.zip(text(9)?).map(|(code, message)| Failure { code, message }),
        submitted_ms: row.get(10)?,
        started_ms: row.get(11)?,
        finished_ms: row.get(12)?,
        outputs: text(13)?.and_then(|t| serde_json::from_str(&t).ok()).unwrap_or_default(),
    })
}
