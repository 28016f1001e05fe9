//! `GET /api/videos/{id}/manifest/{file}` is a playlist of a video in which every URI is signed, for players without cookies.
//!
//! Who: the holder of the playback token in the query, which came with the leave to watch. Errors: `UNAUTHENTICATED`,
//! `TOKEN_EXPIRED`, `MANIFEST_NOT_FOUND`.
use platform::{Access, Call, Endpoint, Function, Grant, Reply, Result, http::RateClass, ids::VideoId};
use videos::{ManifestQuery, Manifests, VideoError};

/// The function.
#[must_use]
pub fn function() -> Function {
    Endpoint::get("/api/videos/{id}/manifest/{file}")
        .summary("A signed playlist")
        .access(Access::Holder("playback token"))
        // Its token was limited when it was given.
        .rate(RateClass::Unlimited)
        .produces("application/vnd.apple.mpegurl")
        .errors([VideoError::ManifestNotFound.code()])
        .serve("videos-get-manifest", handle)
        .grants([
            Grant::Bucket("media", &["GetObject", "ListBucket"]),
            Grant::Parameter("cdn/signing-key"),
            Grant::Setting("CDN_URL"),
            Grant::Setting("PUBLIC_URL"),
        ])
}

async fn handle(manifests: Manifests, call: Call<(), ManifestQuery>) -> Result<Reply<()>> {
    let id = call.id("id", VideoId::parse, VideoError::ManifestNotFound)?;
    let (file, token) = (call.path("file").unwrap_or_default(), call.query.token.as_deref());
    let manifest = manifests.get(&call.context, id, file, token).await?;
    Ok(Reply::raw(manifest.media_type, manifest.text))
}
