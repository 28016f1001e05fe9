//! The rules of a single message and of a batch.
//!
//! <https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/quotas-messages.html>

use std::collections::{BTreeMap, HashSet};

use crate::error::QueueError;
use crate::message::{AttributeData, MessageAttribute, Outgoing};
use crate::settings::{DELAY_S_MAX, MESSAGE_BYTES_MAX, Settings};

const ATTRIBUTES_MAX: usize = 10;
const BATCH_MAX: usize = 10;
const ID_LEN_MAX: usize = 128;
const BATCH_ID_LEN_MAX: usize = 80;
const ATTRIBUTE_NAME_LEN_MAX: usize = 256;

/// Whether a queue of these settings takes the message.
pub(crate) fn outgoing(message: &Outgoing, settings: &Settings) -> Result<(), QueueError> {
    if message.body.is_empty() {
        return Err(QueueError::MissingParameter("MessageBody"));
    }
    if !message.body.chars().all(allowed) {
        return Err(QueueError::InvalidMessageContents(
            "The message contains characters outside the allowed set.",
        ));
    }
    attributes(&message.attributes)?;
    if message.size() > settings.bytes_max {
        return Err(invalid(format!(
            "One or more parameters are invalid. Reason: Message must be shorter than {} bytes.",
            settings.bytes_max
        )));
    }
    if let Some(delay_s) = message.delay_s {
        let delay_s = i64::from(delay_s);
        if settings.fifo && delay_s != 0 {
            return Err(not_of_this_queue("DelaySeconds", &delay_s.to_string()));
        }
        if delay_s > DELAY_S_MAX {
            return Err(invalid(format!(
                "Value {delay_s} for parameter DelaySeconds is invalid. Reason: DelaySeconds must be >= 0 and <= {DELAY_S_MAX}."
            )));
        }
    }
    identifier("MessageGroupId", message.group.as_deref())?;
    identifier("MessageDeduplicationId", message.dedup.as_deref())?;
    if !settings.fifo {
        return match &message.dedup {
            Some(id) => Err(not_of_this_queue("MessageDeduplicationId", id)),
            // A group on a standard queue is fair queueing: no order, only a label.
            None => Ok(()),
        };
    }
    if message.group.is_none() {
        return Err(QueueError::MissingParameter("MessageGroupId"));
    }
    if message.dedup.is_none() && !settings.content_dedup {
        return Err(invalid(
            "The queue should either have ContentBasedDeduplication enabled or MessageDeduplicationId provided explicitly"
                .to_owned(),
        ));
    }
    Ok(())
}

/// Whether a batch of entries with these ids is one.
pub(crate) fn batch_ids<'a>(ids: impl ExactSizeIterator<Item = &'a str>) -> Result<(), QueueError> {
    match ids.len() {
        0 => return Err(QueueError::EmptyBatchRequest),
        n if n > BATCH_MAX => return Err(QueueError::TooManyEntriesInBatchRequest(n)),
        _ => {}
    }
    let mut seen = HashSet::new();
    for id in ids {
        let fits = (1..=BATCH_ID_LEN_MAX).contains(&id.len())
            && id.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_');
        if !fits {
            return Err(QueueError::InvalidBatchEntryId);
        }
        if !seen.insert(id) {
            return Err(QueueError::BatchEntryIdsNotDistinct(id.to_owned()));
        }
    }
    Ok(())
}

/// Whether the messages of a batch are together no larger than one message may be.
pub(crate) fn batch_size(messages: &[Outgoing]) -> Result<(), QueueError> {
    let bytes = messages.iter().map(Outgoing::size).sum();
    if bytes > MESSAGE_BYTES_MAX { Err(QueueError::BatchRequestTooLong(bytes)) } else { Ok(()) }
}

fn attributes(attributes: &BTreeMap<String, MessageAttribute>) -> Result<(), QueueError> {
    if attributes.len() > ATTRIBUTES_MAX {
        return Err(invalid(format!(
            "Number of message attributes [{}] exceeds the allowed maximum [{ATTRIBUTES_MAX}].",
            attributes.len()
        )));
    }
    for (name, attribute) in attributes {
        let lower = name.to_ascii_lowercase();
        let name_fits = (1..=ATTRIBUTE_NAME_LEN_MAX).contains(&name.len())
            && name.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.'))
            && !name.starts_with('.')
            && !name.ends_with('.')
            && !name.contains("..")
            && !lower.starts_with("aws.")
            && !lower.starts_with("amazon.");
        if !name_fits {
            return Err(invalid(format!("The message attribute name '{name}' is invalid.")));
        }
        let kind = attribute.data_type.split('.').next().unwrap_or_default();
        let fits = match (kind, &attribute.value) {
            ("String", AttributeData::Text(text)) => !text.is_empty() && text.chars().all(allowed),
            ("Number", AttributeData::Text(text)) => text.parse::<f64>().is_ok(),
            ("Binary", AttributeData::Binary(bytes)) => !bytes.is_empty(),
            _ => false,
        };
        if !fits {
            return Err(invalid(format!(
                "The message attribute '{name}' has an invalid value for its type '{}'.",
                attribute.data_type
            )));
        }
    }
    Ok(())
}

/// The characters of XML 1.0, which is what SQS carries.
fn allowed(c: char) -> bool {
    matches!(c, '\u{9}' | '\u{A}' | '\u{D}' | '\u{20}'..='\u{D7FF}' | '\u{E000}'..='\u{FFFD}' | '\u{10000}'..)
}

fn identifier(name: &str, value: Option<&str>) -> Result<(), QueueError> {
    let fits = |text: &str| {
        (1..=ID_LEN_MAX).contains(&text.len())
            && text.bytes().all(|b| b.is_ascii_alphanumeric() || b.is_ascii_punctuation())
    };
    match value {
        Some(text) if !fits(text) => Err(invalid(format!(
            "Value {text} for parameter {name} is invalid. Reason: {name} can only include alphanumeric and \
             punctuation characters. 1 to {ID_LEN_MAX} in length."
        ))),
        _ => Ok(()),
    }
}

fn not_of_this_queue(name: &str, value: &str) -> QueueError {
    invalid(format!(
        "Value {value} for parameter {name} is invalid. Reason: The request include parameter that is not valid \
         for this queue type."
    ))
}

fn invalid(text: String) -> QueueError {
    QueueError::InvalidParameterValue(text)
}
