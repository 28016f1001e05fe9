//! Mobile push: applications, the devices that registered with them, and what was pushed to a device.

use cloud_core::WireError;
use rusqlite::{OptionalExtension as _, params};

use super::publish::Message;
use super::{exists, invalid, not_found};
use crate::form::Form;
use crate::ident;
use crate::service::{Mail, internal};
use crate::xml::Xml;

const PLATFORMS: [&str; 9] =
    ["ADM", "APNS", "APNS_SANDBOX", "APNS_VOIP", "APNS_VOIP_SANDBOX", "BAIDU", "GCM", "MACOS", "WNS"];

struct Endpoint {
    arn: String,
    platform: String,
    token: String,
    user_data: String,
    enabled: bool,
}

impl Mail {
    /// `None` when the action is none of these.
    pub(super) fn push_call(&self, action: &str, form: &Form) -> Option<Result<Xml, WireError>> {
        Some(match action {
            "CreatePlatformApplication" => self.create_application(form),
            "DeletePlatformApplication" => form.need("PlatformApplicationArn").and_then(|arn| {
                let sql = "DELETE FROM applications WHERE arn = ?1";
                self.store.lock().execute(sql, [arn]).map(|_| Xml::default()).map_err(internal)
            }),
            "CreatePlatformEndpoint" => self.create_endpoint(form),
            "DeleteEndpoint" => form.need("EndpointArn").and_then(|arn| {
                let sql = "DELETE FROM endpoints WHERE arn = ?1";
                self.store.lock().execute(sql, [arn]).map(|_| Xml::default()).map_err(internal)
            }),
            "GetEndpointAttributes" => {
                form.need("EndpointArn").and_then(|arn| self.endpoint(arn)).map(|endpoint| {
                    let attributes = [
                        ("Enabled", endpoint.enabled.to_string()),
                        ("Token", endpoint.token),
                        ("CustomUserData", endpoint.user_data),
                    ];
                    Xml::default().map("Attributes", attributes)
                })
            }
            "SetEndpointAttributes" => self.set_endpoint(form),
            "ListEndpointsByPlatformApplication" => {
                form.need("PlatformApplicationArn").and_then(|arn| self.list_endpoints(arn))
            }
            _ => return None,
        })
    }

    fn create_application(&self, form: &Form) -> Result<Xml, WireError> {
        let (name, platform) = (form.need("Name")?, form.need("Platform")?);
        let allowed = |c: char| c.is_ascii_alphanumeric() || "_-.".contains(c);
        if !PLATFORMS.contains(&platform) || name.is_empty() || !name.chars().all(allowed) {
            return Err(invalid("Platform or Name"));
        }
        let arn = self.place.arn("sns", &format!("app/{platform}/{name}"));
        let sql = "INSERT OR IGNORE INTO applications (arn, platform) VALUES (?1, ?2)";
        self.store.lock().execute(sql, [&arn, platform]).map_err(internal)?;
        Ok(Xml::default().text("PlatformApplicationArn", &arn))
    }

    /// The same token again is the same endpoint, unless it comes with other data.
    fn create_endpoint(&self, form: &Form) -> Result<Xml, WireError> {
        let (application, token) = (form.need("PlatformApplicationArn")?, form.need("Token")?);
        let user_data = form.get("CustomUserData").unwrap_or_default();
        let connection = self.store.lock();
        if !exists(&connection, "SELECT 1 FROM applications WHERE arn = ?1", application)? {
            return Err(not_found("PlatformApplication"));
        }
        let sql = "SELECT arn, user_data, enabled FROM endpoints WHERE application = ?1 AND token = ?2";
        let before = connection.query_row(sql, [application, token], |row| {
            Ok((row.get::<_, String>(0)?, row.get::<_, String>(1)?, row.get::<_, bool>(2)?))
        });
        if let Some((arn, data, enabled)) = before.optional().map_err(internal)? {
            if data != user_data || !enabled {
                let text = format!(
                    "Token Reason: Endpoint {arn} already exists with the same Token, but different attributes."
                );
                return Err(invalid(text));
            }
            return Ok(Xml::default().text("EndpointArn", &arn));
        }
        let arn = format!("{}/{}", application.replacen(":app/", ":endpoint/", 1), ident::uuid());
        let sql =
            "INSERT INTO endpoints (arn, application, token, user_data, enabled) VALUES (?1, ?2, ?3, ?4, 1)";
        connection.execute(sql, [&arn, application, token, user_data]).map_err(internal)?;
        Ok(Xml::default().text("EndpointArn", &arn))
    }

    fn endpoint(&self, arn: &str) -> Result<Endpoint, WireError> {
        let sql = "SELECT e.arn, a.platform, e.token, e.user_data, e.enabled
                   FROM endpoints e JOIN applications a ON a.arn = e.application WHERE e.arn = ?1";
        let found = self.store.lock().query_row(sql, [arn], |row| {
            Ok(Endpoint {
                arn: row.get(0)?,
                platform: row.get(1)?,
                token: row.get(2)?,
                user_data: row.get(3)?,
                enabled: row.get(4)?,
            })
        });
        found.optional().map_err(internal)?.ok_or_else(|| not_found("Endpoint"))
    }

    fn set_endpoint(&self, form: &Form) -> Result<Xml, WireError> {
        let mut endpoint = self.endpoint(form.need("EndpointArn")?)?;
        for (name, value) in form.map("Attributes") {
            match name {
                "Enabled" => endpoint.enabled = value.eq_ignore_ascii_case("true"),
                "Token" => value.clone_into(&mut endpoint.token),
                "CustomUserData" => value.clone_into(&mut endpoint.user_data),
                _ => return Err(invalid(format!("Attributes Reason: Invalid attribute name: {name}"))),
            }
        }
        let sql = "UPDATE endpoints SET token = ?2, user_data = ?3, enabled = ?4 WHERE arn = ?1";
        let row = params![endpoint.arn, endpoint.token, endpoint.user_data, endpoint.enabled];
        self.store.lock().execute(sql, row).map_err(internal)?;
        Ok(Xml::default())
    }

    fn list_endpoints(&self, application: &str) -> Result<Xml, WireError> {
        let connection = self.store.lock();
        let sql = "SELECT arn, token, enabled FROM endpoints WHERE application = ?1 ORDER BY arn";
        let mut query = connection.prepare(sql).map_err(internal)?;
        let rows = query.query_map([application], |row| {
            Ok((row.get::<_, String>(0)?, row.get::<_, String>(1)?, row.get::<_, bool>(2)?))
        });
        let rows: Vec<_> = rows.and_then(Iterator::collect).map_err(internal)?;
        let members = rows.into_iter().map(|(arn, token, enabled)| {
            let attributes = [("Token", token), ("Enabled", enabled.to_string())];
            Xml::default().text("EndpointArn", &arn).map("Attributes", attributes)
        });
        Ok(Xml::default().members("Endpoints", members))
    }

    pub(super) fn keep_push(&self, target: &str, message: &Message) -> Result<(), WireError> {
        let endpoint = self.endpoint(target)?;
        if !endpoint.enabled {
            return Err(WireError::bad_request("EndpointDisabled", "Endpoint is disabled"));
        }
        let sql = "INSERT INTO pushes (id, endpoint, platform, token, user_data, message, created_ms)
                   VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)";
        let text = message.for_protocol(&endpoint.platform);
        let now = self.clock.now_ms();
        let row = params![
            message.id,
            endpoint.arn,
            endpoint.platform,
            endpoint.token,
            endpoint.user_data,
            text,
            now
        ];
        self.store.lock().execute(sql, row).map(|_| ()).map_err(internal)
    }
}
