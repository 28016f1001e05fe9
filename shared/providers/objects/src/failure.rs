use aws_sdk_s3::error::SdkError;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use kernel::Error;

/// Whether S3 refused with one of these codes. A HEAD has no body: its refusals are known by their status.
pub(crate) fn has_code<E: ProvideErrorMetadata>(error: &SdkError<E>, codes: &[&str]) -> bool {
    let SdkError::ServiceError(service) = error else { return false };
    if let Some(code) = service.err().code() {
        return codes.contains(&code);
    }
    let status = service.raw().status().as_u16();
    (status == 404 && codes.contains(&"NotFound")) || (status == 412 && codes.contains(&"PreconditionFailed"))
}

/// What the caller gets when S3 fails. Nothing of AWS's wording reaches it.
pub(crate) fn failed<E>(operation: &'static str, error: &SdkError<E>) -> Error
where
    E: ProvideErrorMetadata + std::fmt::Debug,
{
    match error {
        SdkError::ServiceError(service) => {
            let cause = format!(
                "{operation}: {} {} (request {})",
                service.err().code().unwrap_or("?"),
                service.err().message().unwrap_or(""),
                service.raw().headers().get("x-amz-request-id").unwrap_or("?"),
            );
            if service.raw().status().as_u16() >= 500 || has_code(error, &["SlowDown", "RequestTimeout"]) {
                Error::unavailable(cause)
            } else {
                Error::internal(cause)
            }
        }
        SdkError::ConstructionFailure(_) => Error::internal(format!("{operation}: {error:?}")),
        other => Error::unavailable(format!("{operation}: {other:?}")),
    }
}
