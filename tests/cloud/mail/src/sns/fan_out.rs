//! From a topic to its subscribers. What was published is stored before it is answered, and stays until it arrived.

use cloud_core::WireError;
use rusqlite::params;
use serde_json::{Value, json};

use super::publish::Message;
use super::topics::Subscription;
use crate::ident;
use crate::service::{Mail, internal};

/// One message for one subscriber.
struct Delivery {
    seq: i64,
    target: String,
    body: String,
    group: Option<String>,
}

impl Mail {
    /// Stores the messages for every subscriber of the topic, all or none.
    pub(super) fn fan_out(&self, topic: &str, messages: &[&Message]) -> Result<(), WireError> {
        self.need_topic(topic)?;
        let subscriptions = self.subscriptions(Some(topic))?;
        let mut connection = self.store.lock();
        let tx = connection.transaction().map_err(internal)?;
        for message in messages {
            for subscription in &subscriptions {
                let body = self.body(message, subscription);
                let sql = "INSERT INTO deliveries (target, body, grp) VALUES (?1, ?2, ?3)";
                tx.execute(sql, params![subscription.endpoint, body, message.group]).map_err(internal)?;
            }
        }
        tx.commit().map_err(internal)
    }

    /// Delivers what waits, and has the rest tried again later.
    pub(super) async fn deliver_now(&self) {
        if self.deliver_waiting().await > 0 {
            self.waiting.notify_one();
        }
    }

    /// Delivers what waits, oldest first; returns how much could not be delivered.
    pub(crate) async fn deliver_waiting(&self) -> usize {
        let waiting = self.waiting_deliveries().unwrap_or_else(|error| {
            tracing::error!(%error, "reading what SNS has to deliver");
            Vec::new()
        });
        let mut left = 0;
        for Delivery { seq, target, body, group } in waiting {
            match self.deliver.deliver(target.clone(), body, group).await {
                Ok(()) => {
                    let done = self.store.lock().execute("DELETE FROM deliveries WHERE seq = ?1", [seq]);
                    left += usize::from(done.is_err());
                }
                Err(why) => {
                    tracing::warn!(target, why, "an SNS message has to wait");
                    left += 1;
                }
            }
        }
        left
    }

    fn waiting_deliveries(&self) -> rusqlite::Result<Vec<Delivery>> {
        let connection = self.store.lock();
        let mut query =
            connection.prepare("SELECT seq, target, body, grp FROM deliveries ORDER BY seq LIMIT 1000")?;
        query
            .query_map([], |row| {
                Ok(Delivery { seq: row.get(0)?, target: row.get(1)?, body: row.get(2)?, group: row.get(3)? })
            })?
            .collect()
    }

    /// A queue gets the message or SNS's envelope, a function the envelope in `Records`.
    fn body(&self, message: &Message, subscription: &Subscription) -> String {
        let text = message.for_protocol(&subscription.protocol);
        match subscription.protocol.as_str() {
            "lambda" => {
                let record = json!({
                    "EventSource": "aws:sns",
                    "EventVersion": "1.0",
                    "EventSubscriptionArn": subscription.arn,
                    "Sns": self.envelope(message, subscription, text, "Url"),
                });
                json!({"Records": [record]}).to_string()
            }
            _ if subscription.raw => text.to_owned(),
            _ => self.envelope(message, subscription, text, "URL").to_string(),
        }
    }

    /// `url` is how this kind of subscriber spells it. There is no certificate here, so nothing is signed.
    fn envelope(&self, message: &Message, subscription: &Subscription, text: &str, url: &str) -> Value {
        let mut envelope = json!({
            "Type": "Notification",
            "MessageId": message.id,
            "TopicArn": subscription.topic,
            "Message": text,
            "Timestamp": format!("{:.3}", ident::timestamp(self.clock.now_ms())),
        });
        if let Some(fields) = envelope.as_object_mut() {
            if let Some(subject) = &message.subject {
                fields.insert("Subject".into(), subject.clone().into());
            }
            let unsubscribe =
                format!("{}/?Action=Unsubscribe&SubscriptionArn={}", self.place.endpoint, subscription.arn);
            fields.insert(format!("Unsubscribe{url}"), unsubscribe.into());
            if !message.attributes.is_empty() {
                fields.insert("MessageAttributes".into(), message.attributes.clone().into());
            }
        }
        envelope
    }
}
