//! `GET /api/videos/{id}/comments` lists comments, newest first.
//!
//! Who: anyone who may know of the video. Errors: `VIDEO_NOT_FOUND`; a bad `limit` or `cursor`.
use platform::{Call, Endpoint, Function, Grant, Reply, Result, TableAction, http::Page, ids::VideoId};
use videos::{Audience, CommentPage, VideoError};

/// The function.
#[must_use]
pub fn function() -> Function {
    Endpoint::get("/api/videos/{id}/comments")
        .summary("Comments on a video")
        .errors([VideoError::VideoNotFound.code()])
        .serve("videos-list-comments", handle)
        .grants([Grant::Table("videos", &[TableAction::Get, TableAction::Query])])
}

async fn handle(audience: Audience, call: Call<(), Page>) -> Result<Reply<CommentPage>> {
    let id = call.id("id", VideoId::parse, VideoError::VideoNotFound)?;
    let (limit, cursor) = (call.query.checked()?, call.query.cursor.as_deref());
    Ok(Reply::new(audience.comments(&call.context, id, limit, cursor).await?))
}
