use kernel::{Context, Time};
use serde::{Deserialize, Deserializer};
use serde_json::Value;
use storage::Item;

/// One message of a queue.
pub struct Message<T> {
    /// Identity of the message: the same however often it is delivered. Consumers are idempotent by it.
    pub id: String,
    /// The typed body.
    pub body: T,
    /// How often it was delivered, this time included.
    pub receive_count: u32,
    /// When it was sent first.
    pub sent_at: Option<Time>,
    /// The invocation.
    pub context: Context,
}

/// One record of a table's stream.
pub struct StreamRecord {
    /// `INSERT`, `MODIFY` or `REMOVE`.
    pub event_name: String,
    /// Name of the table.
    pub table: String,
    /// The item as it is now.
    pub new: Option<Item>,
    /// The item as it was.
    pub old: Option<Item>,
    /// The invocation.
    pub context: Context,
}

/// A schedule fell due.
pub struct Tick {
    /// The invocation.
    pub context: Context,
}

/// A message that EventBridge put on a queue: the envelope around `detail`.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct BusMessage<T> {
    /// Identity of the event.
    pub id: String,
    /// For example `aws.mediaconvert`.
    pub source: String,
    /// For example `MediaConvert Job State Change`.
    pub detail_type: String,
    /// When it happened.
    pub time: Time,
    /// The event's own content.
    pub detail: T,
}

/// One stored object of an S3 notification. `s3:TestEvent`, which S3 sends once when a notification is set up, is an
/// empty list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ObjectCreated {
    /// Bucket.
    pub bucket: String,
    /// Key, decoded.
    pub key: String,
    /// Size in bytes.
    pub size_bytes: i64,
    /// Entity tag without quotes.
    pub etag: String,
}

impl ObjectCreated {
    /// Deserializes the `Records` of a notification.
    ///
    /// # Errors
    /// When the text is no S3 notification.
    pub fn list<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Self>, D::Error> {
        let value = Value::deserialize(deserializer)?;
        if value.get("Event").and_then(Value::as_str) == Some("s3:TestEvent") {
            return Ok(Vec::new());
        }
        let records = value.get("Records").and_then(Value::as_array);
        let records = records.ok_or_else(|| serde::de::Error::custom("no S3 notification"))?;
        records
            .iter()
            .map(|r| {
                let object = r.pointer("/s3/object")?;
                let raw = object.get("key")?.as_str()?;
                // S3 writes keys as in a form: percent-encoded, a space as `+`.
                let key = url::form_urlencoded::parse(format!("k={}", raw.replace('&', "%26")).as_bytes())
                    .next()
                    .map(|(_, v)| v.into_owned())?;
                Some(Self {
                    bucket: r.pointer("/s3/bucket/name")?.as_str()?.to_owned(),
                    key,
                    size_bytes: object.get("size").and_then(Value::as_i64).unwrap_or(0),
                    etag: object.get("eTag").and_then(Value::as_str).unwrap_or_default().to_owned(),
                })
            })
            .collect::<Option<Vec<_>>>()
            .ok_or_else(|| serde::de::Error::custom("an S3 record without bucket or key"))
    }
}

/// The body of a message that S3 put on a queue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ObjectsCreated(pub Vec<ObjectCreated>);

impl<'de> Deserialize<'de> for ObjectsCreated {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        ObjectCreated::list(deserializer).map(Self)
    }
}

#[cfg(test)]
mod tests {
    use super::ObjectsCreated;

    #[test]
    fn an_s3_notification_is_read_with_its_key_decoded() {
        let text = r#"{"Records":[{"eventName":"ObjectCreated:Put","s3":{"bucket":{"name":"b"},"object":{"key":"up/a+b%26c%C3%A9.mp4","size":7,"eTag":"e"}}}]}"#;
        let read: ObjectsCreated = serde_json::from_str(text).unwrap();
        assert_eq!(read.0[0].key, "up/a b&cé.mp4");
        let trial: ObjectsCreated =
            serde_json::from_str(r#"{"Service":"Amazon S3","Event":"s3:TestEvent","Bucket":"b"}"#).unwrap();
        assert!(trial.0.is_empty());
        assert!(serde_json::from_str::<ObjectsCreated>("{}").is_err());
    }
}
