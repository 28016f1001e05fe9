use std::io::{Cursor, Write as _};

use kernel::ids::UserId;
use kernel::{BoxFuture, CommonError, ConfigError, Context, Domain, Env, Error, Result};
use messaging::MailContent;
use objects::Bucket;
use serde::Serialize;
use serde_json::{Value, json};
use storage::{Put, Query};
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

use crate::erasure::Elsewhere;
use crate::identity::{Identity, Rows};
use crate::keys;
use crate::letters::mail;
use crate::sessions::SessionRow;
use crate::user::{Me, Profile, Secrets};

/// How long the link of an export is good, seconds.
pub const LINK_S: u32 = 24 * 3600;
/// How long is remembered that an export was mailed, seconds: longer than a queue keeps its message.
const REMEMBERED_S: i64 = 15 * 86_400;

/// Gathers what is held on a person.
#[derive(Clone)]
pub struct Exports {
    identity: Identity,
    bucket: Bucket,
}

impl Domain for Exports {
    fn from_env(env: &Env) -> Result<Self, ConfigError> {
        let mut settings = env.settings();
        let exports = Self {
            identity: Identity::open(env, &mut settings),
            bucket: Bucket::open(env, &mut settings, "exports"),
        };
        settings.finish()?;
        Ok(exports)
    }
}

#[derive(Serialize)]
struct Mailed {
    user: UserId,
    expires_at: i64,
}

impl Exports {
    /// Makes a ZIP with one JSON file per area, stores it under the message's id and mails a link to it, once per
    /// message: the mark that it was mailed and the mail's outbox row are one transaction. Each part before may be
    /// done again.
    pub fn export<'a>(
        &'a self,
        context: &'a Context,
        message: &'a str,
        user: UserId,
        elsewhere: Vec<(&'static str, Elsewhere<'a, Value>)>,
    ) -> BoxFuture<'a, Result<()>> {
        Box::pin(async move {
            let mark = keys::export(message);
            if self.identity.table.get_consistent(context, mark.clone()).await?.is_some() {
                return Ok(());
            }
            let wanted = vec![keys::profile(user), keys::secrets(user)];
            let rows = Rows::of(self.identity.table.batch_get_consistent(context, wanted).await?)?;
            // Who closed the account meanwhile gets no mail any more.
            let Some(profile) = rows.profile.filter(|p| p.is_active) else { return Ok(()) };
            let sessions = self.sessions(context, user).await?;
            let mut files = vec![("account.json", account(&profile, &rows.secrets, &sessions))];
            for (name, work) in elsewhere {
                files.push((name, work.await?));
            }
            let archive = archive(&files)?;
            let key = format!("{user}/{message}.zip");
            self.bucket.put(context, &key, "application/zip", archive).await?;
            let link = self.bucket.link(context, &key, "my-data.zip", LINK_S).await?;
            let row = Mailed { user, expires_at: context.now().plus_s(REMEMBERED_S).s() };
            let mailed = self
                .identity
                .table
                .transaction()
                // Mailed once per message.
                .put(Put::row(&mark, row).unless_exists().or(CommonError::Conflict))
                .send(mail(&profile, MailContent::DataExport { name: profile.display_name.clone(), link }))
                .commit(context)
                .await;
            match mailed {
                Err(e) if e.is(CommonError::Conflict) => Ok(()),
                other => other,
            }
        })
    }

    async fn sessions(&self, context: &Context, user: UserId) -> Result<Vec<SessionRow>> {
        let (mut rows, mut cursor) = (Vec::new(), None);
        loop {
            let query = Query::partition(keys::person(user))
                .sort("begins_with(sk, :session)")
                .value(":session", keys::SESSION)
                .after(cursor.as_deref());
            let page = self.identity.table.query(context, query).await?;
            for item in page.items {
                rows.push(item.read()?);
            }
            cursor = page.next_cursor;
            if cursor.is_none() {
                return Ok(rows);
            }
        }
    }
}

/// Everything identity holds, without what only guards it (hashes, secrets).
fn account(profile: &Profile, secrets: &Secrets, sessions: &[SessionRow]) -> Value {
    let sessions: Vec<Value> = sessions
        .iter()
        .map(|s| {
            json!({
                "id": s.session, "created_at": s.created_at, "last_used_at": s.last_used_at,
                "user_agent": s.user_agent, "ip": s.ip,
            })
        })
        .collect();
    json!({
        "profile": Me::from(profile.clone()),
        "security": {
            "has_password": secrets.password_hash.is_some(),
            "second_factor": profile.mfa_enabled,
            "recovery_codes_left": secrets.recovery.len(),
        },
        "signs_in_with": secrets.links,
        "sessions": sessions,
    })
}

fn archive(files: &[(&str, Value)]) -> Result<Vec<u8>> {
    let failed = |e: &dyn std::fmt::Display| Error::internal(format!("ZIP: {e}"));
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    let options = SimpleFileOptions::default().compression_method(CompressionMethod::Deflated);
    for (name, content) in files {
        zip.start_file(*name, options).map_err(|e| failed(&e))?;
        let text = serde_json::to_vec_pretty(content).map_err(|e| failed(&e))?;
        zip.write_all(&text).map_err(|e| failed(&e))?;
    }
    zip.finish().map(Cursor::into_inner).map_err(|e| failed(&e))
}

#[cfg(test)]
mod tests {
    use super::archive;
    use serde_json::{Value, json};
    use std::io::{Cursor, Read as _};

    #[test]
    fn an_export_is_a_zip_of_json_files() {
        let bytes =
            archive(&[("account.json", json!({"name": "花子"})), ("videos.json", json!([]))]).unwrap();
        let mut zip = zip::ZipArchive::new(Cursor::new(bytes)).unwrap();
        assert_eq!(zip.len(), 2);
        let mut text = String::new();
        zip.by_name("account.json").unwrap().read_to_string(&mut text).unwrap();
        assert_eq!(serde_json::from_str::<Value>(&text).unwrap(), json!({"name": "花子"}));
    }
}
