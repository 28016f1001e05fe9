//! `CloudWatch` Logs, as far as set-up goes: log groups exist and can be listed.

use cloud_core::WireError;
use rusqlite::params;
use serde_json::{Value, json};

use crate::json::Fields;
use crate::service::{Mail, internal, unknown_operation};

pub(crate) const SCHEMA: &str = "
    CREATE TABLE IF NOT EXISTS log_groups (name TEXT PRIMARY KEY, created_ms INTEGER NOT NULL) WITHOUT ROWID;
";

impl Mail {
    pub(crate) fn logs(&self, action: &str, fields: &Fields) -> Result<Value, WireError> {
        let connection = self.store.lock();
        match action {
            "CreateLogGroup" => {
                let name = fields.need("logGroupName")?;
                let sql = "INSERT OR IGNORE INTO log_groups (name, created_ms) VALUES (?1, ?2)";
                let new = connection.execute(sql, params![name, self.clock.now_ms()]).map_err(internal)?;
                if new == 0 {
                    let text = "The specified log group already exists";
                    return Err(WireError::bad_request("ResourceAlreadyExistsException", text));
                }
                Ok(json!({}))
            }
            "DeleteLogGroup" => {
                let name = fields.need("logGroupName")?;
                if connection.execute("DELETE FROM log_groups WHERE name = ?1", [name]).map_err(internal)?
                    == 0
                {
                    let text = "The specified log group does not exist.";
                    return Err(WireError::bad_request("ResourceNotFoundException", text));
                }
                Ok(json!({}))
            }
            "DescribeLogGroups" => {
                let prefix = fields.text("logGroupNamePrefix").unwrap_or_default();
                let mut query = connection
                    .prepare("SELECT name, created_ms FROM log_groups WHERE substr(name, 1, length(?1)) = ?1")
                    .map_err(internal)?;
                let groups = query.query_map([prefix], |row| {
                    let name: String = row.get(0)?;
                    let arn = self.place.arn("logs", &format!("log-group:{name}:*"));
                    Ok(json!({"logGroupName": name, "creationTime": row.get::<_, i64>(1)?, "arn": arn}))
                });
                let groups = groups.and_then(Iterator::collect::<Result<Vec<_>, _>>).map_err(internal)?;
                Ok(json!({"logGroups": groups}))
            }
            _ => Err(unknown_operation(action)),
        }
    }
}
