//! `DELETE /api/upload/{id}` cancels an upload: its video's record ends, parts and file go. Again is fine.
//!
//! Who: the upload's owner. Errors: `UPLOAD_NOT_FOUND`, `UPLOAD_EXPIRED`, `UPLOAD_CLOSED` (completed).
use platform::{Access, Call, Endpoint, Function, Grant, Reply, Result, TableAction, ids::UploadId};
use videos::{Uploads, VideoError};

/// The function.
#[must_use]
pub fn function() -> Function {
    Endpoint::delete("/api/upload/{id}")
        .summary("Cancel an upload")
        .access(Access::User)
        .errors([
            VideoError::UploadNotFound.code(),
            VideoError::UploadExpired.code(),
            VideoError::UploadClosed.code(),
        ])
        .serve("videos-abort-upload", handle)
        .grants([
            Grant::Table(
                "videos",
                &[TableAction::Get, TableAction::Put, TableAction::Update, TableAction::Delete],
            ),
            Grant::Bucket("uploads", &["AbortMultipartUpload", "DeleteObject"]),
        ])
}

async fn handle(uploads: Uploads, call: Call) -> Result<Reply<()>> {
    let id = call.id("id", UploadId::parse, VideoError::UploadNotFound)?;
    uploads.abort(&call.context, id).await?;
    Ok(Reply::empty())
}
