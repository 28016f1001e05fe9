use cloud_core::Millis;
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::envelope::{Envelope, random_id};
use crate::error::EventsError;
use crate::events::Events;
use crate::pattern::Pattern;

const ENTRIES_MAX: usize = 10;
/// Bytes of all entries together.
const BYTES_MAX: usize = 256 * 1024;
/// What a time counts, however it is written.
const TIME_BYTES: usize = 14;
/// Fields that an event must have to be tested against a pattern.
const MANDATORY: [&str; 7] = ["id", "account", "source", "time", "region", "resources", "detail-type"];

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct PutEvents {
    #[serde(default)]
    entries: Vec<Entry>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Entry {
    time: Option<Value>,
    #[serde(default)]
    source: String,
    #[serde(default)]
    resources: Vec<String>,
    #[serde(default)]
    detail_type: String,
    #[serde(default)]
    detail: String,
    event_bus_name: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct TestEventPattern {
    #[serde(default)]
    event_pattern: String,
    #[serde(default)]
    event: String,
}

/// Why one entry of several was refused.
struct Refused {
    code: &'static str,
    message: String,
}

impl Entry {
    /// What counts towards the limit.
    /// <https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-putevents.html#eb-event-size>
    fn size(&self) -> usize {
        self.time.as_ref().map_or(0, |_| TIME_BYTES)
            + self.source.len()
            + self.detail_type.len()
            + self.detail.len()
            + self.resources.iter().map(String::len).sum::<usize>()
    }

    fn envelope(self, now: Millis) -> Result<Envelope, Refused> {
        let refused = |code, message: &str| Refused { code, message: message.to_owned() };
        for (name, value) in
            [("Source", &self.source), ("DetailType", &self.detail_type), ("Detail", &self.detail)]
        {
            if value.is_empty() {
                let message =
                    format!("Parameter {name} is not valid. Reason: {name} is a required argument.");
                return Err(Refused { code: "InvalidArgument", message });
            }
        }
        if self.source.starts_with("aws.") {
            return Err(refused("NotAuthorizedForSourceException", "Not authorized for the source."));
        }
        let detail = serde_json::from_str(&self.detail).ok().filter(Value::is_object);
        let detail = detail.ok_or_else(|| refused("MalformedDetail", "Detail is malformed."))?;
        let time_ms = match &self.time {
            None => now,
            Some(time) => millis(time).ok_or_else(|| refused("InvalidArgument", "Time is not valid."))?,
        };
        Ok(Envelope {
            source: self.source,
            detail_type: self.detail_type,
            detail,
            resources: self.resources,
            time_ms,
        })
    }
}

/// A timestamp of the wire: seconds since the epoch, or RFC 3339.
pub(super) fn millis(value: &Value) -> Option<Millis> {
    match value {
        Value::Number(seconds) => {
            let whole = seconds.as_i64().map(|s| s.saturating_mul(1000));
            // Milliseconds of this century are far from where a float loses them.
            #[allow(clippy::cast_possible_truncation)]
            whole.or_else(|| seconds.as_f64().map(|s| (s * 1000.0).round() as Millis))
        }
        Value::String(text) => text.parse::<Timestamp>().ok().map(Timestamp::as_millisecond),
        _ => None,
    }
}

/// Whether an event matches a pattern; neither is kept.
pub(super) fn test_event_pattern(input: &TestEventPattern) -> Result<Value, EventsError> {
    let pattern = Pattern::parse(&input.event_pattern)?;
    let event: Value = serde_json::from_str(&input.event)
        .map_err(|e| EventsError::Validation(format!("Parameter Event is not valid: {e}")))?;
    if let Some(missing) = MANDATORY.iter().find(|name| event.get(**name).is_none()) {
        return Err(EventsError::Validation(format!(
            "Parameter Event is not valid. Reason: {missing} is a required argument."
        )));
    }
    Ok(json!({"Result": pattern.matches(&event)}))
}

impl Events {
    pub(super) fn put_events(&self, input: PutEvents) -> Result<Value, EventsError> {
        if input.entries.is_empty() || input.entries.len() > ENTRIES_MAX {
            return Err(EventsError::Validation(format!("Entries must have 1 to {ENTRIES_MAX} members.")));
        }
        if input.entries.iter().map(Entry::size).sum::<usize>() > BYTES_MAX {
            return Err(EventsError::Validation(format!(
                "Total size of the entries in the request is over the limit of {BYTES_MAX} bytes."
            )));
        }
        let now = self.clock.now_ms();
        let place = self.lock().place.clone();
        let (mut accepted, mut results) = (Vec::new(), Vec::new());
        let mut failed = 0;
        for entry in input.entries {
            let bus = self.lock().bus_named(entry.event_bus_name.as_deref());
            // AWS says nothing when the bus is missing, and the event is lost. Here it is an error, so that it is found.
            let bus = bus.map_err(|e| Refused { code: "InvalidArgument", message: e.to_string() });
            match bus.and_then(|bus| Ok((bus, entry.envelope(now)?))) {
                Ok((bus, envelope)) => {
                    let id = random_id();
                    accepted.push((bus, envelope.event(&id, &place)));
                    results.push(json!({"EventId": id}));
                }
                Err(Refused { code, message }) => {
                    failed += 1;
                    results.push(json!({"ErrorCode": code, "ErrorMessage": message}));
                }
            }
        }
        self.accept(&accepted)?;
        Ok(json!({"FailedEntryCount": failed, "Entries": results}))
    }
}
