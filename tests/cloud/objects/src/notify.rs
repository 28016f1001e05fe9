//! What S3 says about a change: the notification record (SQS, SNS, Lambda) and the EventBridge event.
//!
//! Records: <https://docs.aws.amazon.com/AmazonS3/latest/userguide/notification-content-structure.html>,
//! events: <https://docs.aws.amazon.com/AmazonS3/latest/userguide/ev-events.html>.

use cloud_core::{BusEvent, Millis, Place};
use s3s::dto::{NotificationConfiguration, NotificationConfigurationFilter};
use serde_json::{Value, json};

use crate::index::Target;

/// A change that S3 announces.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Change {
    Put,
    Post,
    Copy,
    CompleteMultipartUpload,
    Delete,
    DeleteMarker,
    Expire,
    ExpireToMarker,
    Tag,
    Untag,
}

impl Change {
    /// Type without the `s3:` that only configurations carry.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Put => "ObjectCreated:Put",
            Self::Post => "ObjectCreated:Post",
            Self::Copy => "ObjectCreated:Copy",
            Self::CompleteMultipartUpload => "ObjectCreated:CompleteMultipartUpload",
            Self::Delete => "ObjectRemoved:Delete",
            Self::DeleteMarker => "ObjectRemoved:DeleteMarkerCreated",
            Self::Expire => "LifecycleExpiration:Delete",
            Self::ExpireToMarker => "LifecycleExpiration:DeleteMarkerCreated",
            Self::Tag => "ObjectTagging:Put",
            Self::Untag => "ObjectTagging:Delete",
        }
    }

    fn creates(self) -> bool {
        matches!(self, Self::Put | Self::Post | Self::Copy | Self::CompleteMultipartUpload)
    }

    /// Whether a configured event type (`s3:ObjectCreated:*`, `s3:ObjectRemoved:Delete`) covers this change.
    pub(crate) fn is(self, configured: &str) -> bool {
        let configured = configured.strip_prefix("s3:").unwrap_or(configured);
        match configured.strip_suffix('*') {
            Some(family) => self.name().starts_with(family),
            None => self.name() == configured,
        }
    }

    fn detail_type(self) -> &'static str {
        match self {
            Self::Put | Self::Post | Self::Copy | Self::CompleteMultipartUpload => "Object Created",
            Self::Delete | Self::DeleteMarker | Self::Expire | Self::ExpireToMarker => "Object Deleted",
            Self::Tag => "Object Tags Added",
            Self::Untag => "Object Tags Deleted",
        }
    }

    /// `reason` of the EventBridge event.
    fn reason(self) -> Option<&'static str> {
        match self {
            Self::Put => Some("PutObject"),
            Self::Post => Some("POST Object"),
            Self::Copy => Some("CopyObject"),
            Self::CompleteMultipartUpload => Some("CompleteMultipartUpload"),
            Self::Delete | Self::DeleteMarker => Some("DeleteObject"),
            Self::Expire | Self::ExpireToMarker => Some("Lifecycle Expiration"),
            Self::Tag | Self::Untag => None,
        }
    }

    fn deletion_type(self) -> Option<&'static str> {
        match self {
            Self::Delete | Self::Expire => Some("Permanently Deleted"),
            Self::DeleteMarker | Self::ExpireToMarker => Some("Delete Marker Created"),
            _ => None,
        }
    }
}

/// One change of one object.
#[derive(Clone, Debug)]
pub(crate) struct Happening<'a> {
    pub change: Change,
    pub bucket: &'a str,
    pub key: &'a str,
    /// Bytes.
    pub size: u64,
    pub etag: &'a str,
    /// Set when the bucket has versioning.
    pub version: Option<&'a str>,
    pub seq: i64,
    pub at: Millis,
}

