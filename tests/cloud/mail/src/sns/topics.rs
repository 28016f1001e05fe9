//! Topics and subscriptions.

use cloud_core::WireError;
use rusqlite::{OptionalExtension as _, Row, params};

use super::{exists, invalid, not_found};
use crate::form::Form;
use crate::ident;
use crate::service::{Mail, internal};
use crate::xml::Xml;

/// Who listens to a topic, and how.
#[derive(Clone, Debug)]
pub(super) struct Subscription {
    pub arn: String,
    pub topic: String,
    pub protocol: String,
    pub endpoint: String,
    /// The message alone, without SNS's envelope.
    pub raw: bool,
}

impl Mail {
    /// `None` when the action is none of these.
    pub(super) fn topic_call(&self, action: &str, form: &Form) -> Option<Result<Xml, WireError>> {
        Some(match action {
            "CreateTopic" => form.need("Name").and_then(|name| self.create_topic(name)),
            "DeleteTopic" => {
                form.need("TopicArn").and_then(|arn| self.delete("DELETE FROM topics WHERE arn = ?1", arn))
            }
            "ListTopics" => self.topic_arns().map(|arns| {
                Xml::default().members("Topics", arns.iter().map(|arn| Xml::default().text("TopicArn", arn)))
            }),
            "GetTopicAttributes" => form.need("TopicArn").and_then(|arn| self.topic_attributes(arn)),
            "Subscribe" => self.subscribe(form),
            "Unsubscribe" => form
                .need("SubscriptionArn")
                .and_then(|arn| self.delete("DELETE FROM subscriptions WHERE arn = ?1", arn)),
            "SetSubscriptionAttributes" => self.set_subscription(form),
            "GetSubscriptionAttributes" => {
                form.need("SubscriptionArn").and_then(|arn| self.get_subscription(arn))
            }
            "ListSubscriptions" => self.subscriptions(None).map(|found| list(&found, &self.place.account)),
            "ListSubscriptionsByTopic" => {
                let found = form.need("TopicArn").and_then(|topic| self.subscriptions(Some(topic)));
                found.map(|found| list(&found, &self.place.account))
            }
            _ => return None,
        })
    }

    fn delete(&self, sql: &str, arn: &str) -> Result<Xml, WireError> {
        self.store.lock().execute(sql, [arn]).map_err(internal)?;
        Ok(Xml::default())
    }

    fn create_topic(&self, name: &str) -> Result<Xml, WireError> {
        let plain = name.strip_suffix(".fifo").unwrap_or(name);
        let allowed = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
        if plain.is_empty() || name.len() > 256 || !plain.chars().all(allowed) {
            return Err(invalid("Topic Name"));
        }
        let arn = self.place.arn("sns", name);
        let sql = "INSERT OR IGNORE INTO topics (arn) VALUES (?1)";
        self.store.lock().execute(sql, [&arn]).map_err(internal)?;
        Ok(Xml::default().text("TopicArn", &arn))
    }

    fn topic_arns(&self) -> Result<Vec<String>, WireError> {
        let connection = self.store.lock();
        let mut query = connection.prepare("SELECT arn FROM topics ORDER BY arn").map_err(internal)?;
        query.query_map([], |row| row.get(0)).and_then(Iterator::collect).map_err(internal)
    }

    pub(super) fn need_topic(&self, arn: &str) -> Result<(), WireError> {
        let there = exists(&self.store.lock(), "SELECT 1 FROM topics WHERE arn = ?1", arn)?;
        if there { Ok(()) } else { Err(not_found("Topic")) }
    }

    fn topic_attributes(&self, arn: &str) -> Result<Xml, WireError> {
        self.need_topic(arn)?;
        let confirmed = self.subscriptions(Some(arn))?.len();
        let attributes = [
            ("TopicArn", arn.to_owned()),
            ("Owner", self.place.account.clone()),
            ("SubscriptionsConfirmed", confirmed.to_string()),
            ("SubscriptionsPending", "0".to_owned()),
            ("FifoTopic", is_fifo(arn).to_string()),
        ];
        Ok(Xml::default().map("Attributes", attributes))
    }

