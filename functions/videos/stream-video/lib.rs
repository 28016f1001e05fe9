//! `GET /api/videos/{id}/stream` gives leave to watch for a day: an address for players with cookies, one for players
//! without, captions, pictures.
//!
//! Who: who may watch. Errors: `VIDEO_NOT_FOUND`, `VIDEO_NOT_READY`, `FOLLOWERS_ONLY`, `SUBSCRIBERS_ONLY`, `PLAN_REQUIRED`,
//! `AGE_VERIFICATION_REQUIRED`.
use platform::{Call, Endpoint, Function, Grant, Reply, Result, TableAction, ids::VideoId};
use videos::{Player, Stream, VideoError};

/// The function.
#[must_use]
pub fn function() -> Function {
    Endpoint::get("/api/videos/{id}/stream")
        .summary("Leave to watch a video")
        .errors([
            VideoError::VideoNotFound.code(),
            VideoError::VideoNotReady.code(),
            VideoError::FollowersOnly.code(),
            VideoError::SubscribersOnly.code(),
            VideoError::PlanRequired.code(),
            VideoError::AgeVerificationRequired.code(),
        ])
        .serve("videos-stream-video", handle)
        .grants([
            Grant::Table("videos", &[TableAction::Get]),
            Grant::Table("social", &[TableAction::Get]),
            Grant::Parameter("cdn/signing-key"),
            Grant::Setting("CDN_URL"),
            Grant::Setting("PUBLIC_URL"),
            Grant::Setting("COOKIE_DOMAIN"),
        ])
}

async fn handle(player: Player, call: Call) -> Result<Reply<Stream>> {
    let id = call.id("id", VideoId::parse, VideoError::VideoNotFound)?;
    let watching = player.watch(&call.context, id).await?;
    Ok(watching.cookies.into_iter().fold(Reply::new(watching.stream), Reply::cookie))
}
