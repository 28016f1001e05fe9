//! `POST /api/videos/{id}/like` likes a video. Again is fine.
//!
//! Who: anyone signed in. Errors: `VIDEO_NOT_FOUND`.
use platform::{Access, Call, Endpoint, Function, Grant, Reply, Result, TableAction, ids::VideoId};
use videos::{Audience, Liked, VideoError};

/// The function.
#[must_use]
pub fn function() -> Function {
    Endpoint::post("/api/videos/{id}/like")
        .summary("Like a video")
        .access(Access::User)
        .errors([VideoError::VideoNotFound.code()])
        .serve("videos-like-video", handle)
        .grants([Grant::Table("videos", &[TableAction::Get, TableAction::Put, TableAction::Update])])
}

async fn handle(audience: Audience, call: Call) -> Result<Reply<Liked>> {
    let id = call.id("id", VideoId::parse, VideoError::VideoNotFound)?;
    Ok(Reply::new(audience.like(&call.context, id).await?))
}
