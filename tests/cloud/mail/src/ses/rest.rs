//! SES v2 (REST).

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use cloud_core::WireError;
use http::{Method, StatusCode};
use serde_json::{Value, json};

use super::template::Template;
use super::{Outgoing, message};
use crate::json::Fields;
use crate::service::{Mail, internal, unknown_operation};

type Answer = Result<(StatusCode, Value), WireError>;

impl Mail {
    pub(crate) fn ses_v2(&self, parts: &http::request::Parts, body: &[u8]) -> Answer {
        let path = parts.uri.path().trim_end_matches('/').trim_start_matches("/v2/email/");
        let (collection, name) =
            path.split_once('/').map_or((path, None), |(c, name)| (c, Some(decode(name))));
        let fields = Fields::parse(body).map_err(|e| bad_request(e.message))?;
        let need = |name: &str| fields.text(name).ok_or_else(|| bad_request(format!("{name} is required")));
        let value = match (&parts.method, collection, name.as_deref()) {
            (&Method::POST, "outbound-emails", None) => {
                json!({"MessageId": self.send(&self.outgoing(&fields)?).map_err(v2)?})
            }
            (&Method::POST, "identities", None) => {
                let name = need("EmailIdentity")?;
                if self.has_identity(name)? {
                    let text = format!("Email identity {name} already exist.");
                    return Err(WireError::bad_request("AlreadyExistsException", text));
                }
                self.ensure_identity(name).map_err(internal)?;
                json!({"IdentityType": kind(name), "VerifiedForSendingStatus": true})
            }
            (&Method::GET, "identities", None) => {
                let identities = self.identities()?;
                let identities = identities.iter().map(|name| {
                    json!({"IdentityName": name, "IdentityType": kind(name), "SendingEnabled": true,
                           "VerificationStatus": "SUCCESS"})
                });
                json!({"EmailIdentities": identities.collect::<Vec<_>>()})
            }
            (&Method::GET, "identities", Some(name)) => {
                if !self.has_identity(name)? {
                    return Err(not_found("Email identity", name));
                }
                json!({"IdentityType": kind(name), "VerifiedForSendingStatus": true, "FeedbackForwardingStatus": true,
                       "VerificationStatus": "SUCCESS"})
            }
            (&Method::DELETE, "identities", Some(name)) => {
                if !self.remove_identity(name)? {
                    return Err(not_found("Email identity", name));
                }
                json!({})
            }
            (&Method::POST, "templates", None) => {
                self.put_template(&template(need("TemplateName")?, &fields), false).map_err(v2)?;
                json!({})
            }
            (&Method::GET, "templates", None) => {
                let names = self.template_names()?;
                json!({"TemplatesMetadata": names.iter().map(|n| json!({"TemplateName": n})).collect::<Vec<_>>()})
            }
            (&Method::GET, "templates", Some(name)) => {
                let template = self.template(name).map_err(v2)?;
                json!({"TemplateName": template.name, "TemplateContent":
                    {"Subject": template.subject, "Text": template.text, "Html": template.html}})
            }
            (&Method::PUT, "templates", Some(name)) => {
                self.put_template(&template(name, &fields), true).map_err(v2)?;
                json!({})
            }
            (&Method::DELETE, "templates", Some(name)) => {
                self.template(name).map_err(v2)?;
                self.remove_template(name)?;
                json!({})
            }
            (&Method::GET, "account", None) => json!({
                "SendingEnabled": true,
                "ProductionAccessEnabled": true,
                "EnforcementStatus": "HEALTHY",
                "SendQuota": {"Max24HourSend": 50000.0, "MaxSendRate": 14.0, "SentLast24Hours": self.sent_last_day()?},
            }),
            _ => return Err(unknown_operation(path).with_status(StatusCode::NOT_FOUND)),
        };
        Ok((StatusCode::OK, value))
    }

