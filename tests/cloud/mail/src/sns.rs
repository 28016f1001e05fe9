//! SNS: topics and who listens to them, text messages, mobile pushes.

use cloud_core::WireError;
use rusqlite::{Connection, OptionalExtension as _, Row};
use serde::Serialize;

use crate::form::Form;
use crate::ident;
use crate::service::{Mail, OpenError, internal, unknown_operation};
use crate::xml::Xml;

mod fan_out;
mod publish;
mod push;
mod topics;

pub(crate) const SCHEMA: &str = "
    CREATE TABLE IF NOT EXISTS topics (arn TEXT PRIMARY KEY) WITHOUT ROWID;
    CREATE TABLE IF NOT EXISTS subscriptions (
        arn      TEXT PRIMARY KEY,
        topic    TEXT NOT NULL REFERENCES topics (arn) ON DELETE CASCADE,
        protocol TEXT NOT NULL,
        endpoint TEXT NOT NULL,
        raw      INTEGER NOT NULL,
        UNIQUE (topic, protocol, endpoint)
    ) WITHOUT ROWID;
    -- What was published and not delivered yet.
    CREATE TABLE IF NOT EXISTS deliveries (
        seq    INTEGER PRIMARY KEY AUTOINCREMENT,
        target TEXT NOT NULL,
        body   TEXT NOT NULL,
        grp    TEXT
    );
    CREATE TABLE IF NOT EXISTS texts (
        seq        INTEGER PRIMARY KEY AUTOINCREMENT,
        id         TEXT NOT NULL,
        phone      TEXT NOT NULL,
        message    TEXT NOT NULL,
        sender     TEXT,
        created_ms INTEGER NOT NULL
    );
    CREATE TABLE IF NOT EXISTS applications (
        arn      TEXT PRIMARY KEY,
        platform TEXT NOT NULL
    ) WITHOUT ROWID;
    CREATE TABLE IF NOT EXISTS endpoints (
        arn         TEXT PRIMARY KEY,
        application TEXT NOT NULL REFERENCES applications (arn) ON DELETE CASCADE,
        token       TEXT NOT NULL,
        user_data   TEXT NOT NULL,
        enabled     INTEGER NOT NULL,
        UNIQUE (application, token)
    ) WITHOUT ROWID;
    CREATE TABLE IF NOT EXISTS pushes (
        seq        INTEGER PRIMARY KEY AUTOINCREMENT,
        id         TEXT NOT NULL,
        endpoint   TEXT NOT NULL,
        platform   TEXT NOT NULL,
        token      TEXT NOT NULL,
        user_data  TEXT NOT NULL,
        message    TEXT NOT NULL,
        created_ms INTEGER NOT NULL
    );
";

/// A text message that was sent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct CapturedText {
    /// SNS message id.
    pub id: String,
    /// E.164.
    pub to: String,
    /// What it says.
    pub text: String,
    /// `AWS.SNS.SMS.SenderID`.
    pub sender_id: Option<String>,
    /// When it was sent; RFC 3339 in JSON.
    pub created_at: jiff::Timestamp,
}

/// A mobile push that was sent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct CapturedPush {
    /// SNS message id.
    pub id: String,
    /// ARN of the platform endpoint.
    pub endpoint_arn: String,
    /// `GCM`, `APNS`, `APNS_SANDBOX` and so on.
    pub platform: String,
    /// The device's token.
    pub token: String,
    /// `CustomUserData` of the endpoint.
    pub user_data: String,
    /// What this platform was given: its own part of a JSON message, else the whole message.
    pub message: String,
    /// When it was sent; RFC 3339 in JSON.
    pub created_at: jiff::Timestamp,
}

impl Mail {
    /// Text messages that were sent, newest first.
    ///
    /// # Errors
    /// When the database refuses.
    pub fn texts(&self) -> Result<Vec<CapturedText>, OpenError> {
        let connection = self.store.lock();
        let sql = "SELECT id, phone, message, sender, created_ms FROM texts ORDER BY seq DESC";
        Ok(connection.prepare(sql)?.query_map([], text)?.collect::<Result<_, _>>()?)
    }

    /// Mobile pushes that were sent, newest first.
    ///
    /// # Errors
    /// When the database refuses.
    pub fn pushes(&self) -> Result<Vec<CapturedPush>, OpenError> {
        let connection = self.store.lock();
        let sql = "SELECT id, endpoint, platform, token, user_data, message, created_ms FROM pushes ORDER BY seq DESC";
        Ok(connection.prepare(sql)?.query_map([], push)?.collect::<Result<_, _>>()?)
    }

    pub(crate) async fn sns(&self, action: &str, form: &Form) -> Result<Xml, WireError> {
        match action {
            "Publish" => self.publish(form).await,
            "PublishBatch" => self.publish_batch(form).await,
            _ => match self.topic_call(action, form) {
                Some(answer) => answer,
                None => self.push_call(action, form).unwrap_or_else(|| Err(unknown_operation(action))),
            },
        }
    }
}

/// How much waits to be delivered.
pub(crate) fn waiting(store: &cloud_core::Store) -> rusqlite::Result<usize> {
    let count = |row: &Row<'_>| row.get::<_, i64>(0);
    let waiting = store.lock().query_row("SELECT count(*) FROM deliveries", [], count)?;
    Ok(usize::try_from(waiting).unwrap_or(0))
}

fn text(row: &Row<'_>) -> rusqlite::Result<CapturedText> {
    Ok(CapturedText {
        id: row.get(0)?,
        to: row.get(1)?,
        text: row.get(2)?,
        sender_id: row.get(3)?,
        created_at: ident::timestamp(row.get(4)?),
    })
}

fn push(row: &Row<'_>) -> rusqlite::Result<CapturedPush> {
    Ok(CapturedPush {
        id: row.get(0)?,
        endpoint_arn: row.get(1)?,
        platform: row.get(2)?,
        token: row.get(3)?,
        user_data: row.get(4)?,
        message: row.get(5)?,
        created_at: ident::timestamp(row.get(6)?),
    })
}

fn invalid(text: impl Into<String>) -> WireError {
    WireError::bad_request("InvalidParameter", format!("Invalid parameter: {}", text.into()))
}

fn not_found(what: &str) -> WireError {
    WireError::bad_request("NotFound", format!("{what} does not exist"))
        .with_status(http::StatusCode::NOT_FOUND)
}

fn exists(connection: &Connection, sql: &str, arn: &str) -> Result<bool, WireError> {
    Ok(connection.query_row(sql, [arn], |_| Ok(())).optional().map_err(internal)?.is_some())
}
