//! `POST /api/upload/initiate` begins an upload: the video's record, and presigned URLs that take its file.
//!
//! Who: creators. Errors: a type or size that is not taken (`VALIDATION_FAILED`).
use platform::{
    Access, Call, Endpoint, Function, Grant, Permission, Reply, Result, TableAction, http::RateClass,
};
use videos::{Initiate, Initiated, Uploads};

/// The function.
#[must_use]
pub fn function() -> Function {
    Endpoint::post("/api/upload/initiate")
        .summary("Begin an upload")
        .access(Access::May(Permission::Publish))
        .rate(RateClass::Upload)
        .creates("/api/upload/{upload_id}")
        .serve("videos-initiate-upload", handle)
        .grants([Grant::Table("videos", &[TableAction::Put]), Grant::Bucket("uploads", &["PutObject"])])
}

async fn handle(uploads: Uploads, call: Call<Initiate>) -> Result<Reply<Initiated>> {
    Ok(Reply::new(uploads.initiate(&call.context, call.body).await?))
}
