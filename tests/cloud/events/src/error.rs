use cloud_core::{Protocol, Response, WireError};
use http::StatusCode;

use crate::pattern::PatternError;
use crate::schedule::ScheduleError;

/// Why `EventBridge` refused a call. The text is what the caller reads.
#[derive(Debug, thiserror::Error)]
pub enum EventsError {
    /// Something that does not exist.
    #[error("{0} does not exist.")]
    NotFound(String),
    /// Something that exists already.
    #[error("{0} already exists.")]
    AlreadyExists(String),
    /// A parameter that does not fit.
    #[error("{0}")]
    Validation(String),
    /// Not an event pattern.
    #[error(transparent)]
    Pattern(#[from] PatternError),
    /// Not a schedule expression.
    #[error(transparent)]
    Schedule(#[from] ScheduleError),
    /// Beyond a quota.
    #[error("{0}")]
    Limit(String),
    /// An operation that is not served.
    #[error("Unknown operation {0}")]
    UnknownOperation(String),
    /// A body that is not the operation's JSON.
    #[error("{0}")]
    Serialization(String),
    /// The disk refused; nothing was changed.
    #[error("internal failure: {0}")]
    Storage(#[from] rusqlite::Error),
}

/// Whose errors are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Api {
    /// `AWSEvents`, AWS JSON 1.1.
    Bus,
    /// `EventBridge` Scheduler, REST.
    Scheduler,
}

impl EventsError {
    pub(crate) fn response(&self, api: Api) -> Response {
        let (bus, scheduler, scheduler_status) = match self {
            Self::NotFound(_) => {
                ("ResourceNotFoundException", "ResourceNotFoundException", StatusCode::NOT_FOUND)
            }
            Self::AlreadyExists(_) => {
                ("ResourceAlreadyExistsException", "ConflictException", StatusCode::CONFLICT)
            }
            Self::Validation(_) | Self::Schedule(_) => {
                ("ValidationException", "ValidationException", StatusCode::BAD_REQUEST)
            }
            Self::Pattern(_) => {
                ("InvalidEventPatternException", "ValidationException", StatusCode::BAD_REQUEST)
            }
            Self::Limit(_) => {
                ("LimitExceededException", "ServiceQuotaExceededException", StatusCode::PAYMENT_REQUIRED)
            }
            Self::UnknownOperation(_) => {
                ("UnknownOperationException", "UnknownOperationException", StatusCode::NOT_FOUND)
            }
            Self::Serialization(_) => {
                ("SerializationException", "SerializationException", StatusCode::BAD_REQUEST)
            }
            Self::Storage(_) => {
                ("InternalException", "InternalServerException", StatusCode::INTERNAL_SERVER_ERROR)
            }
        };
        match api {
            Api::Bus => {
                let mut error = WireError::bad_request(bus, self.to_string());
                if matches!(self, Self::Storage(_)) {
                    error = error.with_status(StatusCode::INTERNAL_SERVER_ERROR);
                }
                error.response(Protocol::AwsJson)
            }
            Api::Scheduler => WireError::bad_request(scheduler, self.to_string())
                .with_status(scheduler_status)
                .response(Protocol::RestJson),
        }
    }
}
