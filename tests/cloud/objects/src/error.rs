use http::{HeaderName, header};
use s3s::{S3Error, S3ErrorCode};

/// Why S3 refuses a request, one variant per cause; the wire's code and status follow from it in one place.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs)]
pub enum Error {
    #[error("The specified bucket does not exist")]
    NoSuchBucket,
    #[error("The specified key does not exist.")]
    NoSuchKey,
    #[error("The specified version does not exist.")]
    NoSuchVersion,
    /// The newest version is a delete marker.
    #[error("The specified key does not exist.")]
    Deleted { version: String },
    /// The version asked for by id is a delete marker, which cannot be read.
    #[error("The specified method is not allowed against this resource.")]
    IsDeleteMarker { version: String },
    #[error(
        "The specified upload does not exist. The upload ID may be invalid, or the upload may have been aborted or completed."
    )]
    NoSuchUpload,
    #[error("The bucket you tried to delete is not empty")]
    BucketNotEmpty,
    #[error("Your previous request to create the named bucket succeeded and you already own it.")]
    BucketAlreadyOwnedByYou,
    #[error("The bucket has no {} configuration", .0.name())]
    NotConfigured(Configuration),
    #[error("At least one of the pre-conditions you specified did not hold")]
    PreconditionFailed,
    #[error("Not Modified")]
    NotModified { etag: String },
    #[error("The requested range is not satisfiable")]
    InvalidRange { size: u64 },
    #[error(
        "One or more of the specified parts could not be found.  The part may not have been uploaded, or the specified entity tag may not match the part's entity tag."
    )]
    InvalidPart,
    #[error("The list of parts was not in ascending order. Parts must be ordered by part number.")]
    InvalidPartOrder,
    #[error("Your proposed upload is smaller than the minimum allowed size")]
    EntityTooSmall,
    #[error("Your proposed upload exceeds the maximum allowed size")]
    EntityTooLarge,
    #[error("{0}")]
    BadDigest(String),
    #[error("The Content-MD5 you specified was invalid.")]
    InvalidDigest,
    #[error("The provided 'x-amz-content-sha256' header does not match what was computed.")]
    ContentSha256Mismatch,
    #[error("The request signature we calculated does not match the signature you provided.")]
    SignatureDoesNotMatch,
    #[error("You did not provide the number of bytes specified by the Content-Length HTTP header")]
    IncompleteBody,
    #[error("{0}")]
    InvalidArgument(String),
    #[error("{0}")]
    InvalidTag(String),
    #[error("{0}")]
    AccessDenied(String),
    #[error("The AWS Access Key Id you provided does not exist in our records.")]
    InvalidAccessKeyId,
    #[error("{0}")]
    InvalidPolicyDocument(String),
    #[error("{0}")]
    MalformedPostRequest(String),
    #[error("{0}")]
    InvalidRequest(String),
    #[error("The difference between the request time and the server's time is too large.")]
    RequestTimeTooSkewed,
    #[error("the index: {0}")]
    Index(#[from] rusqlite::Error),
    #[error("a row of the index: {0}")]
    Row(#[from] serde_json::Error),
    #[error("a file: {0}")]
    File(#[from] std::io::Error),
}

/// A part of a bucket's configuration that may be missing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Configuration {
    Cors,
    Lifecycle,
}

impl Configuration {
    fn name(self) -> &'static str {
        match self {
            Self::Cors => "CORS",
            Self::Lifecycle => "lifecycle",
        }
    }
}

impl Error {
    fn code(&self) -> S3ErrorCode {
        match self {
            Self::NoSuchBucket => S3ErrorCode::NoSuchBucket,
            Self::NoSuchKey | Self::Deleted { .. } => S3ErrorCode::NoSuchKey,
            Self::NoSuchVersion => S3ErrorCode::NoSuchVersion,
            Self::IsDeleteMarker { .. } => S3ErrorCode::MethodNotAllowed,
            Self::NoSuchUpload => S3ErrorCode::NoSuchUpload,
            Self::BucketNotEmpty => S3ErrorCode::BucketNotEmpty,
            Self::BucketAlreadyOwnedByYou => S3ErrorCode::BucketAlreadyOwnedByYou,
            Self::NotConfigured(Configuration::Cors) => S3ErrorCode::NoSuchCORSConfiguration,
            Self::NotConfigured(Configuration::Lifecycle) => S3ErrorCode::NoSuchLifecycleConfiguration,
            Self::PreconditionFailed => S3ErrorCode::PreconditionFailed,
            Self::NotModified { .. } => S3ErrorCode::NotModified,
            Self::InvalidRange { .. } => S3ErrorCode::InvalidRange,
            Self::InvalidPart => S3ErrorCode::InvalidPart,
            Self::InvalidPartOrder => S3ErrorCode::InvalidPartOrder,
            Self::EntityTooSmall => S3ErrorCode::EntityTooSmall,
            Self::EntityTooLarge => S3ErrorCode::EntityTooLarge,
            Self::BadDigest(_) => S3ErrorCode::BadDigest,
            Self::InvalidDigest => S3ErrorCode::InvalidDigest,
            Self::ContentSha256Mismatch => S3ErrorCode::Custom("XAmzContentSHA256Mismatch".into()),
            Self::SignatureDoesNotMatch => S3ErrorCode::SignatureDoesNotMatch,
            Self::IncompleteBody => S3ErrorCode::IncompleteBody,
            Self::InvalidArgument(_) => S3ErrorCode::InvalidArgument,
            Self::InvalidTag(_) => S3ErrorCode::InvalidTag,
            Self::AccessDenied(_) => S3ErrorCode::AccessDenied,
            Self::InvalidAccessKeyId => S3ErrorCode::InvalidAccessKeyId,
            Self::InvalidPolicyDocument(_) => S3ErrorCode::InvalidPolicyDocument,
            Self::MalformedPostRequest(_) => S3ErrorCode::MalformedPOSTRequest,
            Self::InvalidRequest(_) => S3ErrorCode::InvalidRequest,
            Self::RequestTimeTooSkewed => S3ErrorCode::RequestTimeTooSkewed,
            Self::Index(_) | Self::Row(_) | Self::File(_) => S3ErrorCode::InternalError,
        }
    }
}

impl Error {
    /// What a reader is told beside the body.
    fn headers(&self) -> Vec<(HeaderName, String)> {
        let mut headers = match self {
            Self::Deleted { version } | Self::IsDeleteMarker { version } => vec![
                (HeaderName::from_static("x-amz-delete-marker"), "true".to_owned()),
                (HeaderName::from_static("x-amz-version-id"), version.clone()),
            ],
            Self::NotModified { etag } => vec![(header::ETAG, format!("\"{etag}\""))],
            Self::InvalidRange { size } => vec![(header::CONTENT_RANGE, format!("bytes */{size}"))],
            _ => return Vec::new(),
        };
        // s3s drops its own when there are others.
        headers.push((header::CONTENT_TYPE, "application/xml".to_owned()));
        headers
    }
}

impl From<Error> for S3Error {
    fn from(error: Error) -> Self {
        let code = error.code();
        if code == S3ErrorCode::InternalError {
            tracing::error!(%error, "S3 cannot answer");
        }
        let mut answer = Self::with_message(code, error.to_string());
        if matches!(error, Error::ContentSha256Mismatch) {
            answer.set_status_code(http::StatusCode::BAD_REQUEST);
        }
        let headers = error.headers();
        if !headers.is_empty() {
            answer.set_headers(
                headers.into_iter().filter_map(|(n, v)| Some((n, v.try_into().ok()?))).collect(),
            );
        }
        answer
    }
}
