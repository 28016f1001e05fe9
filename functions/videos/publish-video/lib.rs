//! `POST /api/videos/{id}/publish` publishes a video, at once or at `publish_at`. One that is out stays out.
//!
//! Who: its owner. Errors: `VIDEO_NOT_FOUND`, `FORBIDDEN`, `VIDEO_NOT_READY`.
use platform::{
    Access, Call, CommonError, Endpoint, Function, Grant, Reply, Result, TableAction, ids::VideoId,
};
use videos::{Catalog, Publish, VideoError, VideoView};

/// The function.
#[must_use]
pub fn function() -> Function {
    Endpoint::post("/api/videos/{id}/publish")
        .summary("Publish a video")
        .access(Access::User)
        .errors([
            VideoError::VideoNotFound.code(),
            VideoError::VideoNotReady.code(),
            CommonError::Forbidden.code(),
        ])
        .serve("videos-publish-video", handle)
        .grants([
            Grant::Table(
                "videos",
                &[TableAction::Get, TableAction::Put, TableAction::Update, TableAction::Delete],
            ),
            Grant::Parameter("cdn/signing-key"),
            Grant::Setting("CDN_URL"),
        ])
}

async fn handle(catalog: Catalog, call: Call<Publish>) -> Result<Reply<VideoView>> {
    let id = call.id("id", VideoId::parse, VideoError::VideoNotFound)?;
    Ok(Reply::new(catalog.publish(&call.context, id, &call.body).await?))
}
