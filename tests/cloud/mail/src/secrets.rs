//! Secrets Manager: secrets, their versions, and the stages that point to them.

use cloud_core::{Millis, WireError};
use rusqlite::{Connection, OptionalExtension as _, params};
use serde_json::{Map, Value, json};

use crate::ident;
use crate::json::Fields;
use crate::service::{Mail, internal, unknown_operation};

pub(crate) const SCHEMA: &str = "
    CREATE TABLE IF NOT EXISTS secrets (
        name        TEXT PRIMARY KEY,
        arn         TEXT NOT NULL UNIQUE,
        description TEXT,
        created_ms  INTEGER NOT NULL,
        changed_ms  INTEGER NOT NULL,
        -- When it goes for good; NULL while it is in use.
        deleted_ms  INTEGER
    ) WITHOUT ROWID;
    CREATE TABLE IF NOT EXISTS secret_versions (
        secret     TEXT NOT NULL REFERENCES secrets (name) ON DELETE CASCADE,
        id         TEXT NOT NULL,
        text       TEXT,
        -- As it came, in base64.
        binary     TEXT,
        created_ms INTEGER NOT NULL,
        PRIMARY KEY (secret, id)
    ) WITHOUT ROWID;
    CREATE TABLE IF NOT EXISTS secret_stages (
        secret  TEXT NOT NULL REFERENCES secrets (name) ON DELETE CASCADE,
        stage   TEXT NOT NULL,
        version TEXT NOT NULL,
        PRIMARY KEY (secret, stage)
    ) WITHOUT ROWID;
";

const CURRENT: &str = "AWSCURRENT";
const PREVIOUS: &str = "AWSPREVIOUS";
/// Days that a deleted secret can be restored when the request does not say.
const RECOVERY_DAYS: i64 = 30;
const DAY_MS: Millis = 24 * 3600 * 1000;

struct Secret {
    name: String,
    arn: String,
    description: Option<String>,
    created_ms: Millis,
    changed_ms: Millis,
    deleted_ms: Option<Millis>,
}

impl Mail {
    pub(crate) fn secrets(&self, action: &str, fields: &Fields) -> Result<Value, WireError> {
        self.purge().map_err(internal)?;
        match action {
            "CreateSecret" => self.create_secret(fields),
            "PutSecretValue" | "UpdateSecret" => {
                let secret = self.usable(fields.need("SecretId")?)?;
                if let Some(description) = fields.text("Description") {
                    let sql = "UPDATE secrets SET description = ?2, changed_ms = ?3 WHERE name = ?1";
                    let row = params![secret.name, description, self.clock.now_ms()];
                    self.store.lock().execute(sql, row).map_err(internal)?;
                }
                let mut answer = json!({"ARN": secret.arn, "Name": secret.name});
                if has_value(fields) {
                    let version = self.put_version(&secret, fields)?;
                    merge(&mut answer, version);
                } else if action == "PutSecretValue" {
                    return Err(invalid_request("You must provide either SecretString or SecretBinary."));
                }
                Ok(answer)
            }
            "GetSecretValue" => self.secret_value(fields),
            "DescribeSecret" => self.describe(&self.find_secret(fields.need("SecretId")?)?),
            "ListSecrets" => {
                let names = self.secret_names().map_err(internal)?;
                let shown = names.iter().map(|name| self.describe(&self.find_secret(name)?));
                Ok(json!({"SecretList": shown.collect::<Result<Vec<_>, _>>()?}))
            }
            "DeleteSecret" => self.delete_secret(fields),
            "RestoreSecret" => {
                let secret = self.find_secret(fields.need("SecretId")?)?;
                let sql = "UPDATE secrets SET deleted_ms = NULL WHERE name = ?1";
                self.store.lock().execute(sql, [&secret.name]).map_err(internal)?;
                Ok(json!({"ARN": secret.arn, "Name": secret.name}))
            }
            "UpdateSecretVersionStage" => self.move_stage(fields),
            _ => Err(unknown_operation(action)),
        }
    }

