//! Rows of the table, and the words of the area.

use std::collections::BTreeMap;

use kernel::Time;
use kernel::ids::{CommentId, UploadId, UserId, VideoId};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use storage::Key;

use crate::status::Status;

/// Long or short.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// A video.
    Video,
    /// A short: up to a minute, upright or square.
    Short,
}

impl Kind {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Video => "video",
            Self::Short => "short",
        }
    }
}

/// Whether a video is out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Publication {
    /// Its owner has not published it.
    Draft,
    /// It will be published at `publish_at`.
    Scheduled,
    /// It is out.
    Published,
}

/// Who may watch a published video.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Visibility {
    /// Everybody; it is in the lists.
    Public,
    /// Everybody who has its id; it is in no list.
    Unlisted,
    /// Followers of its owner.
    Followers,
    /// Subscribers: anybody with a paid plan.
    Subscribers,
    /// Its owner.
    Private,
}

/// A plan, from the least to the most.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Plan {
    /// No plan.
    Free,
    /// Premium.
    Premium,
    /// Premium+.
    PremiumPlus,
}

impl Plan {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Free => "free",
            Self::Premium => "premium",
            Self::PremiumPlus => "premium_plus",
        }
    }
}

/// One size that a video can be played in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Rendition {
    /// For example `720p`: the shorter side.
    pub name: String,
    /// Pixels across.
    pub width: u32,
    /// Pixels down.
    pub height: u32,
    /// Peak bits per second.
    pub bandwidth: u64,
}

/// A video, as it is stored.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Video {
    pub id: VideoId,
    pub owner_id: UserId,
    pub kind: Kind,
    pub title: String,
    pub description: String,
    pub tags: Vec<String>,
    pub category: Option<String>,
    pub status: Status,
    pub progress_percent: u8,
    /// Name of the code, when it failed.
    pub failure: Option<String>,
    pub publication: Publication,
    pub visibility: Visibility,
    pub min_plan: Plan,
    pub is_adult: bool,
    pub publish_at: Option<Time>,
    pub published_at: Option<Time>,
    pub created_at: Time,
    pub updated_at: Time,
    /// Grows with every change of what the owner decides; changes are made on the revision that was read.
    pub revision: u64,
    pub upload_id: UploadId,
    pub source_key: String,
    pub source_bytes: u64,
    pub content_type: String,
    /// S3's id of the multipart upload.
    pub multipart_id: Option<String>,
    pub job_id: Option<String>,
    pub duration_seconds: Option<f64>,
    pub width: Option<u32>,
    pub height: Option<u32>,
    #[serde(default)]
    pub renditions: Vec<Rendition>,
    /// Names below `videos/{id}/`.
    #[serde(default)]
    pub thumbnails: Vec<String>,
    #[serde(default)]
    pub has_preview: bool,
    /// Language → name of the text below `videos/{id}/`, without its ending.
    #[serde(default)]
    pub captions: BTreeMap<String, String>,
    #[serde(default)]
    pub view_count: i64,
    #[serde(default)]
    pub like_count: i64,
    #[serde(default)]
    pub comment_count: i64,
    /// Views when the lists by popularity were written last.
    #[serde(default)]
    pub listed_views: i64,
}

impl Video {
    /// Whether the public lists name it.
    pub(crate) fn is_listed(&self) -> bool {
        self.publication == Publication::Published
            && self.visibility == Visibility::Public
            && self.status == Status::Ready
    }
}

/// How an upload travels.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Method {
    /// One PUT.
    Put,
    /// Parts.
    Multipart,
}

/// What became of an upload.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum UploadStatus {
    /// The client sends its file.
    Uploading,
    /// The file is there.
    Completed,
    /// It was cancelled.
    Aborted,
}

