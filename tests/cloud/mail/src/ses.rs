//! SES: who may send, and what was sent.

use std::collections::BTreeMap;

use cloud_core::{Millis, WireError};
use http::StatusCode;
use rusqlite::{OptionalExtension as _, Row, params};
use serde::Serialize;
use serde_json::json;

use crate::ident;
use crate::json;
use crate::service::{Mail, OpenError, internal};

mod message;
mod query;
mod rest;
mod template;

pub(crate) const SCHEMA: &str = "
    CREATE TABLE IF NOT EXISTS identities (name TEXT PRIMARY KEY) WITHOUT ROWID;
    CREATE TABLE IF NOT EXISTS templates (
        name    TEXT PRIMARY KEY,
        subject TEXT NOT NULL,
        text    TEXT NOT NULL,
        html    TEXT NOT NULL
    ) WITHOUT ROWID;
    CREATE TABLE IF NOT EXISTS mails (
        seq        INTEGER PRIMARY KEY AUTOINCREMENT,
        id         TEXT NOT NULL UNIQUE,
        source     TEXT NOT NULL,
        recipients TEXT NOT NULL,
        subject    TEXT NOT NULL,
        text       TEXT,
        html       TEXT,
        raw        TEXT,
        created_ms INTEGER NOT NULL
    );
    -- Bare addresses, in lower case, of everybody who gets the mail.
    CREATE TABLE IF NOT EXISTS mail_addresses (
        mail    INTEGER NOT NULL REFERENCES mails (seq) ON DELETE CASCADE,
        address TEXT NOT NULL,
        PRIMARY KEY (address, mail)
    ) WITHOUT ROWID;
";

/// SES takes at most this many recipients a message.
const RECIPIENTS: usize = 50;

/// A mail that was sent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct CapturedMail {
    /// SES message id.
    pub id: String,
    /// Everybody it went to (to, cc, bcc), as written by the sender, separated by `, `.
    pub to: String,
    /// As written by the sender, with the display name if there is one.
    pub from: String,
    /// Decoded.
    pub subject: String,
    /// The plain text part.
    pub text: Option<String>,
    /// The HTML part.
    pub html: Option<String>,
    /// When it was sent, by the clock of the one-machine cloud; RFC 3339 in JSON.
    pub created_at: jiff::Timestamp,
}

/// A mail on its way out.
#[derive(Debug, Default)]
pub(crate) struct Outgoing {
    pub from: String,
    pub to: Vec<String>,
    pub cc: Vec<String>,
    pub bcc: Vec<String>,
    pub subject: String,
    pub text: Option<String>,
    pub html: Option<String>,
    /// The MIME message, when it came as one.
    pub raw: Option<String>,
}

impl Mail {
    /// Mails that were sent, newest first; only those to `to` when given (an address in any letter case).
    ///
    /// # Errors
    /// When the database refuses.
    pub fn mails(&self, to: Option<&str>) -> Result<Vec<CapturedMail>, OpenError> {
        let connection = self.store.lock();
        let mut query = connection.prepare(
            "SELECT id, source, recipients, subject, text, html, created_ms FROM mails
             WHERE ?1 IS NULL OR seq IN (SELECT mail FROM mail_addresses WHERE address = ?1)
             ORDER BY seq DESC",
        )?;
        let address = to.map(|to| message::bare(to).unwrap_or_else(|| to.to_lowercase()));
        let mails = query.query_map([address], captured)?.collect::<Result<_, _>>()?;
        Ok(mails)
    }

    /// Lets this address, or every address of this domain, send.
    ///
    /// # Errors
    /// When the database refuses.
    pub fn ensure_identity(&self, name: &str) -> Result<(), OpenError> {
        let sql = "INSERT OR IGNORE INTO identities (name) VALUES (?1)";
        self.store.lock().execute(sql, [name.to_lowercase()])?;
        Ok(())
    }

    fn identities(&self) -> Result<Vec<String>, WireError> {
        let connection = self.store.lock();
        let mut query = connection.prepare("SELECT name FROM identities ORDER BY name").map_err(internal)?;
        query.query_map([], |row| row.get(0)).and_then(Iterator::collect).map_err(internal)
    }

    fn has_identity(&self, name: &str) -> Result<bool, WireError> {
        let sql = "SELECT 1 FROM identities WHERE name = ?1";
        let found = self.store.lock().query_row(sql, [name.to_lowercase()], |_| Ok(())).optional();
        Ok(found.map_err(internal)?.is_some())
    }

    fn remove_identity(&self, name: &str) -> Result<bool, WireError> {
        let sql = "DELETE FROM identities WHERE name = ?1";
        Ok(self.store.lock().execute(sql, [name.to_lowercase()]).map_err(internal)? > 0)
    }

