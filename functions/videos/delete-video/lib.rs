//! `DELETE /api/videos/{id}` deletes a video with its files, likes and comments, and stops its transcoding.
//!
//! Who: its owner, moderators. Errors: `VIDEO_NOT_FOUND`, `FORBIDDEN`.
use platform::{
    Access, Call, CommonError, Endpoint, Function, Grant, Reply, Result, TableAction, ids::VideoId,
};
use videos::{Library, VideoError};

/// The function.
#[must_use]
pub fn function() -> Function {
    Endpoint::delete("/api/videos/{id}")
        .summary("Delete a video")
        .access(Access::User)
        .errors([VideoError::VideoNotFound.code(), CommonError::Forbidden.code()])
        .serve("videos-delete-video", handle)
        .grants([Grant::Table("videos", &[TableAction::Get, TableAction::Put, TableAction::Delete])])
}

async fn handle(library: Library, call: Call) -> Result<Reply<()>> {
    let id = call.id("id", VideoId::parse, VideoError::VideoNotFound)?;
    library.delete(&call.context, id).await?;
    Ok(Reply::empty())
}
