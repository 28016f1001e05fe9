//! `DELETE /api/videos/{id}/comments/{comment_id}` deletes a comment.
//!
//! Who: its author, the video's owner, moderators. Errors: `COMMENT_NOT_FOUND`, `FORBIDDEN`.
use platform::{
    Access, Call, CommonError, Endpoint, Function, Grant, Reply, Result, TableAction,
    ids::{CommentId, VideoId},
};
use videos::{Audience, VideoError};

/// The function.
#[must_use]
pub fn function() -> Function {
    Endpoint::delete("/api/videos/{id}/comments/{comment_id}")
        .summary("Delete a comment")
        .access(Access::User)
        .errors([
            VideoError::VideoNotFound.code(),
            VideoError::CommentNotFound.code(),
            CommonError::Forbidden.code(),
        ])
        .serve("videos-delete-comment", handle)
        .grants([Grant::Table("videos", &[TableAction::Get, TableAction::Update, TableAction::Delete])])
}

async fn handle(audience: Audience, call: Call) -> Result<Reply<()>> {
    let video = call.id("id", VideoId::parse, VideoError::VideoNotFound)?;
    let comment = call.id("comment_id", CommentId::parse, VideoError::CommentNotFound)?;
    audience.remove(&call.context, video, comment).await?;
    Ok(Reply::empty())
}