    fn create_secret(&self, fields: &Fields) -> Result<Value, WireError> {
        let name = fields.need("Name")?;
        let token = fields.text("ClientRequestToken");
        if let Some(before) = self.find_secret(name).ok().filter(|found| found.name == name) {
            let repeated = token.map(|token| self.version(&before.name, token)).transpose()?.flatten();
            if before.deleted_ms.is_none() && repeated.is_some_and(|version| same_value(&version, fields)) {
                return Ok(json!({"ARN": before.arn, "Name": before.name, "VersionId": token}));
            }
            let text = format!("The operation failed because the secret {name} already exists.");
            return Err(WireError::bad_request("ResourceExistsException", text));
        }
        let arn = self.place.arn("secretsmanager", &format!("secret:{name}-{}", ident::letters(6)));
        let now = self.clock.now_ms();
        let sql = "INSERT INTO secrets (name, arn, description, created_ms, changed_ms) VALUES (?1, ?2, ?3, ?4, ?4)";
        self.store
            .lock()
            .execute(sql, params![name, arn, fields.text("Description"), now])
            .map_err(internal)?;
        let mut answer = json!({"ARN": arn, "Name": name});
        if has_value(fields) {
            let version = self.put_version(&self.find_secret(name)?, fields)?;
            merge(&mut answer, version);
        }
        Ok(answer)
    }

    /// A new version that takes over `AWSCURRENT`, or the stages that the request names. The same token and value again
    /// change nothing.
    fn put_version(&self, secret: &Secret, fields: &Fields) -> Result<Value, WireError> {
        let id = fields.text("ClientRequestToken").map_or_else(|| ident::uuid().to_string(), str::to_owned);
        match self.version(&secret.name, &id)? {
            Some(before) if same_value(&before, fields) => {
                return Ok(json!({"VersionId": id, "VersionStages": self.stages_of(&secret.name, &id)?}));
            }
            Some(_) => {
                let text = format!(
                    "You can't use ClientRequestToken {id} because that value is already in use for a version of secret {}.",
                    secret.arn
                );
                return Err(WireError::bad_request("ResourceExistsException", text));
            }
            None => {}
        }
        let stages = fields.texts("VersionStages");
        let stages = if stages.is_empty() { vec![CURRENT] } else { stages };
        let write = |connection: &mut Connection| -> rusqlite::Result<()> {
            let now = self.clock.now_ms();
            let tx = connection.transaction()?;
            tx.execute(
                "INSERT INTO secret_versions (secret, id, text, binary, created_ms) VALUES (?1, ?2, ?3, ?4, ?5)",
                params![secret.name, id, fields.text("SecretString"), fields.text("SecretBinary"), now],
            )?;
            for stage in stages {
                point(&tx, &secret.name, stage, &id)?;
            }
            tx.execute("UPDATE secrets SET changed_ms = ?2 WHERE name = ?1", params![secret.name, now])?;
            // Versions that no stage points to are deprecated; AWS drops them.
            tx.execute(
                "DELETE FROM secret_versions WHERE secret = ?1
                 AND id NOT IN (SELECT version FROM secret_stages WHERE secret = ?1)",
                [&secret.name],
            )?;
            tx.commit()
        };
        write(&mut self.store.lock()).map_err(internal)?;
        Ok(json!({"VersionId": id, "VersionStages": self.stages_of(&secret.name, &id)?}))
    }

