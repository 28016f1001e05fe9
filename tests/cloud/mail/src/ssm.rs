//! SSM Parameter Store.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use cloud_core::{Millis, WireError};
use rusqlite::{OptionalExtension as _, Row, params};
use serde_json::{Value, json};

use crate::ident;
use crate::json::Fields;
use crate::service::{Mail, OpenError, internal, unknown_operation};

pub(crate) const SCHEMA: &str = "
    CREATE TABLE IF NOT EXISTS parameters (
        name        TEXT NOT NULL,
        version     INTEGER NOT NULL,
        kind        TEXT NOT NULL,
        value       TEXT NOT NULL,
        description TEXT,
        changed_ms  INTEGER NOT NULL,
        PRIMARY KEY (name, version)
    ) WITHOUT ROWID;
";

/// Largest value of a standard parameter, in bytes.
const VALUE_LIMIT_BYTES: usize = 4 * 1024;
/// Largest value of an advanced parameter, in bytes.
const ADVANCED_LIMIT_BYTES: usize = 8 * 1024;
/// Versions that are kept.
const VERSIONS: i64 = 100;
/// Largest and default page of a listing.
const PAGE: usize = 10;

#[derive(Clone, Debug)]
struct Parameter {
    name: String,
    version: i64,
    kind: String,
    value: String,
    description: Option<String>,
    changed_ms: Millis,
}

impl Mail {
    /// Sets a parameter, as `PutParameter` with `Overwrite` does; a new one is a `String`.
    ///
    /// # Errors
    /// When the database refuses.
    pub fn put_parameter(&self, name: &str, value: &str) -> Result<(), OpenError> {
        let kind = self.find_parameter(name, None)?.map_or_else(|| "String".to_owned(), |p| p.kind);
        self.write_parameter(name, &kind, value, None)?;
        Ok(())
    }

    /// The value of a parameter, decrypted.
    ///
    /// # Errors
    /// When the database refuses.
    pub fn parameter(&self, name: &str) -> Result<Option<String>, OpenError> {
        Ok(self.find_parameter(name, None)?.map(|parameter| parameter.value))
    }

    pub(crate) fn ssm(&self, action: &str, fields: &Fields) -> Result<Value, WireError> {
        let decrypt = fields.flag("WithDecryption");
        match action {
            "PutParameter" => self.put(fields),
            "GetParameter" => {
                let parameter = self.by_selector(fields.need("Name")?)?.ok_or_else(not_found)?;
                Ok(json!({"Parameter": self.show(&parameter, decrypt)?}))
            }
            "GetParameters" => {
                let (mut found, mut invalid) = (Vec::new(), Vec::new());
                for name in fields.texts("Names") {
                    match self.by_selector(name)? {
                        Some(parameter) => found.push(self.show(&parameter, decrypt)?),
                        None => invalid.push(name),
                    }
                }
                Ok(json!({"Parameters": found, "InvalidParameters": invalid}))
            }
            "GetParametersByPath" => self.by_path(fields, decrypt),
            "DescribeParameters" => {
                let all = self.under("/", true).map_err(internal)?;
                page(&all, fields, |p| {
                    Ok(json!({"Name": p.name, "Type": p.kind, "Version": p.version,
                    "Description": p.description, "LastModifiedDate": ident::seconds(p.changed_ms)}))
                })
            }
            "GetParameterHistory" => {
                let versions = self.history(fields.need("Name")?).map_err(internal)?;
                if versions.is_empty() {
                    return Err(not_found());
                }
                page(&versions, fields, |p| self.show(p, decrypt))
            }
            "DeleteParameter" => {
                if !self.delete_parameter(fields.need("Name")?)? {
                    return Err(not_found());
                }
                Ok(json!({}))
            }
            "DeleteParameters" => {
                let (mut deleted, mut invalid) = (Vec::new(), Vec::new());
                for name in fields.texts("Names") {
                    if self.delete_parameter(name)? { deleted.push(name) } else { invalid.push(name) }
                }
                Ok(json!({"DeletedParameters": deleted, "InvalidParameters": invalid}))
            }
            _ => Err(unknown_operation(action)),
        }
    }