    fn outgoing(&self, fields: &Fields) -> Result<Outgoing, WireError> {
        let at = |path: &str| fields.get("Content").and_then(|content| content.pointer(path));
        let text = |path: &str| at(path).and_then(Value::as_str).map(str::to_owned);
        let list = |name: &str| -> Vec<String> {
            let list = fields.get("Destination").and_then(|d| d.get(name)).and_then(Value::as_array);
            list.into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect()
        };
        let from = fields.text("FromEmailAddress");
        if let Some(data) = text("/Raw/Data") {
            let raw = STANDARD.decode(data).map_err(|e| bad_request(e.to_string()))?;
            let everybody =
                ["ToAddresses", "CcAddresses", "BccAddresses"].into_iter().flat_map(list).collect();
            return message::read(&raw, from, everybody).map_err(v2);
        }
        let from = from.ok_or_else(|| bad_request("FromEmailAddress is required"))?.to_owned();
        let (to, cc, bcc) = (list("ToAddresses"), list("CcAddresses"), list("BccAddresses"));
        let addressed = Outgoing { from, to, cc, bcc, ..Outgoing::default() };
        if at("/Simple").is_some() {
            let subject = text("/Simple/Subject/Data").ok_or_else(|| bad_request("Subject is required"))?;
            let (text, html) = (text("/Simple/Body/Text/Data"), text("/Simple/Body/Html/Data"));
            return Ok(Outgoing { subject, text, html, ..addressed });
        }
        if at("/Template").is_some() {
            let template = match text("/Template/TemplateName") {
                Some(name) => self.template(&name).map_err(v2)?,
                // Given in the request itself.
                None => Template {
                    subject: text("/Template/TemplateContent/Subject").unwrap_or_default(),
                    text: text("/Template/TemplateContent/Text").unwrap_or_default(),
                    html: text("/Template/TemplateContent/Html").unwrap_or_default(),
                    ..Template::default()
                },
            };
            let made = template
                .render(&text("/Template/TemplateData").unwrap_or_else(|| "{}".into()))
                .map_err(v2)?;
            return Ok(Outgoing { subject: made.subject, text: made.text, html: made.html, ..addressed });
        }
        Err(bad_request("Content should have one of Simple, Raw and Template"))
    }
}

fn template(name: &str, fields: &Fields) -> Template {
    let part = |part: &str| {
        let content = fields.get("TemplateContent").and_then(|c| c.get(part)).and_then(Value::as_str);
        content.unwrap_or_default().to_owned()
    };
    Template { name: name.to_owned(), subject: part("Subject"), text: part("Text"), html: part("Html") }
}

fn kind(identity: &str) -> &'static str {
    if identity.contains('@') { "EMAIL_ADDRESS" } else { "DOMAIN" }
}

/// A path segment as it was before it became part of a path.
fn decode(segment: &str) -> String {
    // `+` stands for itself in a path.
    let pair = format!("={}", segment.replace('+', "%2B"));
    url::form_urlencoded::parse(pair.as_bytes())
        .next()
        .map_or_else(String::new, |(_, value)| value.into_owned())
}

fn bad_request(message: impl Into<String>) -> WireError {
    WireError::bad_request("BadRequestException", message)
}

fn not_found(what: &str, name: &str) -> WireError {
    WireError::bad_request("NotFoundException", format!("{what} {name} does not exist."))
        .with_status(StatusCode::NOT_FOUND)
}

/// What both versions refuse has other names in this one.
fn v2(error: WireError) -> WireError {
    match error.code.as_str() {
        "TemplateDoesNotExist" => {
            WireError { code: "NotFoundException".into(), ..error }.with_status(StatusCode::NOT_FOUND)
        }
        "AlreadyExists" => WireError { code: "AlreadyExistsException".into(), ..error },
        "InvalidParameterValue" | "InvalidRenderingParameter" => {
            WireError { code: "BadRequestException".into(), ..error }
        }
        _ => error,
    }
}