    fn secret_value(&self, fields: &Fields) -> Result<Value, WireError> {
        let secret = self.usable(fields.need("SecretId")?)?;
        let stage = fields.text("VersionStage").unwrap_or(CURRENT);
        let id = if let Some(id) = fields.text("VersionId") {
            Some(id.to_owned())
        } else {
            let sql = "SELECT version FROM secret_stages WHERE secret = ?1 AND stage = ?2";
            let found = self.store.lock().query_row(sql, [&secret.name, stage], |row| row.get(0));
            found.optional().map_err(internal)?
        };
        let missing = || {
            not_found(&format!(
                "Secrets Manager can't find the specified secret value for staging label: {stage}"
            ))
        };
        let id = id.ok_or_else(missing)?;
        let mut answer = json!({
            "ARN": secret.arn,
            "Name": secret.name,
            "VersionId": id,
            "VersionStages": self.stages_of(&secret.name, &id)?,
        });
        merge(&mut answer, self.version(&secret.name, &id)?.ok_or_else(missing)?);
        Ok(answer)
    }

    /// `SecretString` or `SecretBinary`, and `CreatedDate`.
    fn version(&self, secret: &str, id: &str) -> Result<Option<Value>, WireError> {
        let sql = "SELECT text, binary, created_ms FROM secret_versions WHERE secret = ?1 AND id = ?2";
        let found = self.store.lock().query_row(sql, [secret, id], |row| {
            let mut fields = Map::new();
            for (name, column) in [("SecretString", 0), ("SecretBinary", 1)] {
                if let Some(value) = row.get::<_, Option<String>>(column)? {
                    fields.insert(name.to_owned(), value.into());
                }
            }
            fields.insert("CreatedDate".into(), ident::seconds(row.get(2)?).into());
            Ok(Value::Object(fields))
        });
        found.optional().map_err(internal)
    }

    fn stages_of(&self, secret: &str, version: &str) -> Result<Vec<String>, WireError> {
        let connection = self.store.lock();
        let sql = "SELECT stage FROM secret_stages WHERE secret = ?1 AND version = ?2 ORDER BY stage";
        let mut query = connection.prepare(sql).map_err(internal)?;
        query.query_map([secret, version], |row| row.get(0)).and_then(Iterator::collect).map_err(internal)
    }

    fn move_stage(&self, fields: &Fields) -> Result<Value, WireError> {
        let secret = self.usable(fields.need("SecretId")?)?;
        let stage = fields.need("VersionStage")?;
        if let Some(to) = fields.text("MoveToVersionId") {
            if self.version(&secret.name, to)?.is_none() {
                return Err(not_found("Secrets Manager can't find the specified secret version."));
            }
            point(&self.store.lock(), &secret.name, stage, to).map_err(internal)?;
        } else {
            let sql = "DELETE FROM secret_stages WHERE secret = ?1 AND stage = ?2";
            self.store.lock().execute(sql, [&secret.name, stage]).map_err(internal)?;
        }
        Ok(json!({"ARN": secret.arn, "Name": secret.name}))
    }

    fn delete_secret(&self, fields: &Fields) -> Result<Value, WireError> {
        let secret = self.usable(fields.need("SecretId")?)?;
        let days = fields.get("RecoveryWindowInDays").map_or(Some(RECOVERY_DAYS), Value::as_i64);
        let days = days.filter(|days| (7..=30).contains(days));
        let days = days.ok_or_else(|| invalid_request("RecoveryWindowInDays should be between 7 and 30."))?;
        let now = self.clock.now_ms();
        let gone = if fields.flag("ForceDeleteWithoutRecovery") { now } else { now + days * DAY_MS };
        let sql = "UPDATE secrets SET deleted_ms = ?2 WHERE name = ?1";
        self.store.lock().execute(sql, params![secret.name, gone]).map_err(internal)?;
        Ok(json!({"ARN": secret.arn, "Name": secret.name, "DeletionDate": ident::seconds(gone)}))
    }

    /// Secrets whose recovery window is over are gone.
    fn purge(&self) -> rusqlite::Result<()> {
        let sql = "DELETE FROM secrets WHERE deleted_ms <= ?1";
        self.store.lock().execute(sql, [self.clock.now_ms()]).map(|_| ())
    }