    fn put(&self, fields: &Fields) -> Result<Value, WireError> {
        let (name, value) = (fields.need("Name")?, fields.need("Value")?);
        check_name(name)?;
        let advanced = fields.text("Tier") == Some("Advanced");
        let limit = if advanced { ADVANCED_LIMIT_BYTES } else { VALUE_LIMIT_BYTES };
        if value.is_empty() || value.len() > limit {
            let text = format!("The parameter value should have 1 to {limit} bytes.");
            return Err(WireError::bad_request("ValidationException", text));
        }
        let before = self.find_parameter(name, None).map_err(internal)?;
        if before.is_some() && !fields.flag("Overwrite") {
            let text = "The parameter already exists. To overwrite this value, set the overwrite option in the request to true.";
            return Err(WireError::bad_request("ParameterAlreadyExists", text));
        }
        let kind = fields
            .text("Type")
            .map(str::to_owned)
            .or(before.map(|p| p.kind))
            .unwrap_or_else(|| "String".into());
        if !["String", "StringList", "SecureString"].contains(&kind.as_str()) {
            return Err(WireError::bad_request(
                "UnsupportedParameterType",
                "The parameter type isn't supported.",
            ));
        }
        let version =
            self.write_parameter(name, &kind, value, fields.text("Description")).map_err(internal)?;
        Ok(json!({"Version": version, "Tier": if advanced { "Advanced" } else { "Standard" }}))
    }

    fn write_parameter(
        &self,
        name: &str,
        kind: &str,
        value: &str,
        about: Option<&str>,
    ) -> rusqlite::Result<i64> {
        let mut connection = self.store.lock();
        let tx = connection.transaction()?;
        let version = tx.query_row(
            "INSERT INTO parameters (name, version, kind, value, description, changed_ms)
             SELECT ?1, coalesce(max(version), 0) + 1, ?2, ?3, ?4, ?5 FROM parameters WHERE name = ?1
             RETURNING version",
            params![name, kind, value, about, self.clock.now_ms()],
            |row| row.get(0),
        )?;
        tx.execute(
            "DELETE FROM parameters WHERE name = ?1 AND version <= ?2",
            params![name, version - VERSIONS],
        )?;
        tx.commit()?;
        Ok(version)
    }

    fn find_parameter(&self, name: &str, version: Option<i64>) -> rusqlite::Result<Option<Parameter>> {
        let sql = "SELECT name, version, kind, value, description, changed_ms FROM parameters
                   WHERE name = ?1 AND (?2 IS NULL OR version = ?2) ORDER BY version DESC LIMIT 1";
        self.store.lock().query_row(sql, params![name, version], read).optional()
    }

    /// `name`, `name:version`, or an ARN of either.
    fn by_selector(&self, text: &str) -> Result<Option<Parameter>, WireError> {
        let text = text.split_once(":parameter").map_or(text, |(_, name)| name);
        match text.rsplit_once(':') {
            Some((name, version)) => {
                let Ok(version) = version.parse() else { return Ok(None) };
                let found = self.find_parameter(name, Some(version)).map_err(internal)?;
                if found.is_none() && self.find_parameter(name, None).map_err(internal)?.is_some() {
                    let text = format!("Systems Manager could not find version {version} of {name}.");
                    return Err(WireError::bad_request("ParameterVersionNotFound", text));
                }
                Ok(found)
            }
            None => self.find_parameter(text, None).map_err(internal),
        }
    }

    fn by_path(&self, fields: &Fields, decrypt: bool) -> Result<Value, WireError> {
        let path = fields.need("Path")?;
        if !path.starts_with('/') {
            let text = "The parameter path must begin with a slash.";
            return Err(WireError::bad_request("ValidationException", text));
        }
        let found = self.under(path, fields.flag("Recursive")).map_err(internal)?;
        page(&found, fields, |parameter| self.show(parameter, decrypt))
    }

