//! `PUT /api/videos/{id}` changes title, description, tags, category, and who may watch. What is left out stays.
//!
//! Who: its owner. Errors: `VIDEO_NOT_FOUND`, `FORBIDDEN`.
use platform::{
    Access, Call, CommonError, Endpoint, Function, Grant, Reply, Result, TableAction, ids::VideoId,
};
use videos::{Catalog, VideoChange, VideoError, VideoView};

/// The function.
#[must_use]
pub fn function() -> Function {
    Endpoint::put("/api/videos/{id}")
        .summary("Change a video")
        .access(Access::User)
        .errors([VideoError::VideoNotFound.code(), CommonError::Forbidden.code()])
        .serve("videos-update-video", handle)
        .grants([
            Grant::Table(
                "videos",
                &[TableAction::Get, TableAction::Put, TableAction::Update, TableAction::Delete],
            ),
            Grant::Parameter("cdn/signing-key"),
            Grant::Setting("CDN_URL"),
        ])
}

async fn handle(catalog: Catalog, call: Call<VideoChange>) -> Result<Reply<VideoView>> {
    let id = call.id("id", VideoId::parse, VideoError::VideoNotFound)?;
    Ok(Reply::new(catalog.update(&call.context, id, &call.body).await?))
}
