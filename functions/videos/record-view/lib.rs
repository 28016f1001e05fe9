//! `POST /api/videos/{id}/view` counts a view after ten seconds or a tenth, once per viewer and half hour.
//!
//! Who: who may watch. Errors: as at play.
use platform::{Call, Endpoint, Function, Grant, Reply, Result, TableAction, ids::VideoId};
use videos::{Counted, VideoError, Views, Watched};

/// The function.
#[must_use]
pub fn function() -> Function {
    Endpoint::post("/api/videos/{id}/view")
        .summary("Count a view")
        .errors([
            VideoError::VideoNotFound.code(),
            VideoError::VideoNotReady.code(),
            VideoError::FollowersOnly.code(),
            VideoError::SubscribersOnly.code(),
            VideoError::PlanRequired.code(),
            VideoError::AgeVerificationRequired.code(),
        ])
        .serve("videos-record-view", handle)
        .grants([
            Grant::Table(
                "videos",
                &[TableAction::Get, TableAction::Put, TableAction::Update, TableAction::Delete],
            ),
            Grant::Table("social", &[TableAction::Get]),
        ])
}

async fn handle(views: Views, call: Call<Watched>) -> Result<Reply<Counted>> {
    let id = call.id("id", VideoId::parse, VideoError::VideoNotFound)?;
    Ok(Reply::new(views.record(&call.context, id, &call.body).await?))
}
