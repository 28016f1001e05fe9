//! `GET /api/upload/{id}` says which parts of a file have arrived, so that a client can go on after a lost connection.
//!
//! Who: the upload's owner. Errors: `UPLOAD_NOT_FOUND`, for another's too; `UPLOAD_EXPIRED`.
use platform::{Access, Call, Endpoint, Function, Grant, Reply, Result, TableAction, ids::UploadId};
use videos::{UploadView, Uploads, VideoError};

/// The function.
#[must_use]
pub fn function() -> Function {
    Endpoint::get("/api/upload/{id}")
        .summary("How far an upload has come")
        .access(Access::User)
        .errors([VideoError::UploadNotFound.code(), VideoError::UploadExpired.code()])
        .serve("videos-get-upload", handle)
        .grants([
            Grant::Table("videos", &[TableAction::Get]),
            Grant::Bucket("uploads", &["GetObject", "ListBucket", "ListMultipartUploadParts"]),
        ])
}

async fn handle(uploads: Uploads, call: Call) -> Result<Reply<UploadView>> {
    let id = call.id("id", UploadId::parse, VideoError::UploadNotFound)?;
    Ok(Reply::new(uploads.get(&call.context, id).await?))
}