    /// Checks and keeps a mail; returns its id.
    fn send(&self, mail: &Outgoing) -> Result<String, WireError> {
        let sender = address(&mail.from)?;
        let domain = sender.rsplit('@').next().unwrap_or_default();
        if !self.has_identity(&sender)? && !self.has_identity(domain)? {
            let region = self.place.region.to_uppercase();
            return Err(WireError::bad_request(
                "MessageRejected",
                format!(
                    "Email address is not verified. The following identities failed the check in region {region}: {sender}"
                ),
            ));
        }
        let written: Vec<&String> = mail.to.iter().chain(&mail.cc).chain(&mail.bcc).collect();
        if written.is_empty() || written.len() > RECIPIENTS {
            let text =
                format!("Recipient count is {}; it should be between 1 and {RECIPIENTS}.", written.len());
            return Err(WireError::bad_request("InvalidParameterValue", text));
        }
        let bare = written.iter().map(|one| address(one)).collect::<Result<Vec<_>, _>>()?;
        let recipients = json!({"to": mail.to, "cc": mail.cc, "bcc": mail.bcc}).to_string();
        let id = format!("{:016x}-{}-000000", self.clock.now_ms(), ident::uuid());
        self.keep(mail, &id, &recipients, &bare).map_err(internal)?;
        Ok(id)
    }

    fn keep(&self, mail: &Outgoing, id: &str, recipients: &str, bare: &[String]) -> rusqlite::Result<()> {
        let mut connection = self.store.lock();
        let tx = connection.transaction()?;
        tx.execute(
            "INSERT INTO mails (id, source, recipients, subject, text, html, raw, created_ms)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
            params![
                id,
                mail.from,
                recipients,
                mail.subject,
                mail.text,
                mail.html,
                mail.raw,
                self.clock.now_ms()
            ],
        )?;
        let seq = tx.last_insert_rowid();
        for address in bare {
            let sql = "INSERT OR IGNORE INTO mail_addresses (mail, address) VALUES (?1, ?2)";
            tx.execute(sql, params![seq, address])?;
        }
        tx.commit()
    }

    /// `GET /_aws/ses?id=&email=` in `LocalStack`'s form (`email` is the sender), oldest first; `DELETE` empties it.
    pub(crate) fn show_mails(&self, parts: &http::request::Parts) -> cloud_core::Response {
        let query = url::form_urlencoded::parse(parts.uri.query().unwrap_or_default().as_bytes());
        let query: BTreeMap<_, _> = query.collect();
        let [id, sender] = ["id", "email"].map(|name| query.get(name).map(AsRef::as_ref));
        let answer = match parts.method {
            http::Method::DELETE => {
                let sql = "DELETE FROM mails WHERE ?1 IS NULL OR id = ?1";
                self.store.lock().execute(sql, [id]).map(|_| (StatusCode::NO_CONTENT, json!({})))
            }
            _ => self
                .localstack_messages(id, sender)
                .map(|messages| (StatusCode::OK, json!({"messages": messages}))),
        };
        match answer {
            Ok((status, value)) => json::response(status, "application/json", &value),
            Err(error) => internal(error).response(cloud_core::Protocol::RestJson),
        }
    }

    fn localstack_messages(
        &self,
        id: Option<&str>,
        sender: Option<&str>,
    ) -> rusqlite::Result<Vec<serde_json::Value>> {
        let connection = self.store.lock();
        let mut query = connection.prepare(
            "SELECT id, source, recipients, subject, text, html, created_ms, raw FROM mails
             WHERE (?1 IS NULL OR id = ?1) AND (?2 IS NULL OR source = ?2) ORDER BY seq",
        )?;
        let messages = query.query_map([id, sender], |row| {
            let recipients: serde_json::Value =
                serde_json::from_str(&row.get::<_, String>(2)?).unwrap_or_default();
            let list = |name: &str| recipients.get(name).cloned().unwrap_or_else(|| json!([]));
            let mut message = json!({
                "Id": row.get::<_, String>(0)?,
                "Region": self.place.region,
                "Source": row.get::<_, String>(1)?,
                "Destination": {"ToAddresses": list("to"), "CcAddresses": list("cc"), "BccAddresses": list("bcc")},
                "Subject": row.get::<_, String>(3)?,
                "Body": {"text_part": row.get::<_, Option<String>>(4)?, "html_part": row.get::<_, Option<String>>(5)?},
                "Timestamp": ident::timestamp(row.get::<_, Millis>(6)?).to_string(),
            });
            if let (Some(raw), Some(fields)) = (row.get::<_, Option<String>>(7)?, message.as_object_mut()) {
                fields.insert("RawData".into(), raw.into());
            }
            Ok(message)
        })?;
        messages.collect()
    }
}

/// The bare address of `Name <user@host>`.
fn address(text: &str) -> Result<String, WireError> {
    message::bare(text).ok_or_else(|| {
        WireError::bad_request(
            "InvalidParameterValue",
            format!("Invalid address <{text}>: Missing final '@domain'"),
        )
    })
}

fn captured(row: &Row<'_>) -> rusqlite::Result<CapturedMail> {
    let recipients: serde_json::Value = serde_json::from_str(&row.get::<_, String>(2)?).unwrap_or_default();
    let everybody = ["to", "cc", "bcc"].into_iter().filter_map(|name| recipients.get(name)?.as_array());
    let to: Vec<&str> = everybody.flatten().filter_map(serde_json::Value::as_str).collect();
    Ok(CapturedMail {
        id: row.get(0)?,
        from: row.get(1)?,
        to: to.join(", "),
        subject: row.get(3)?,
        text: row.get(4)?,
        html: row.get(5)?,
        created_at: ident::timestamp(row.get(6)?),
    })
}
