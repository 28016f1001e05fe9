use std::collections::BTreeMap;

use cloud_core::Millis;
use serde_json::Value;

use crate::error::QueueError;

/// The largest message, and the largest batch: 1 MiB (256 KiB until August 2025).
pub(crate) const MESSAGE_BYTES_MAX: usize = 1_048_576;
/// The longest visibility timeout: twelve hours from the receive.
pub(crate) const VISIBILITY_S_MAX: i64 = 43_200;
/// The longest delay: fifteen minutes.
pub(crate) const DELAY_S_MAX: i64 = 900;
/// The longest wait of a long poll.
pub(crate) const WAIT_S_MAX: i64 = 20;

const FIFO_SUFFIX: &str = ".fifo";

/// Attributes that any queue takes, with their defaults (`None`: unset).
const ANY: [(&str, Option<&str>); 11] = [
    ("DelaySeconds", Some("0")),
    ("MaximumMessageSize", Some("1048576")),
    ("MessageRetentionPeriod", Some("345600")),
    ("ReceiveMessageWaitTimeSeconds", Some("0")),
    ("VisibilityTimeout", Some("30")),
    ("SqsManagedSseEnabled", Some("true")),
    ("Policy", None),
    ("RedrivePolicy", None),
    ("RedriveAllowPolicy", None),
    ("KmsMasterKeyId", None),
    ("KmsDataKeyReusePeriodSeconds", None),
];
/// Attributes that FIFO queues take besides.
const FIFO: [(&str, &str); 4] = [
    ("FifoQueue", "true"),
    ("ContentBasedDeduplication", "false"),
    ("DeduplicationScope", "queue"),
    ("FifoThroughputLimit", "perQueue"),
];

/// Where messages go that were received too often.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Redrive {
    pub target_arn: String,
    pub receives_max: u32,
}

impl Redrive {
    /// Name of the dead-letter queue.
    pub fn target(&self) -> &str {
        queue_name(&self.target_arn)
    }
}

/// The queue that an ARN names.
pub(crate) fn queue_name(arn: &str) -> &str {
    arn.rsplit(':').next().unwrap_or(arn)
}

/// A queue's attributes: as given, and as numbers.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    raw: BTreeMap<String, String>,
    pub fifo: bool,
    pub delay_ms: Millis,
    pub bytes_max: usize,
    pub retention_ms: Millis,
    pub wait_ms: Millis,
    pub visibility_ms: Millis,
    pub redrive: Option<Redrive>,
    pub content_dedup: bool,
    pub dedup_per_group: bool,
}

impl Settings {
    /// The settings of a new queue of this name.
    pub fn new(name: &str, given: &BTreeMap<String, String>) -> Result<Self, QueueError> {
        let stem = name.strip_suffix(FIFO_SUFFIX).unwrap_or(name);
        let fits = !stem.is_empty()
            && name.len() <= 80
            && stem.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_');
        let fifo = given.get("FifoQueue").is_some_and(|v| v == "true");
        if !fits || fifo != name.ends_with(FIFO_SUFFIX) {
            return Err(QueueError::InvalidParameterValue(
                "Can only include alphanumeric characters, hyphens, or underscores. 1 to 80 in length. \
                 The name of a FIFO queue, and of no other, ends in .fifo"
                    .to_owned(),
            ));
        }
        let mut raw: BTreeMap<String, String> =
            ANY.iter().filter_map(|(k, v)| v.map(|v| ((*k).to_owned(), v.to_owned()))).collect();
        if fifo {
            raw.extend(FIFO.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())));
        }
        Self::parse(raw, fifo)?.with(given)
    }

    /// These settings with some of them changed. An empty policy removes it.
    pub fn with(&self, given: &BTreeMap<String, String>) -> Result<Self, QueueError> {
        let mut raw = self.raw.clone();
        for (name, value) in given {
            if name == "FifoQueue" {
                if (value == "true") != self.fifo {
                    return Err(QueueError::InvalidAttributeValue(name.clone()));
                }
                continue;
            }
            let known =
                ANY.iter().any(|(k, _)| k == name) || self.fifo && FIFO.iter().any(|(k, _)| k == name);
            if !known {
                return Err(QueueError::InvalidAttributeName(name.clone()));
            }
            if value.is_empty() {
                raw.remove(name);
            } else {
                raw.insert(name.clone(), value.clone());
            }
        }
        Self::parse(raw, self.fifo)
    }

    /// Settings as they were stored.
    pub fn stored(raw: BTreeMap<String, String>) -> Result<Self, QueueError> {
        let fifo = raw.contains_key("FifoQueue");
        Self::parse(raw, fifo)
    }

    /// The attributes as text.
    pub fn raw(&self) -> &BTreeMap<String, String> {
        &self.raw
    }

    /// The first of these attributes that this queue has another value for.
    pub fn differing<'a>(&self, given: &'a BTreeMap<String, String>) -> Option<&'a str> {
        given.iter().find(|(name, value)| !self.agrees(name, value)).map(|(name, _)| name.as_str())
    }

    fn agrees(&self, name: &str, value: &str) -> bool {
        match self.raw.get(name) {
            Some(own) if own == value => true,
            Some(own) => {
                let json = |text: &str| serde_json::from_str::<Value>(text).ok().filter(Value::is_object);
                json(own).is_some_and(|own| Some(own) == json(value))
            }
            None => value.is_empty() || name == "FifoQueue" && value == "false",
        }
    }

    fn parse(raw: BTreeMap<String, String>, fifo: bool) -> Result<Self, QueueError> {
        let number = |name: &str, default: i64, min: i64, max: i64| match raw.get(name) {
            None => Ok(default),
            Some(text) => text
                .parse::<i64>()
                .ok()
                .filter(|n| (min..=max).contains(n))
                .ok_or_else(|| QueueError::InvalidAttributeValue(name.to_owned())),
        };
        let choice = |name: &str, values: [&str; 2]| match raw.get(name).map(String::as_str) {
            None => Ok(false),
            Some(text) if text == values[0] => Ok(false),
            Some(text) if text == values[1] => Ok(true),
            Some(_) => Err(QueueError::InvalidAttributeValue(name.to_owned())),
        };
        number("KmsDataKeyReusePeriodSeconds", 300, 60, 86_400)?;
        choice("SqsManagedSseEnabled", ["false", "true"])?;
        choice("FifoThroughputLimit", ["perQueue", "perMessageGroupId"])?;
        if let Some(policy) = raw.get("RedriveAllowPolicy") {
            json_object("RedriveAllowPolicy", policy)?;
        }
        let bytes_max = number("MaximumMessageSize", 1_048_576, 1024, 1_048_576)?;
        Ok(Self {
            fifo,
            delay_ms: 1000 * number("DelaySeconds", 0, 0, DELAY_S_MAX)?,
            bytes_max: usize::try_from(bytes_max).unwrap_or(MESSAGE_BYTES_MAX),
            retention_ms: 1000 * number("MessageRetentionPeriod", 345_600, 60, 1_209_600)?,
            wait_ms: 1000 * number("ReceiveMessageWaitTimeSeconds", 0, 0, WAIT_S_MAX)?,
            visibility_ms: 1000 * number("VisibilityTimeout", 30, 0, VISIBILITY_S_MAX)?,
            redrive: raw.get("RedrivePolicy").map(|text| parse_redrive(text)).transpose()?,
            content_dedup: choice("ContentBasedDeduplication", ["false", "true"])?,
            dedup_per_group: choice("DeduplicationScope", ["queue", "messageGroup"])?,
            raw,
        })
    }

    /// Whether this queue lets `source_arn` use it as its dead-letter queue.
    pub fn allows_redrive_from(&self, source_arn: &str) -> bool {
        let policy = self.raw.get("RedriveAllowPolicy").and_then(|p| serde_json::from_str::<Value>(p).ok());
        let Some(policy) = policy else { return true };
        match policy.get("redrivePermission").and_then(Value::as_str) {
            Some("denyAll") => false,
            Some("byQueue") => policy
                .get("sourceQueueArns")
                .and_then(Value::as_array)
                .is_some_and(|arns| arns.iter().any(|arn| arn.as_str() == Some(source_arn))),
            _ => true,
        }
    }
}

