use aws_sdk_dynamodb::error::SdkError;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use kernel::Error;

/// Whether DynamoDB says that the same request may succeed a moment later.
pub(crate) fn passing<E: ProvideErrorMetadata, R>(error: &SdkError<E, R>) -> bool {
    match error {
        SdkError::TimeoutError(_) | SdkError::DispatchFailure(_) | SdkError::ResponseError(_) => true,
        SdkError::ServiceError(service) => service.err().code().is_some_and(is_passing_code),
        _ => false,
    }
}

pub(crate) fn is_passing_code(code: &str) -> bool {
    matches!(
        code,
        "ProvisionedThroughputExceededException"
            | "ThrottlingException"
            | "ThrottlingError"
            | "ProvisionedThroughputExceeded"
            | "RequestLimitExceeded"
            | "TransactionConflict"
            | "TransactionConflictException"
            | "TransactionInProgressException"
            | "InternalServerError"
            | "ServiceUnavailable"
    )
}

/// What the caller gets when DynamoDB fails for good. Nothing of AWS's wording reaches it.
pub(crate) fn failed<E>(operation: &'static str, error: &SdkError<E>) -> Error
where
    E: ProvideErrorMetadata + std::fmt::Debug,
{
    let cause = match error {
        SdkError::ServiceError(service) => format!(
            "{operation}: {} {} (request {})",
            service.err().code().unwrap_or("?"),
            service.err().message().unwrap_or(""),
            service.raw().headers().get("x-amzn-requestid").unwrap_or("?"),
        ),
        other => format!("{operation}: {other:?}"),
    };
    if passing(error) { Error::unavailable(cause) } else { Error::internal(cause) }
}
