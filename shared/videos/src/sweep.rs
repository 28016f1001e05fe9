//! Taking away what a failed, cancelled or deleted video leaves behind: files, jobs, likes, comments. Thousands of
//! segments do not fit into a request, so a message does it; a sweep that dies half-way begins again and finds less.

use kernel::ids::VideoId;
use serde::{Deserialize, Serialize};

use crate::model::{Upload, Video};

/// What to take away.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sweep {
    /// Always `sweep`: tells it from an event on the same queue.
    pub(crate) task: SweepTag,
    pub(crate) video_id: VideoId,
    /// The source.
    pub(crate) source_key: Option<String>,
    /// S3's id of the multipart upload, when it may be open.
    pub(crate) multipart_id: Option<String>,
    /// The job, when it may run.
    pub(crate) job_id: Option<String>,
    /// Whether the video's folder in `media` goes.
    pub(crate) outputs: bool,
    /// Whether the likes and comments go.
    pub(crate) rows: bool,
}

/// The tag of a sweep.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum SweepTag {
    Sweep,
}

impl Sweep {
    fn of(video: &Video) -> Self {
        Self {
            task: SweepTag::Sweep,
            video_id: video.id,
            source_key: Some(video.source_key.clone()),
            multipart_id: video.multipart_id.clone(),
            job_id: video.job_id.clone(),
            outputs: true,
            rows: false,
        }
    }

    /// After a failure: the source and whatever was made of it.
    pub(crate) fn of_failed(video: &Video) -> Self {
        Self { outputs: video.job_id.is_some(), ..Self::of(video) }
    }

    /// After a deletion: everything.
    pub(crate) fn of_deleted(video: &Video) -> Self {
        Self { rows: true, ..Self::of(video) }
    }

    /// After a cancelled upload: no job has seen it.
    pub(crate) fn of_upload(upload: &Upload) -> Self {
        Self {
            task: SweepTag::Sweep,
            video_id: upload.video_id,
            source_key: Some(upload.source_key.clone()),
            multipart_id: upload.multipart_id.clone(),
            job_id: None,
            outputs: false,
            rows: false,
        }
    }

    /// Of a job whose video is gone.
    pub(crate) fn of_orphan(video_id: VideoId) -> Self {
        Self {
            task: SweepTag::Sweep,
            video_id,
            source_key: None,
            multipart_id: None,
            job_id: None,
            outputs: true,
            rows: false,
        }
    }
}
