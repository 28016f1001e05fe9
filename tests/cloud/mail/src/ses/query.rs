//! SES v1 (query protocol).

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use cloud_core::WireError;

use super::template::Template;
use super::{Outgoing, message};
use crate::form::Form;
use crate::ident;
use crate::service::{Mail, internal, unknown_operation};
use crate::xml::Xml;

impl Mail {
    pub(crate) fn ses_query(&self, action: &str, form: &Form) -> Result<Xml, WireError> {
        let sent = |id: String| Xml::default().text("MessageId", &id);
        match action {
            "SendEmail" => {
                let part = |name: &str| form.get(&format!("Message.Body.{name}.Data")).map(str::to_owned);
                let subject = form.need("Message.Subject.Data")?.to_owned();
                let (text, html) = (part("Text"), part("Html"));
                self.send(&Outgoing { subject, text, html, ..destination(form)? }).map(sent)
            }
            "SendTemplatedEmail" => {
                let template = self.template(form.need("Template")?)?;
                let made = template.render(form.need("TemplateData")?)?;
                let outgoing = destination(form)?;
                self.send(&Outgoing { subject: made.subject, text: made.text, html: made.html, ..outgoing })
                    .map(sent)
            }
            "SendRawEmail" => {
                let raw = STANDARD.decode(form.need("RawMessage.Data")?);
                let raw = raw.map_err(|e| WireError::bad_request("InvalidParameterValue", e.to_string()))?;
                let destinations = form.list("Destinations").into_iter().map(str::to_owned).collect();
                self.send(&message::read(&raw, form.get("Source"), destinations)?).map(sent)
            }
            "VerifyEmailIdentity" | "VerifyEmailAddress" => {
                self.ensure_identity(&super::address(form.need("EmailAddress")?)?).map_err(internal)?;
                Ok(Xml::default())
            }
            "VerifyDomainIdentity" => {
                self.ensure_identity(form.need("Domain")?).map_err(internal)?;
                Ok(Xml::default().text("VerificationToken", &ident::letters(44)))
            }
            "DeleteIdentity" => self.remove_identity(form.need("Identity")?).map(|_| Xml::default()),
            "DeleteVerifiedEmailAddress" => {
                self.remove_identity(form.need("EmailAddress")?).map(|_| Xml::default())
            }
            "ListIdentities" => self.list_identities(form.get("IdentityType")),
            "GetIdentityVerificationAttributes" => self.verification(&form.list("Identities")),
            "CreateTemplate" => self.put_template(&template(form)?, false).map(|()| Xml::default()),
            "UpdateTemplate" => self.put_template(&template(form)?, true).map(|()| Xml::default()),
            "DeleteTemplate" => self.remove_template(form.need("TemplateName")?).map(|()| Xml::default()),
            "GetTemplate" => {
                let template = self.template(form.need("TemplateName")?)?;
                let parts = Xml::default()
                    .text("TemplateName", &template.name)
                    .text("SubjectPart", &template.subject)
                    .text("TextPart", &template.text)
                    .text("HtmlPart", &template.html);
                Ok(Xml::default().nest("Template", parts))
            }
            "ListTemplates" => {
                let names = self.template_names()?;
                let names = names.iter().map(|name| Xml::default().text("Name", name));
                Ok(Xml::default().members("TemplatesMetadata", names))
            }
            "GetSendQuota" => Ok(Xml::default()
                .text("Max24HourSend", "50000.0")
                .text("MaxSendRate", "14.0")
                .text("SentLast24Hours", &format!("{}.0", self.sent_last_day()?))),
            _ => Err(unknown_operation(action)),
        }
    }

    fn list_identities(&self, kind: Option<&str>) -> Result<Xml, WireError> {
        let mut names = self.identities()?;
        names.retain(|name| match kind {
            Some("EmailAddress") => name.contains('@'),
            Some("Domain") => !name.contains('@'),
            _ => true,
        });
        Ok(Xml::default().texts("Identities", names.iter().map(String::as_str)))
    }

    fn verification(&self, names: &[&str]) -> Result<Xml, WireError> {
        let mut attributes = Xml::default();
        for name in names {
            if self.has_identity(name)? {
                let status = Xml::default().text("VerificationStatus", "Success");
                attributes = attributes.nest("entry", Xml::default().text("key", name).nest("value", status));
            }
        }
        Ok(Xml::default().nest("VerificationAttributes", attributes))
    }

    /// How many recipients got mail in the last 24 hours.
    pub(super) fn sent_last_day(&self) -> Result<i64, WireError> {
        let since = self.clock.now_ms() - 24 * 3600 * 1000;
        let sql = "SELECT count(*) FROM mail_addresses JOIN mails ON seq = mail WHERE created_ms > ?1";
        self.store.lock().query_row(sql, [since], |row| row.get(0)).map_err(internal)
    }
}

fn destination(form: &Form) -> Result<Outgoing, WireError> {
    let list = |name: &str| {
        let list = form.list(&format!("Destination.{name}"));
        list.into_iter().map(str::to_owned).collect()
    };
    Ok(Outgoing {
        from: form.need("Source")?.to_owned(),
        to: list("ToAddresses"),
        cc: list("CcAddresses"),
        bcc: list("BccAddresses"),
        ..Outgoing::default()
    })
}

fn template(form: &Form) -> Result<Template, WireError> {
    let part = |name: &str| form.get(&format!("Template.{name}")).unwrap_or_default().to_owned();
    Ok(Template {
        name: form.need("Template.TemplateName")?.to_owned(),
        subject: part("SubjectPart"),
        text: part("TextPart"),
        html: part("HtmlPart"),
    })
}
