//! Queue `media-ingest`: a file arrived in the bucket `uploads`. It is held against what was announced, probed, and given
//! to MediaConvert; what nobody announced, or what is not what was announced, goes.
//!
//! Delivered again, it makes no second job.
use messaging::queues;
use platform::jobs::{Feed, ObjectsCreated};
use platform::{Function, Grant, Job, Message, Result, TableAction};
use videos::Ingest;

/// The function.
#[must_use]
pub fn function() -> Function {
    Job::queue(queues::MEDIA_INGEST)
        .summary("Checks arrived files and starts their transcoding")
        .fed_by(Feed::ObjectCreated("uploads", "uploads/"))
        .batch_size(5)
        .serve("videos-start-transcode", handle)
        .grants([
            Grant::Table(
                "videos",
                &[TableAction::Get, TableAction::Put, TableAction::Update, TableAction::Delete],
            ),
            Grant::Bucket("uploads", &["GetObject", "DeleteObject", "ListBucket"]),
            // Named in jobs; MediaConvert writes there by its own role.
            Grant::Bucket("media", &[]),
            Grant::Transcode,
        ])
        .timeout_s(60)
}

async fn handle(ingest: Ingest, message: Message<ObjectsCreated>) -> Result<()> {
    let keys = message.body.0.into_iter().map(|object| object.key).collect();
    ingest.arrived(&message.context, keys).await
}
