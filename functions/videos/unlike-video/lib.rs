//! `DELETE /api/videos/{id}/like` takes a like back. Again is fine.
//!
//! Who: anyone signed in. Errors: `VIDEO_NOT_FOUND`.
use platform::{Access, Call, Endpoint, Function, Grant, Reply, Result, TableAction, ids::VideoId};
use videos::{Audience, VideoError};

/// The function.
#[must_use]
pub fn function() -> Function {
    Endpoint::delete("/api/videos/{id}/like")
        .summary("Take a like back")
        .access(Access::User)
        .errors([VideoError::VideoNotFound.code()])
        .serve("videos-unlike-video", handle)
        .grants([Grant::Table("videos", &[TableAction::Get, TableAction::Update, TableAction::Delete])])
}

async fn handle(audience: Audience, call: Call) -> Result<Reply<()>> {
    let id = call.id("id", VideoId::parse, VideoError::VideoNotFound)?;
    audience.unlike(&call.context, id).await?;
    Ok(Reply::empty())
}