    /// The newest versions of all parameters below `path`.
    fn under(&self, path: &str, recursive: bool) -> rusqlite::Result<Vec<Parameter>> {
        let folder = format!("{}/", path.trim_end_matches('/'));
        let connection = self.store.lock();
        let mut query = connection.prepare(
            "SELECT name, version, kind, value, description, changed_ms FROM parameters p
             WHERE (substr(name, 1, length(?1)) = ?1 OR ?1 = '/')
               AND version = (SELECT max(version) FROM parameters q WHERE q.name = p.name)
               AND (?2 OR instr(substr(name, length(?1) + 1), '/') = 0)
             ORDER BY name",
        )?;
        query.query_map(params![folder, recursive], read)?.collect()
    }

    fn history(&self, name: &str) -> rusqlite::Result<Vec<Parameter>> {
        let connection = self.store.lock();
        let mut query = connection.prepare(
            "SELECT name, version, kind, value, description, changed_ms FROM parameters WHERE name = ?1 ORDER BY version",
        )?;
        query.query_map([name], read)?.collect()
    }

    fn delete_parameter(&self, name: &str) -> Result<bool, WireError> {
        let sql = "DELETE FROM parameters WHERE name = ?1";
        Ok(self.store.lock().execute(sql, [name]).map_err(internal)? > 0)
    }

    fn show(&self, parameter: &Parameter, decrypt: bool) -> Result<Value, WireError> {
        let arn = self.place.arn("ssm", &format!("parameter/{}", parameter.name.trim_start_matches('/')));
        let value = if parameter.kind == "SecureString" && !decrypt {
            let key = self.service_key("alias/aws/ssm")?;
            STANDARD.encode(self.seal(&key, parameter.value.as_bytes(), &arn)?)
        } else {
            parameter.value.clone()
        };
        Ok(json!({
            "Name": parameter.name,
            "Type": parameter.kind,
            "Value": value,
            "Version": parameter.version,
            "LastModifiedDate": ident::seconds(parameter.changed_ms),
            "ARN": arn,
            "DataType": "text",
        }))
    }
}

/// One page of a list. The token is where the next page begins.
fn page(
    all: &[Parameter],
    fields: &Fields,
    show: impl Fn(&Parameter) -> Result<Value, WireError>,
) -> Result<Value, WireError> {
    let invalid = || WireError::bad_request("InvalidNextToken", "The specified token isn't valid.");
    let start: usize = fields.text("NextToken").map_or(Ok(0), str::parse).map_err(|_| invalid())?;
    let size = fields
        .get("MaxResults")
        .and_then(Value::as_u64)
        .and_then(|n| usize::try_from(n).ok())
        .unwrap_or(PAGE);
    let shown = all.iter().skip(start).take(size).map(show).collect::<Result<Vec<_>, _>>()?;
    let mut answer = json!({"Parameters": shown});
    if let (true, Some(fields)) = (start + size < all.len(), answer.as_object_mut()) {
        fields.insert("NextToken".into(), (start + size).to_string().into());
    }
    Ok(answer)
}

fn check_name(name: &str) -> Result<(), WireError> {
    let allowed = |c: char| c.is_ascii_alphanumeric() || "_.-/".contains(c);
    let deep = name.trim_start_matches('/').split('/').count() > 15;
    let qualified = name.contains('/') && !name.starts_with('/');
    let reserved = ["aws", "ssm"].iter().any(|r| name.trim_start_matches('/').to_lowercase().starts_with(r));
    if name.is_empty() || name.len() > 1011 || !name.chars().all(allowed) || deep || qualified || reserved {
        let text = format!(
            "Parameter name: {name} is not valid: a fully qualified name of letters, digits and _.-/, \
             at most 15 levels deep, that does not begin with aws or ssm."
        );
        return Err(WireError::bad_request("ValidationException", text));
    }
    Ok(())
}

fn not_found() -> WireError {
    WireError::bad_request(
        "ParameterNotFound",
        "The parameter couldn't be found. Verify the name and try again.",
    )
}

fn read(row: &Row<'_>) -> rusqlite::Result<Parameter> {
    Ok(Parameter {
        name: row.get(0)?,
        version: row.get(1)?,
        kind: row.get(2)?,
        value: row.get(3)?,
        description: row.get(4)?,
        changed_ms: row.get(5)?,
    })
}
