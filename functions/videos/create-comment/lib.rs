//! `POST /api/videos/{id}/comments` writes a comment.
//!
//! Who: anyone signed in. Errors: `VIDEO_NOT_FOUND`.
use platform::{Access, Call, Endpoint, Function, Grant, Reply, Result, TableAction, ids::VideoId};
use videos::{Audience, CommentView, VideoError, WriteComment};

/// The function.
#[must_use]
pub fn function() -> Function {
    Endpoint::post("/api/videos/{id}/comments")
        .summary("Comment on a video")
        .access(Access::User)
        .creates("/api/videos/{video_id}/comments/{id}")
        .errors([VideoError::VideoNotFound.code()])
        .serve("videos-create-comment", handle)
        .grants([Grant::Table("videos", &[TableAction::Get, TableAction::Put, TableAction::Update])])
}

async fn handle(audience: Audience, call: Call<WriteComment>) -> Result<Reply<CommentView>> {
    let id = call.id("id", VideoId::parse, VideoError::VideoNotFound)?;
    Ok(Reply::new(audience.comment(&call.context, id, &call.body).await?))
}