    fn subscribe(&self, form: &Form) -> Result<Xml, WireError> {
        let (topic, protocol) = (form.need("TopicArn")?, form.need("Protocol")?);
        let endpoint = form.need("Endpoint")?;
        self.need_topic(topic)?;
        if !endpoint.starts_with(&format!("arn:aws:{protocol}:")) || !["sqs", "lambda"].contains(&protocol) {
            return Err(invalid("queues and functions can subscribe here, by their ARN"));
        }
        let attributes = form.map("Attributes");
        attributes.keys().try_for_each(|name| check_attribute(name))?;
        let raw = attributes.get("RawMessageDelivery").is_some_and(|raw| *raw == "true");
        let arn = format!("{topic}:{}", ident::uuid());
        let sql =
            "INSERT INTO subscriptions (arn, topic, protocol, endpoint, raw) VALUES (?1, ?2, ?3, ?4, ?5)
                   ON CONFLICT (topic, protocol, endpoint) DO UPDATE SET raw = excluded.raw RETURNING arn";
        let row = params![arn, topic, protocol, endpoint, raw];
        let arn: String = self.store.lock().query_row(sql, row, |row| row.get(0)).map_err(internal)?;
        Ok(Xml::default().text("SubscriptionArn", &arn))
    }

    fn set_subscription(&self, form: &Form) -> Result<Xml, WireError> {
        let (arn, name) = (form.need("SubscriptionArn")?, form.need("AttributeName")?);
        check_attribute(name)?;
        let raw = form.get("AttributeValue") == Some("true");
        let sql = "UPDATE subscriptions SET raw = ?2 WHERE arn = ?1";
        if self.store.lock().execute(sql, params![arn, raw]).map_err(internal)? == 0 {
            return Err(not_found("Subscription"));
        }
        Ok(Xml::default())
    }

    fn get_subscription(&self, arn: &str) -> Result<Xml, WireError> {
        let sql = "SELECT arn, topic, protocol, endpoint, raw FROM subscriptions WHERE arn = ?1";
        let found = self.store.lock().query_row(sql, [arn], read).optional().map_err(internal)?;
        let found = found.ok_or_else(|| not_found("Subscription"))?;
        let attributes = [
            ("SubscriptionArn", found.arn),
            ("TopicArn", found.topic),
            ("Protocol", found.protocol),
            ("Endpoint", found.endpoint),
            ("Owner", self.place.account.clone()),
            ("PendingConfirmation", "false".to_owned()),
            ("RawMessageDelivery", found.raw.to_string()),
        ];
        Ok(Xml::default().map("Attributes", attributes))
    }

    pub(super) fn subscriptions(&self, topic: Option<&str>) -> Result<Vec<Subscription>, WireError> {
        let connection = self.store.lock();
        let sql =
            "SELECT arn, topic, protocol, endpoint, raw FROM subscriptions WHERE ?1 IS NULL OR topic = ?1";
        let mut query = connection.prepare(sql).map_err(internal)?;
        query.query_map([topic], read).and_then(Iterator::collect).map_err(internal)
    }
}

/// The ending is part of the name and always written like this.
#[allow(clippy::case_sensitive_file_extension_comparisons)]
fn is_fifo(arn: &str) -> bool {
    arn.ends_with(".fifo")
}

/// Everything else would change who gets what, so it is not silently ignored.
fn check_attribute(name: &str) -> Result<(), WireError> {
    if name == "RawMessageDelivery" {
        Ok(())
    } else {
        Err(invalid(format!("AttributeName {name} is not known here")))
    }
}

fn list(found: &[Subscription], owner: &str) -> Xml {
    let members = found.iter().map(|one| {
        Xml::default()
            .text("SubscriptionArn", &one.arn)
            .text("TopicArn", &one.topic)
            .text("Protocol", &one.protocol)
            .text("Endpoint", &one.endpoint)
            .text("Owner", owner)
    });
    Xml::default().members("Subscriptions", members)
}

fn read(row: &Row<'_>) -> rusqlite::Result<Subscription> {
    Ok(Subscription {
        arn: row.get(0)?,
        topic: row.get(1)?,
        protocol: row.get(2)?,
        endpoint: row.get(3)?,
        raw: row.get(4)?,
    })
}
