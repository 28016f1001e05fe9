//! Answers about videos.

use kernel::ids::{UserId, VideoId};
use kernel::{Context, Language, Result, Time};
use playback::Signer;
use schemars::JsonSchema;
use serde::Serialize;

use crate::access::Viewer;
use crate::error::VideoError;
use crate::model::{Kind, Plan, Publication, Rendition, Video, Visibility, media_folder};
use crate::status::Status;

/// A video.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct VideoView {
    /// Its id.
    pub id: VideoId,
    /// Whose it is.
    pub owner_id: UserId,
    /// Long or short.
    pub kind: Kind,
    /// Title.
    pub title: String,
    /// Description.
    pub description: String,
    /// Tags.
    pub tags: Vec<String>,
    /// Category.
    pub category: Option<String>,
    /// How far it has come.
    pub status: Status,
    /// Whether it is out.
    pub publication: Publication,
    /// Who may watch.
    pub visibility: Visibility,
    /// The least plan to watch with.
    pub min_plan: Plan,
    /// Whether it needs a verified age.
    pub is_adult: bool,
    /// When it will be published, if it is scheduled.
    pub publish_at: Option<Time>,
    /// When it was published.
    pub published_at: Option<Time>,
    /// Length.
    pub duration_seconds: Option<f64>,
    /// Pixels across of the largest rendition.
    pub width: Option<u32>,
    /// Pixels down of the largest rendition.
    pub height: Option<u32>,
    /// Sizes it can be played in.
    pub renditions: Vec<Rendition>,
    /// A picture of it, signed, good for half a day at least.
    pub thumbnail_url: Option<String>,
    /// Languages that there are captions in.
    pub captions: Vec<String>,
    /// Views.
    pub view_count: i64,
    /// Likes.
    pub like_count: i64,
    /// Comments.
    pub comment_count: i64,
    /// When its upload began.
    pub created_at: Time,
    /// When its owner changed it last.
    pub updated_at: Time,
}

/// How far a video has come.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct StatusView {
    /// The video.
    pub video_id: VideoId,
    /// How far it has come.
    pub status: Status,
    /// How much of the transcoding is done; 100 when it is ready.
    #[schemars(range(max = 100))]
    pub progress_percent: u8,
    /// Why it failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<FailureView>,
}

/// Why an upload did not become a video.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct FailureView {
    /// Code.
    pub code: String,
    /// The sentence, in the reader's language.
    pub detail: String,
}

impl StatusView {
    pub(crate) fn of(video: &Video, language: Language) -> Self {
        let error = video.failure.as_deref().map(|name| {
            let code = VideoError::of_name(name).unwrap_or_else(|| VideoError::TranscodeFailed.code());
            FailureView { code: code.name.to_owned(), detail: code.text.of(language).to_owned() }
        });
        Self { video_id: video.id, status: video.status, progress_percent: video.progress_percent, error }
    }
}

/// Folder of a video's pictures.
pub(crate) fn pictures(video: VideoId) -> String {
    format!("{}thumbnails/", media_folder(video))
}

impl VideoView {
    pub(crate) async fn of(context: &Context, signer: &Signer, video: Video) -> Result<Self> {
        // The first frame is often black.
        let thumbnail_url = match video.thumbnails.get(video.thumbnails.len() / 2) {
            None => None,
            Some(name) => {
                let leave = signer.lasting(context, &format!("{}*", pictures(video.id))).await?;
                let folder = media_folder(video.id);
                Some(format!("{}/{folder}{name}?{}", signer.cdn_url(), leave.query()))
            }
        };
        Ok(Self {
            id: video.id,
            owner_id: video.owner_id,
            kind: video.kind,
            title: video.title,
            description: video.description,
            tags: video.tags,
            category: video.category,
            status: video.status,
            publication: video.publication,
            visibility: video.visibility,
            min_plan: video.min_plan,
            is_adult: video.is_adult,
            publish_at: video.publish_at,
            published_at: video.published_at,
            duration_seconds: video.duration_seconds,
            width: video.width,
            height: video.height,
            renditions: video.renditions,
            thumbnail_url,
            captions: video.captions.into_keys().collect(),
            view_count: video.view_count,
            like_count: video.like_count,
            comment_count: video.comment_count,
            created_at: video.created_at,
            updated_at: video.updated_at,
        })
    }
}

/// Whether anybody may be given the same answer about this video.
pub(crate) fn is_for_all(video: &Video, viewer: &Viewer) -> bool {
    viewer.user.is_none() && video.publication == Publication::Published
}
