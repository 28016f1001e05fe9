//! `Publish`: to a topic, to a phone, to a device.

use cloud_core::WireError;
use rusqlite::params;
use serde_json::{Map, Value, json};

use super::invalid;
use crate::form::Form;
use crate::ident;
use crate::service::{Mail, internal};
use crate::xml::Xml;

/// Largest message, in bytes.
const MESSAGE_LIMIT_BYTES: usize = 256 * 1024;
/// Most messages in a batch.
const BATCH: usize = 10;

/// One message to be published.
pub(super) struct Message {
    pub id: String,
    pub subject: Option<String>,
    body: Value,
    pub attributes: Map<String, Value>,
    pub group: Option<String>,
}

impl Message {
    /// `prefix` is empty for `Publish`, and names the entry for `PublishBatch`.
    fn read(form: &Form, prefix: &str) -> Result<Self, WireError> {
        let get = |name: &str| form.get(&format!("{prefix}{name}"));
        let text = get("Message").filter(|text| !text.is_empty()).ok_or_else(|| invalid("Empty message"))?;
        if text.len() > MESSAGE_LIMIT_BYTES {
            return Err(invalid("Message too long"));
        }
        let body = if get("MessageStructure") == Some("json") {
            let parts: Option<Value> = serde_json::from_str(text).ok();
            let parts = parts.filter(|parts| parts.get("default").is_some_and(Value::is_string));
            parts.ok_or_else(|| invalid("Message Structure - No default entry in JSON message body"))?
        } else {
            text.into()
        };
        let attributes = (1..).map_while(|i| {
            let at = format!("{prefix}MessageAttributes.entry.{i}");
            let value = form.get(&format!("{at}.Value.StringValue"));
            let value = value.or_else(|| form.get(&format!("{at}.Value.BinaryValue")));
            let kind = form.get(&format!("{at}.Value.DataType"));
            Some((form.get(&format!("{at}.Name"))?.to_owned(), json!({"Type": kind, "Value": value})))
        });
        Ok(Self {
            id: ident::uuid().to_string(),
            subject: get("Subject").map(str::to_owned),
            body,
            attributes: attributes.collect(),
            group: get("MessageGroupId").map(str::to_owned),
        })
    }

    /// What this protocol or platform gets: its own part of a message in parts, else the default.
    pub fn for_protocol(&self, protocol: &str) -> &str {
        let part = self.body.get(protocol).or_else(|| self.body.get("default")).unwrap_or(&self.body);
        part.as_str().unwrap_or_default()
    }
}

impl Mail {
    pub(super) async fn publish(&self, form: &Form) -> Result<Xml, WireError> {
        let message = Message::read(form, "")?;
        if let Some(phone) = form.get("PhoneNumber") {
            self.keep_text(phone, &message)?;
        } else if let Some(target) = form.get("TargetArn").filter(|arn| arn.contains(":endpoint/")) {
            self.keep_push(target, &message)?;
        } else {
            let topic = form.get("TopicArn").or_else(|| form.get("TargetArn"));
            let topic = topic.ok_or_else(|| invalid("TopicArn or TargetArn or PhoneNumber is required"))?;
            self.fan_out(topic, &[&message])?;
            self.deliver_now().await;
        }
        Ok(Xml::default().text("MessageId", &message.id))
    }

    pub(super) async fn publish_batch(&self, form: &Form) -> Result<Xml, WireError> {
        let topic = form.need("TopicArn")?;
        let entries: Vec<_> = (1..)
            .map_while(|i| {
                let prefix = format!("PublishBatchRequestEntries.member.{i}.");
                form.get(&format!("{prefix}Id")).map(|id| (id, Message::read(form, &prefix)))
            })
            .collect();
        if entries.is_empty() || entries.len() > BATCH {
            let text = "The batch request should have 1 to 10 entries.";
            return Err(WireError::bad_request("TooManyEntriesInBatchRequest", text));
        }
        let good: Vec<&Message> = entries.iter().filter_map(|(_, message)| message.as_ref().ok()).collect();
        self.fan_out(topic, &good)?;
        self.deliver_now().await;
        let sent = entries.iter().filter_map(|(id, message)| Some((id, message.as_ref().ok()?)));
        let failed = entries.iter().filter_map(|(id, message)| Some((id, message.as_ref().err()?)));
        let sent = sent.map(|(id, message)| Xml::default().text("Id", id).text("MessageId", &message.id));
        let failed = failed.map(|(id, error)| {
            let xml = Xml::default().text("Id", id).text("Code", &error.code);
            xml.text("Message", &error.message).text("SenderFault", "true")
        });
        Ok(Xml::default().members("Successful", sent).members("Failed", failed))
    }

    fn keep_text(&self, phone: &str, message: &Message) -> Result<(), WireError> {
        let digits = phone.strip_prefix('+').unwrap_or_default();
        if !(7..=15).contains(&digits.len()) || !digits.bytes().all(|b| b.is_ascii_digit()) {
            return Err(invalid(format!("PhoneNumber Reason: {phone} is not valid to publish to")));
        }
        let sender = message.attributes.get("AWS.SNS.SMS.SenderID").and_then(|a| a.get("Value")?.as_str());
        let sql = "INSERT INTO texts (id, phone, message, sender, created_ms) VALUES (?1, ?2, ?3, ?4, ?5)";
        let row = params![message.id, phone, message.for_protocol("sms"), sender, self.clock.now_ms()];
        self.store.lock().execute(sql, row).map(|_| ()).map_err(internal)
    }
}
