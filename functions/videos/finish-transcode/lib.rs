//! Queue `transcode-events`: what MediaConvert tells of its jobs, in whatever order and however often, and what is left to
//! be swept of failed, cancelled and deleted videos.
//!
//! A job that is done makes its video ready and tells the owner; one that failed says why.
use messaging::queues;
use platform::jobs::Feed;
use platform::{Function, Grant, Job, Message, Result, TableAction};
use videos::{Ingest, MediaMessage};

/// Jobs of this product name their video.
const EVENTS: &str = concat!(
    r#"{"source": ["aws.mediaconvert"], "detail-type": ["MediaConvert Job State Change"], "#,
    r#""detail": {"status": ["PROGRESSING", "INPUT_INFORMATION", "STATUS_UPDATE", "COMPLETE", "CANCELED", "ERROR"], "#,
    r#""userMetadata": {"video_id": [{"exists": true}]}}}"#,
);

/// The function.
#[must_use]
pub fn function() -> Function {
    Job::queue(queues::TRANSCODE_EVENTS)
        .summary("Follows transcoding jobs, and sweeps what is left of videos")
        .fed_by(Feed::Events(EVENTS))
        .serve("videos-finish-transcode", handle)
        .grants([
            Grant::Table(
                "videos",
                &[
                    TableAction::Get,
                    TableAction::Query,
                    TableAction::Put,
                    TableAction::Update,
                    TableAction::Delete,
                ],
            ),
            Grant::Bucket("media", &["GetObject", "PutObject", "DeleteObject", "ListBucket"]),
            Grant::Bucket("uploads", &["DeleteObject", "AbortMultipartUpload"]),
            Grant::Transcode,
        ])
        .timeout_s(120)
}

async fn handle(ingest: Ingest, message: Message<MediaMessage>) -> Result<()> {
    ingest.media_message(&message.context, message.body).await
}
