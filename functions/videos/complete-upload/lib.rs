//! `POST /api/upload/{id}/complete` makes one file of the parts that arrived; transcoding follows. Again is fine.
//!
//! Who: the upload's owner. Errors: `UPLOAD_NOT_FOUND`, `UPLOAD_EXPIRED`, `UPLOAD_CLOSED` (cancelled), `UPLOAD_INCOMPLETE`
//! with `missing_parts`.
use platform::{Access, Call, Endpoint, Function, Grant, Reply, Result, TableAction, ids::UploadId};
use videos::{Accepted, Complete, Uploads, VideoError};

/// The function.
#[must_use]
pub fn function() -> Function {
    Endpoint::post("/api/upload/{id}/complete")
        .summary("Complete an upload")
        .access(Access::User)
        .accepts()
        .errors([
            VideoError::UploadNotFound.code(),
            VideoError::UploadExpired.code(),
            VideoError::UploadClosed.code(),
            VideoError::UploadIncomplete.code(),
        ])
        .serve("videos-complete-upload", handle)
        .grants([
            Grant::Table("videos", &[TableAction::Get, TableAction::Update]),
            Grant::Bucket("uploads", &["GetObject", "PutObject", "ListBucket", "ListMultipartUploadParts"]),
        ])
        .timeout_s(29)
}

async fn handle(uploads: Uploads, call: Call<Complete>) -> Result<Reply<Accepted>> {
    let id = call.id("id", UploadId::parse, VideoError::UploadNotFound)?;
    Ok(Reply::new(uploads.complete(&call.context, id, &call.body).await?))
}
