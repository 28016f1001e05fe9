//! `GET /api/videos/{id}` is one video.
//!
//! Who: anyone; its owner alone until it is published, and when it is private. Errors: `VIDEO_NOT_FOUND`.
use platform::{Call, Endpoint, Function, Grant, Reply, Result, TableAction, ids::VideoId};
use videos::{Catalog, VideoError, VideoView};

/// The function.
#[must_use]
pub fn function() -> Function {
    Endpoint::get("/api/videos/{id}")
        .summary("A video")
        .errors([VideoError::VideoNotFound.code()])
        .serve("videos-get-video", handle)
        .grants([
            Grant::Table("videos", &[TableAction::Get]),
            Grant::Parameter("cdn/signing-key"),
            Grant::Setting("CDN_URL"),
        ])
}

async fn handle(catalog: Catalog, call: Call) -> Result<Reply<VideoView>> {
    let id = call.id("id", VideoId::parse, VideoError::VideoNotFound)?;
    let found = catalog.get(&call.context, id).await?;
    let reply = Reply::new(found.answer);
    Ok(if found.is_public { reply.public_for(60) } else { reply })
}