/// An upload, as it is stored.
#[allow(clippy::struct_field_names)] // As in answers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Upload {
    pub upload_id: UploadId,
    pub video_id: VideoId,
    pub owner_id: UserId,
    pub method: Method,
    pub status: UploadStatus,
    pub source_key: String,
    pub content_type: String,
    pub size_bytes: u64,
    pub multipart_id: Option<String>,
    pub part_size: Option<u64>,
    pub part_count: Option<u32>,
    pub created_at: Time,
    /// From here on it is refused.
    pub ends_at: Time,
}

/// A comment, as it is stored.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct CommentRow {
    pub id: CommentId,
    pub video_id: VideoId,
    pub author_id: UserId,
    pub content: String,
    pub created_at: Time,
    pub updated_at: Time,
}

/// A like, as it is stored.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct LikeRow {
    pub video_id: VideoId,
    pub user_id: UserId,
    pub created_at: Time,
}

/// Something that falls due.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub(crate) enum Due {
    /// A scheduled publication.
    Publish,
    /// The end of an unfinished upload.
    Upload,
}

/// A date in the agenda, as it is stored.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct DueRow {
    pub video_id: VideoId,
    pub due: Due,
    pub at: Time,
}

/// Partition of the agenda in `gsi1`.
pub(crate) const AGENDA: &str = "DUE";

pub(crate) fn partition(video: VideoId) -> String {
    format!("VIDEO#{video}")
}

pub(crate) fn video_key(video: VideoId) -> Key {
    Key::new(partition(video), "VIDEO")
}

pub(crate) fn owner_key(video: VideoId) -> Key {
    Key::new(partition(video), "OWNER")
}

pub(crate) fn due_key(video: VideoId, due: Due) -> Key {
    Key::new(partition(video), format!("DUE#{}", due_name(due)))
}

pub(crate) fn due_name(due: Due) -> &'static str {
    match due {
        Due::Publish => "PUBLISH",
        Due::Upload => "UPLOAD",
    }
}

pub(crate) fn comment_key(video: VideoId, comment: CommentId) -> Key {
    Key::new(partition(video), format!("COMMENT#{comment}"))
}

pub(crate) fn like_key(video: VideoId, user: UserId) -> Key {
    Key::new(partition(video), format!("LIKE#{user}"))
}

pub(crate) fn upload_key(upload: UploadId) -> Key {
    Key::new(format!("UPLOAD#{upload}"), "UPLOAD")
}

/// Folder of everything that is played, in the bucket `media`.
pub(crate) fn media_folder(video: VideoId) -> String {
    format!("videos/{video}/")
}

/// Where the source lies, in the bucket `uploads`.
pub(crate) fn source_key(upload: UploadId, video: VideoId, extension: &str) -> String {
    format!("uploads/{upload}/{video}/source.{extension}")
}

/// The ids in a source's key; `None` when it is none of ours.
pub(crate) fn ids_of_source(key: &str) -> Option<(UploadId, VideoId)> {
    let mut parts = key.strip_prefix("uploads/")?.split('/');
    let (upload, video, file) = (parts.next()?, parts.next()?, parts.next()?);
    let ours = parts.next().is_none() && file.starts_with("source.");
    ours.then_some(())?;
    UploadId::parse(upload).zip(VideoId::parse(video))
}

/// The main playlist.
pub(crate) const MASTER: &str = "master.m3u8";
/// The track of preview pictures.
pub(crate) const PREVIEW: &str = "preview.vtt";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_source_is_known_by_its_key_alone() {
        let uuid = "0193a1b2-0000-7000-8000-000000000001";
        let (upload, video) = (UploadId::parse(uuid).unwrap(), VideoId::parse(uuid).unwrap());
        assert_eq!(ids_of_source(&source_key(upload, video, "mp4")), Some((upload, video)));
        for foreign in ["", "uploads/x/y/source.mp4", "videos/a", "uploads/source.mp4"] {
            assert_eq!(ids_of_source(foreign), None, "{foreign}");
        }
        assert_eq!(ids_of_source(&format!("uploads/{uuid}/{uuid}/extra/source.mp4")), None);
    }
}
