use cloud_core::{Protocol, Response, WireError};
use http::HeaderValue;

/// Why SQS refused a call. The text is what the caller reads.
#[derive(Debug, thiserror::Error)]
pub enum QueueError {
    /// No queue of that name.
    #[error("The specified queue does not exist.")]
    QueueDoesNotExist,
    /// `CreateQueue` for a queue that exists with other attributes.
    #[error("A queue already exists with the same name and a different value for attribute {0}")]
    QueueNameExists(String),
    /// An attribute that SQS does not know, or not for this kind of queue.
    #[error("Unknown Attribute {0}.")]
    InvalidAttributeName(String),
    /// An attribute outside its range.
    #[error("Invalid value for the parameter {0}.")]
    InvalidAttributeValue(String),
    /// A parameter that does not fit.
    #[error("{0}")]
    InvalidParameterValue(String),
    /// A parameter that had to be there.
    #[error("The request must contain the parameter {0}.")]
    MissingParameter(&'static str),
    /// Characters outside of what XML 1.0 allows, or an empty message.
    #[error("{0}")]
    InvalidMessageContents(&'static str),
    /// A receipt handle that this queue never gave out.
    #[error("The input receipt handle is invalid.")]
    ReceiptHandleIsInvalid,
    /// Visibility of a message that nobody holds.
    #[error("The message referred to is not in flight.")]
    MessageNotInflight,
    /// More than 120 000 messages in flight.
    #[error("Too many messages in flight.")]
    OverLimit,
    /// A second `PurgeQueue` within 60 s.
    #[error("Only one PurgeQueue operation on {0} is allowed every 60 seconds.")]
    PurgeQueueInProgress(String),
    /// More than ten entries.
    #[error("Maximum number of entries per request are 10. You have sent {0}.")]
    TooManyEntriesInBatchRequest(usize),
    /// No entries.
    #[error("There should be at least one entry in the request.")]
    EmptyBatchRequest,
    /// Two entries with one id.
    #[error("Id {0} repeated.")]
    BatchEntryIdsNotDistinct(String),
    /// An entry id of other characters, or too long.
    #[error(
        "A batch entry id can only contain alphanumeric characters, hyphens and underscores. It can be at most 80 letters long."
    )]
    InvalidBatchEntryId,
    /// The entries together are larger than one message may be.
    #[error("Batch requests cannot be longer than 1048576 bytes. You have sent {0} bytes.")]
    BatchRequestTooLong(usize),
    /// Not possible in this state.
    #[error("{0}")]
    UnsupportedOperation(String),
    /// An ARN or a task that does not exist.
    #[error("{0}")]
    ResourceNotFound(String),
    /// An operation that is not SQS's, or not this service's.
    #[error("The action {0} is not valid for this endpoint.")]
    InvalidAction(String),
    /// A body that is not the operation's JSON.
    #[error("{0}")]
    Serialization(String),
    /// The disk refused; nothing was changed.
    #[error("internal failure: {0}")]
    Storage(#[from] rusqlite::Error),
}

impl QueueError {
    /// The shape's name in the JSON protocol, and the code that clients of the former query protocol know, which SQS
    /// sends along in `x-amzn-query-error`.
    fn codes(&self) -> (&'static str, &'static str) {
        match self {
            Self::QueueDoesNotExist => ("QueueDoesNotExist", "AWS.SimpleQueueService.NonExistentQueue"),
            Self::QueueNameExists(_) => ("QueueNameExists", "QueueAlreadyExists"),
            Self::InvalidAttributeName(_) => ("InvalidAttributeName", "InvalidAttributeName"),
            Self::InvalidAttributeValue(_) => ("InvalidAttributeValue", "InvalidAttributeValue"),
            Self::InvalidParameterValue(_) => ("InvalidParameterValueException", "InvalidParameterValue"),
            Self::MissingParameter(_) => ("MissingRequiredParameterException", "MissingParameter"),
            Self::InvalidMessageContents(_) => ("InvalidMessageContents", "InvalidMessageContents"),
            Self::ReceiptHandleIsInvalid => ("ReceiptHandleIsInvalid", "ReceiptHandleIsInvalid"),
            Self::MessageNotInflight => ("MessageNotInflight", "AWS.SimpleQueueService.MessageNotInflight"),
            Self::OverLimit => ("OverLimit", "OverLimit"),
            Self::PurgeQueueInProgress(_) => {
                ("PurgeQueueInProgress", "AWS.SimpleQueueService.PurgeQueueInProgress")
            }
            Self::TooManyEntriesInBatchRequest(_) => {
                ("TooManyEntriesInBatchRequest", "AWS.SimpleQueueService.TooManyEntriesInBatchRequest")
            }
            Self::EmptyBatchRequest => ("EmptyBatchRequest", "AWS.SimpleQueueService.EmptyBatchRequest"),
            Self::BatchEntryIdsNotDistinct(_) => {
                ("BatchEntryIdsNotDistinct", "AWS.SimpleQueueService.BatchEntryIdsNotDistinct")
            }
            Self::InvalidBatchEntryId => {
                ("InvalidBatchEntryId", "AWS.SimpleQueueService.InvalidBatchEntryId")
            }
            Self::BatchRequestTooLong(_) => {
                ("BatchRequestTooLong", "AWS.SimpleQueueService.BatchRequestTooLong")
            }
            Self::UnsupportedOperation(_) => {
                ("UnsupportedOperation", "AWS.SimpleQueueService.UnsupportedOperation")
            }
            Self::ResourceNotFound(_) => ("ResourceNotFoundException", "ResourceNotFoundException"),
            Self::InvalidAction(_) => ("UnknownOperationException", "InvalidAction"),
            Self::Serialization(_) => ("SerializationException", "MalformedInput"),
            Self::Storage(_) => ("InternalFailure", "InternalFailure"),
        }
    }

    /// The code that a client's exception shows.
    #[must_use]
    pub fn code(&self) -> &'static str {
        self.codes().1
    }

    /// Whether the caller did something wrong, as opposed to this service.
    #[must_use]
    pub fn sender_fault(&self) -> bool {
        !matches!(self, Self::Storage(_))
    }

    pub(crate) fn response(&self) -> Response {
        let (shape, query) = self.codes();
        let mut error = WireError::bad_request(format!("com.amazonaws.sqs#{shape}"), self.to_string());
        let fault = if self.sender_fault() {
            "Sender"
        } else {
            error = error.with_status(http::StatusCode::INTERNAL_SERVER_ERROR);
            "Receiver"
        };
        let mut response = error.response(Protocol::AwsJson);
        if let Ok(value) = HeaderValue::from_str(&format!("{query};{fault}")) {
            response.headers_mut().insert("x-amzn-query-error", value);
        }
        response
    }
}