fn json_object(name: &str, text: &str) -> Result<Value, QueueError> {
    serde_json::from_str::<Value>(text)
        .ok()
        .filter(Value::is_object)
        .ok_or_else(|| QueueError::InvalidAttributeValue(name.to_owned()))
}

fn parse_redrive(text: &str) -> Result<Redrive, QueueError> {
    let invalid = || QueueError::InvalidAttributeValue("RedrivePolicy".to_owned());
    let policy = json_object("RedrivePolicy", text)?;
    let target = policy.get("deadLetterTargetArn").and_then(Value::as_str).ok_or_else(invalid)?;
    // Templates and SDKs write the count both as a number and as text.
    let receives_max = match policy.get("maxReceiveCount") {
        None => Some(10),
        Some(Value::String(text)) => text.parse().ok(),
        Some(value) => value.as_u64(),
    };
    let receives_max = receives_max.filter(|n| (1..=1000).contains(n)).ok_or_else(invalid)?;
    Ok(Redrive {
        target_arn: target.to_owned(),
        receives_max: u32::try_from(receives_max).map_err(|_| invalid())?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn given(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
        pairs.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect()
    }

    #[test]
    fn only_fifo_queues_end_in_fifo_and_take_fifo_attributes() {
        assert!(Settings::new("a.fifo", &given(&[("FifoQueue", "true")])).is_ok());
        assert!(Settings::new("a.fifo", &given(&[])).is_err());
        assert!(Settings::new("a", &given(&[("FifoQueue", "true")])).is_err());
        assert!(matches!(
            Settings::new("a", &given(&[("ContentBasedDeduplication", "true")])),
            Err(QueueError::InvalidAttributeName(_))
        ));
    }

    #[test]
    fn numbers_outside_their_range_are_refused() {
        for (name, value) in [
            ("DelaySeconds", "901"),
            ("MaximumMessageSize", "1048577"),
            ("MessageRetentionPeriod", "59"),
            ("VisibilityTimeout", "-1"),
            ("ReceiveMessageWaitTimeSeconds", "x"),
        ] {
            let refused = Settings::new("q", &given(&[(name, value)]));
            assert!(matches!(refused, Err(QueueError::InvalidAttributeValue(_))), "{name}={value}");
        }
    }

    #[test]
    fn a_redrive_policy_agrees_whatever_its_spelling() {
        let own = Settings::new(
            "q",
            &given(&[(
                "RedrivePolicy",
                r#"{"deadLetterTargetArn":"arn:aws:sqs:r:0:d","maxReceiveCount":2}"#,
            )]),
        )
        .unwrap();
        assert_eq!(own.redrive.as_ref().map(Redrive::target), Some("d"));
        let same = given(&[(
            "RedrivePolicy",
            r#"{ "maxReceiveCount": 2, "deadLetterTargetArn": "arn:aws:sqs:r:0:d" }"#,
        )]);
        assert_eq!(own.differing(&same), None);
        assert_eq!(own.differing(&given(&[("DelaySeconds", "1")])), Some("DelaySeconds"));
    }
}
