//! `POST /api/videos/{id}/captions` adds captions in one language, or replaces them: WebVTT or `SubRip`, up to 2 MB.
//!
//! Who: the video's owner. Errors: `VIDEO_NOT_FOUND`, `FORBIDDEN`, `VIDEO_NOT_READY`, `CAPTIONS_INVALID` with the `line`.
use platform::{
    Access, Call, CommonError, Endpoint, Function, Grant, Reply, Result, TableAction, ids::VideoId,
};
use videos::{AddCaptions, CaptionView, Captions, VideoError};

/// The function.
#[must_use]
pub fn function() -> Function {
    Endpoint::post("/api/videos/{id}/captions")
        .summary("Add captions")
        .access(Access::User)
        .body_max_bytes(videos::CAPTIONS_MAX)
        .creates("{url}")
        .errors([
            VideoError::VideoNotFound.code(),
            VideoError::VideoNotReady.code(),
            VideoError::CaptionsInvalid.code(),
            CommonError::Forbidden.code(),
        ])
        .serve("videos-add-captions", handle)
        .grants([
            Grant::Table("videos", &[TableAction::Get, TableAction::Put, TableAction::Update]),
            Grant::Bucket("media", &["GetObject", "PutObject", "DeleteObject", "ListBucket"]),
            Grant::Parameter("cdn/signing-key"),
            Grant::Setting("CDN_URL"),
        ])
}

async fn handle(captions: Captions, call: Call<AddCaptions>) -> Result<Reply<CaptionView>> {
    let id = call.id("id", VideoId::parse, VideoError::VideoNotFound)?;
    Ok(Reply::new(captions.add(&call.context, id, &call.body).await?))
}