impl Happening<'_> {
    /// Hexadecimal and of fixed width, so that comparing strings compares writes of one key.
    fn sequencer(&self) -> String {
        format!("{:016X}", self.seq)
    }

    /// What to send where, by the bucket's configuration.
    pub(crate) fn plan(&self, to: &NotificationConfiguration, place: &Place) -> Vec<(Target, Value)> {
        let queues =
            to.queue_configurations.iter().flatten().map(|c| (&c.queue_arn, &c.events, &c.filter, &c.id));
        let topics =
            to.topic_configurations.iter().flatten().map(|c| (&c.topic_arn, &c.events, &c.filter, &c.id));
        let functions = to
            .lambda_function_configurations
            .iter()
            .flatten()
            .map(|c| (&c.lambda_function_arn, &c.events, &c.filter, &c.id));
        let mut plan: Vec<(Target, Value)> = queues
            .chain(topics)
            .chain(functions)
            .filter(|(_, events, filter, _)| {
                events.iter().any(|e| self.change.is(e.as_ref())) && passes(filter.as_ref(), self.key)
            })
            .map(|(arn, _, _, id)| {
                (
                    Target::Arn(arn.clone()),
                    json!({"Records": [self.record(id.as_deref().unwrap_or_default(), place)]}),
                )
            })
            .collect();
        if to.event_bridge_configuration.is_some() {
            plan.push((Target::Bus, self.event(place)));
        }
        plan
    }

    fn record(&self, configuration: &str, place: &Place) -> Value {
        let mut object = json!({"key": url_encoded(self.key), "sequencer": self.sequencer()});
        if let Some(fields) = object.as_object_mut() {
            // A deletion has no size and no entity tag.
            if self.change.creates() {
                fields.insert("size".into(), self.size.into());
            }
            if self.change.deletion_type() != Some("Permanently Deleted") {
                fields.insert("eTag".into(), self.etag.into());
            }
            if let Some(version) = self.version {
                fields.insert("versionId".into(), version.into());
            }
        }
        json!({
            "eventVersion": "2.1",
            "eventSource": "aws:s3",
            "awsRegion": place.region,
            "eventTime": timestamp(self.at),
            "eventName": self.change.name(),
            "userIdentity": {"principalId": place.account},
            "requestParameters": {"sourceIPAddress": "127.0.0.1"},
            "responseElements": {"x-amz-request-id": self.sequencer(), "x-amz-id-2": self.sequencer()},
            "s3": {
                "s3SchemaVersion": "1.0",
                "configurationId": configuration,
                "bucket": {
                    "name": self.bucket,
                    "ownerIdentity": {"principalId": place.account},
                    "arn": format!("arn:aws:s3:::{}", self.bucket),
                },
                "object": object,
            },
        })
    }

    /// The detail of the event, with its type beside it: the outbox keeps both.
    fn event(&self, place: &Place) -> Value {
        // EventBridge gets the key as it is, not URL-encoded.
        let mut object = json!({"key": self.key});
        if let Some(fields) = object.as_object_mut() {
            if self.change.creates() {
                fields.insert("size".into(), self.size.into());
            }
            if self.change.deletion_type() != Some("Permanently Deleted") {
                fields.insert("etag".into(), self.etag.into());
            }
            if let Some(version) = self.version {
                fields.insert("version-id".into(), version.into());
            }
            fields.insert("sequencer".into(), self.sequencer().into());
        }
        let mut detail = json!({
            "version": "0",
            "bucket": {"name": self.bucket},
            "object": object,
            "request-id": self.sequencer(),
            "requester": place.account,
            "source-ip-address": "127.0.0.1",
        });
        if let Some(fields) = detail.as_object_mut() {
            if let Some(reason) = self.change.reason() {
                fields.insert("reason".into(), reason.into());
            }
            if let Some(kind) = self.change.deletion_type() {
                fields.insert("deletion-type".into(), kind.into());
            }
        }
        json!({"detail-type": self.change.detail_type(), "detail": detail})
    }
}

/// The bus event that [`Happening::event`] wrote into the outbox.
pub(crate) fn bus_event(stored: &Value) -> BusEvent {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let detail = stored.get("detail").cloned().unwrap_or_default();
    let bucket = detail.pointer("/bucket/name").map(text).unwrap_or_default();
    BusEvent {
        source: "aws.s3".to_owned(),
        detail_type: stored.get("detail-type").map(text).unwrap_or_default(),
        detail,
        resources: vec![format!("arn:aws:s3:::{bucket}")],
    }
}

/// What S3 sends to a destination when it is configured, to see that it exists.
pub(crate) fn test_event(bucket: &str, at: Millis) -> Value {
    json!({
        "Service": "Amazon S3",
        "Event": "s3:TestEvent",
        "Time": timestamp(at),
        "Bucket": bucket,
        "RequestId": crate::blobs::fresh_name(),
        "HostId": crate::blobs::fresh_name(),
    })
}

fn passes(filter: Option<&NotificationConfigurationFilter>, key: &str) -> bool {
    let rules = filter.and_then(|f| f.key.as_ref()).and_then(|k| k.filter_rules.as_ref());
    rules.into_iter().flatten().all(|rule| {
        let value = rule.value.as_deref().unwrap_or_default();
        match rule.name.as_ref().map(|name| name.as_str().to_ascii_lowercase()).as_deref() {
            Some("prefix") => key.starts_with(value),
            Some("suffix") => key.ends_with(value),
            _ => false,
        }
    })
}

/// Keys in records and in listings with `encoding-type=url`: form encoding (a space is `+`), but `/` stays.
pub(crate) fn url_encoded(key: &str) -> String {
    let parts: Vec<String> =
        key.split('/').map(|part| url::form_urlencoded::byte_serialize(part.as_bytes()).collect()).collect();
    parts.join("/")
}

/// `2026-01-02T03:04:05.678Z`
fn timestamp(at: Millis) -> String {
    jiff::Timestamp::from_millisecond(at).map(|t| format!("{t:.3}")).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wildcard_covers_its_family_and_nothing_else() {
        assert!(Change::Put.is("s3:ObjectCreated:*"));
        assert!(Change::Post.is("s3:ObjectCreated:Post"));
        assert!(!Change::Put.is("s3:ObjectCreated:Post"));
        assert!(!Change::Delete.is("s3:ObjectCreated:*"));
    }

    #[test]
    fn keys_in_records_are_form_encoded_with_slashes_kept() {
        assert_eq!(url_encoded("in/v 1+é.mp4"), "in/v+1%2B%C3%A9.mp4");
    }

    #[test]
    fn times_have_milliseconds() {
        assert_eq!(timestamp(1_767_323_045_000), "2026-01-02T03:04:05.000Z");
    }

    #[test]
    fn the_sequencer_of_a_later_write_compares_greater() {
        let of = |seq| Happening {
            change: Change::Put,
            bucket: "b",
            key: "k",
            size: 0,
            etag: "",
            version: None,
            seq,
            at: 0,
        };
        assert!(of(9).sequencer() < of(10).sequencer());
        assert!(of(0xff).sequencer() < of(0x100).sequencer());
    }
}
