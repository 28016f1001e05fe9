//! A job as it is kept and as the API shows it.

use cloud_core::{Millis, Place};
use serde_json::{Map, Value, json};

use crate::failure::Failure;

/// `JobStatus`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Status {
    Submitted,
    Progressing,
    Complete,
    Canceled,
    Error,
}

impl Status {
    pub fn name(self) -> &'static str {
        match self {
            Self::Submitted => "SUBMITTED",
            Self::Progressing => "PROGRESSING",
            Self::Complete => "COMPLETE",
            Self::Canceled => "CANCELED",
            Self::Error => "ERROR",
        }
    }

    pub fn parse(name: &str) -> Option<Self> {
        [Self::Submitted, Self::Progressing, Self::Complete, Self::Canceled, Self::Error]
            .into_iter()
            .find(|status| status.name() == name)
    }
}

/// `JobPhase`: what a job that is progressing does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd)]
pub(crate) enum Phase {
    Probing,
    Transcoding,
    Uploading,
}

impl Phase {
    pub const ALL: [Self; 3] = [Self::Probing, Self::Transcoding, Self::Uploading];

    pub fn name(self) -> &'static str {
        match self {
            Self::Probing => "PROBING",
            Self::Transcoding => "TRANSCODING",
            Self::Uploading => "UPLOADING",
        }
    }
}

/// One job.
#[derive(Clone, Debug)]
pub(crate) struct Job {
    pub id: String,
    /// The body of `CreateJob`: role, settings, user metadata and the rest, as sent.
    pub request: Map<String, Value>,
    pub queue: String,
    pub priority: i64,
    pub status: Status,
    pub phase: Option<String>,
    /// 0 to 100, when known.
    pub percent: Option<i64>,
    /// How often it was started; more than once when the process died in between.
    pub attempts: i64,
    pub failure: Option<Failure>,
    pub submitted_ms: Millis,
    pub started_ms: Option<Millis>,
    pub finished_ms: Option<Millis>,
    /// `outputGroupDetails` as the `COMPLETE` event has them.
    pub outputs: Value,
}

impl Job {
    pub fn arn(&self, place: &Place) -> String {
        arn(place, &self.id)
    }

    pub fn settings(&self) -> &Value {
        self.request.get("settings").unwrap_or(&Value::Null)
    }

    /// The API's `Job`; times are in seconds since the epoch.
    pub fn show(&self, place: &Place) -> Value {
        let mut timing = json!({"submitTime": self.submitted_ms.div_euclid(1000)});
        let mut shown = json!({
            "id": self.id,
            "arn": self.arn(place),
            "createdAt": self.submitted_ms.div_euclid(1000),
            "queue": self.queue,
            "priority": self.priority,
            "status": self.status.name(),
            "statusUpdateInterval": "SECONDS_60",
            "userMetadata": {},
            "billingTagsSource": "JOB",
            "accelerationSettings": {"mode": "DISABLED"},
            "accelerationStatus": "NOT_APPLICABLE",
            "messages": {"info": [], "warning": []},
            "retryCount": (self.attempts - 1).max(0),
        });
        if let (Some(shown), Some(timing)) = (shown.as_object_mut(), timing.as_object_mut()) {
            for name in SHOWN {
                if let Some(value) = self.request.get(name) {
                    shown.insert(name.to_owned(), value.clone());
                }
            }
            for (name, time) in [("startTime", self.started_ms), ("finishTime", self.finished_ms)] {
                if let Some(time) = time {
                    timing.insert(name.to_owned(), time.div_euclid(1000).into());
                }
            }
            if let Some(phase) = self.phase.as_ref().filter(|_| self.status == Status::Progressing) {
                shown.insert("currentPhase".into(), phase.clone().into());
            }
            if let Some(percent) = self.percent {
                shown.insert("jobPercentComplete".into(), percent.into());
            }
            if let Some(failure) = &self.failure {
                shown.insert("errorCode".into(), failure.code.into());
                shown.insert("errorMessage".into(), failure.message.clone().into());
            }
            if self.status == Status::Complete {
                shown.insert("outputGroupDetails".into(), api_details(&self.outputs));
            }
            shown.insert("timing".into(), Value::Object(std::mem::take(timing)));
        }
        shown
    }
}

/// What of the request is shown as it came.
const SHOWN: [&str; 9] = [
    "role",
    "settings",
    "userMetadata",
    "clientRequestToken",
    "statusUpdateInterval",
    "billingTagsSource",
    "accelerationSettings",
    "hopDestinations",
    "simulateReservedQueue",
];

/// The API shows less of the outputs than the event: durations and sizes, no paths.
fn api_details(groups: &Value) -> Value {
    let field = |value: &Value, name: &str| value.get(name).cloned().unwrap_or_default();
    let list = |value: Value| match value {
        Value::Array(list) => list,
        _ => Vec::new(),
    };
    let groups = list(groups.clone()).into_iter().map(|group| {
        let outputs = list(field(&group, "outputDetails")).into_iter().map(|output| {
            let mut shown = json!({"durationInMs": field(&output, "durationInMs")});
            if let (Some(video), Some(shown)) = (output.get("videoDetails"), shown.as_object_mut()) {
                let size =
                    json!({"widthInPx": field(video, "widthInPx"), "heightInPx": field(video, "heightInPx")});
                shown.insert("videoDetails".into(), size);
            }
            shown
        });
        json!({"outputDetails": outputs.collect::<Vec<_>>()})
    });
    groups.collect()
}

/// `arn:aws:mediaconvert:{region}:{account}:jobs/{id}`.
pub(crate) fn arn(place: &Place, id: &str) -> String {
    place.arn("mediaconvert", &format!("jobs/{id}"))
}