    fn describe(&self, secret: &Secret) -> Result<Value, WireError> {
        let connection = self.store.lock();
        let sql = "SELECT version, stage FROM secret_stages WHERE secret = ?1 ORDER BY stage";
        let mut query = connection.prepare(sql).map_err(internal)?;
        let rows =
            query.query_map([&secret.name], |row| Ok((row.get::<_, String>(0)?, row.get::<_, String>(1)?)));
        let rows: Vec<_> = rows.and_then(Iterator::collect).map_err(internal)?;
        let mut stages = Map::new();
        for (version, stage) in rows {
            if let Value::Array(list) = stages.entry(version).or_insert_with(|| json!([])) {
                list.push(stage.into());
            }
        }
        let mut answer = json!({
            "ARN": secret.arn,
            "Name": secret.name,
            "Description": secret.description,
            "CreatedDate": ident::seconds(secret.created_ms),
            "LastChangedDate": ident::seconds(secret.changed_ms),
            "VersionIdsToStages": stages,
        });
        if let (Some(at), Some(fields)) = (secret.deleted_ms, answer.as_object_mut()) {
            fields.insert("DeletedDate".into(), ident::seconds(at).into());
        }
        Ok(answer)
    }

    fn secret_names(&self) -> rusqlite::Result<Vec<String>> {
        let connection = self.store.lock();
        let mut query =
            connection.prepare("SELECT name FROM secrets WHERE deleted_ms IS NULL ORDER BY name")?;
        query.query_map([], |row| row.get(0))?.collect()
    }

    /// By name, ARN, or ARN without the random end.
    fn find_secret(&self, id: &str) -> Result<Secret, WireError> {
        let sql = "SELECT name, arn, description, created_ms, changed_ms, deleted_ms FROM secrets
                   WHERE name = ?1 OR arn = ?1 OR substr(arn, 1, length(arn) - 7) = ?1";
        let found = self.store.lock().query_row(sql, [id], |row| {
            Ok(Secret {
                name: row.get(0)?,
                arn: row.get(1)?,
                description: row.get(2)?,
                created_ms: row.get(3)?,
                changed_ms: row.get(4)?,
                deleted_ms: row.get(5)?,
            })
        });
        let missing = || not_found("Secrets Manager can't find the specified secret.");
        found.optional().map_err(internal)?.ok_or_else(missing)
    }

    fn usable(&self, id: &str) -> Result<Secret, WireError> {
        let secret = self.find_secret(id)?;
        if secret.deleted_ms.is_some() {
            let text = "You can't perform this operation on the secret because it was marked for deletion.";
            return Err(invalid_request(text));
        }
        Ok(secret)
    }
}

/// Moves a stage; where `AWSCURRENT` was, `AWSPREVIOUS` now is.
fn point(connection: &Connection, secret: &str, stage: &str, version: &str) -> rusqlite::Result<()> {
    if stage == CURRENT {
        connection.execute(
            "INSERT OR REPLACE INTO secret_stages (secret, stage, version)
             SELECT secret, ?2, version FROM secret_stages WHERE secret = ?1 AND stage = ?3 AND version <> ?4",
            params![secret, PREVIOUS, CURRENT, version],
        )?;
    }
    connection.execute(
        "INSERT OR REPLACE INTO secret_stages (secret, stage, version) VALUES (?1, ?2, ?3)",
        [secret, stage, version],
    )?;
    Ok(())
}

fn has_value(fields: &Fields) -> bool {
    fields.get("SecretString").is_some() || fields.get("SecretBinary").is_some()
}

fn same_value(version: &Value, fields: &Fields) -> bool {
    ["SecretString", "SecretBinary"].iter().all(|name| version.get(name) == fields.get(name))
}

fn merge(into: &mut Value, from: Value) {
    if let (Some(into), Value::Object(from)) = (into.as_object_mut(), from) {
        into.extend(from);
    }
}

fn not_found(text: &str) -> WireError {
    WireError::bad_request("ResourceNotFoundException", text)
}

fn invalid_request(text: &str) -> WireError {
    WireError::bad_request("InvalidRequestException", text)
}
