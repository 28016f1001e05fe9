//! `PUT /api/videos/{id}/comments/{comment_id}` changes a comment.
//!
//! Who: its author. Errors: `COMMENT_NOT_FOUND`, `FORBIDDEN`.
use platform::{
    Access, Call, CommonError, Endpoint, Function, Grant, Reply, Result, TableAction,
    ids::{CommentId, VideoId},
};
use videos::{Audience, CommentView, VideoError, WriteComment};

/// The function.
#[must_use]
pub fn function() -> Function {
    Endpoint::put("/api/videos/{id}/comments/{comment_id}")
        .summary("Change a comment")
        .access(Access::User)
        .errors([
            VideoError::VideoNotFound.code(),
            VideoError::CommentNotFound.code(),
            CommonError::Forbidden.code(),
        ])
        .serve("videos-update-comment", handle)
        .grants([Grant::Table("videos", &[TableAction::Update])])
}

async fn handle(audience: Audience, call: Call<WriteComment>) -> Result<Reply<CommentView>> {
    let video = call.id("id", VideoId::parse, VideoError::VideoNotFound)?;
    let comment = call.id("comment_id", CommentId::parse, VideoError::CommentNotFound)?;
    Ok(Reply::new(audience.edit(&call.context, video, comment, &call.body).await?))
}
