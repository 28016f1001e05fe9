//! `GET /api/videos/{id}/status` says how far an upload has come on its way to a video, and why it failed if it did.
//!
//! Who: its owner. Errors: `VIDEO_NOT_FOUND`, `FORBIDDEN`.
use platform::{
    Access, Call, CommonError, Endpoint, Function, Grant, Reply, Result, TableAction, ids::VideoId,
};
use videos::{Library, StatusView, VideoError};

/// The function.
#[must_use]
pub fn function() -> Function {
    Endpoint::get("/api/videos/{id}/status")
        .summary("Progress of a video")
        .access(Access::User)
        .errors([VideoError::VideoNotFound.code(), CommonError::Forbidden.code()])
        .serve("videos-get-status", handle)
        .grants([Grant::Table("videos", &[TableAction::Get])])
}

async fn handle(library: Library, call: Call) -> Result<Reply<StatusView>> {
    let id = call.id("id", VideoId::parse, VideoError::VideoNotFound)?;
    Ok(Reply::new(library.status(&call.context, id).await?))
}
