//! `POST /api/upload/{id}/parts` gives URLs for more parts, or again for the same; the URL of a single PUT is part 1.
//!
//! Who: the upload's owner. Errors: `UPLOAD_NOT_FOUND`, `UPLOAD_EXPIRED`, `UPLOAD_CLOSED`.
use platform::{Access, Call, Endpoint, Function, Grant, Reply, Result, TableAction, ids::UploadId};
use videos::{SignParts, SignedParts, Uploads, VideoError};

/// The function.
#[must_use]
pub fn function() -> Function {
    Endpoint::post("/api/upload/{id}/parts")
        .summary("URLs for parts of an upload")
        .access(Access::User)
        .errors([
            VideoError::UploadNotFound.code(),
            VideoError::UploadExpired.code(),
            VideoError::UploadClosed.code(),
        ])
        .serve("videos-sign-parts", handle)
        .grants([Grant::Table("videos", &[TableAction::Get]), Grant::Bucket("uploads", &["PutObject"])])
}

async fn handle(uploads: Uploads, call: Call<SignParts>) -> Result<Reply<SignedParts>> {
    let id = call.id("id", UploadId::parse, VideoError::UploadNotFound)?;
    Ok(Reply::new(uploads.sign_parts(&call.context, id, &call.body).await?))
}
