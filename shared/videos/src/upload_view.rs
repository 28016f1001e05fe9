//! What is sent and answered about uploads.

use kernel::ids::{UploadId, VideoId};
use kernel::{Check, Time, Validate};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::catalog::{CATEGORY_MAX, DESCRIPTION_MAX, TITLE, check_tags};
use crate::container::Container;
use crate::model::{Kind, Method, UploadStatus};
use crate::status::Status;
use crate::uploads::{SIZE_MAX, URLS_MAX};

/// An upload to be.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
pub struct Initiate {
    /// The file's name, as the person knows it.
    #[schemars(length(min = 1, max = 255))]
    pub filename: String,
    /// `video/mp4`, `video/quicktime`, `video/webm`, `video/x-matroska`, `video/x-msvideo` or `video/mp2t`.
    #[schemars(length(max = 100), example = "video/mp4")]
    pub content_type: String,
    /// Size in bytes, at most 20 GB; exactly this much is taken.
    #[schemars(range(min = 1, max = 21_474_836_480_u64))]
    pub size_bytes: u64,
    /// Long or short.
    pub kind: Kind,
    /// Title.
    #[schemars(length(min = 1, max = 200))]
    pub title: String,
    /// Description.
    #[schemars(length(max = 5000))]
    pub description: Option<String>,
    /// Tags.
    #[serde(default)]
    #[schemars(length(max = 20), inner(length(min = 1, max = 30)))]
    pub tags: Vec<String>,
    /// Category.
    #[schemars(length(max = 50))]
    pub category: Option<String>,
}

impl Validate for Initiate {
    fn validate(&self, check: &mut Check) {
        check.text("filename", &self.filename, 1..=255);
        check.that(Container::of_media_type(&self.content_type).is_some(), "content_type", "NOT_ALLOWED");
        check.number(
            "size_bytes",
            i64::try_from(self.size_bytes).unwrap_or(i64::MAX),
            1..=i64::try_from(SIZE_MAX).unwrap_or(i64::MAX),
        );
        check.text("title", &self.title, TITLE);
        check.optional_text("description", self.description.as_deref(), 0..=DESCRIPTION_MAX);
        check.optional_text("category", self.category.as_deref(), 0..=CATEGORY_MAX);
        check_tags(check, &self.tags);
    }
}

/// Where one part goes, by PUT.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct PartUrl {
    /// From 1.
    pub part_number: u32,
    /// Good for an hour.
    pub url: String,
}

/// Headers that the PUT must carry.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct PutHeaders {
    /// The announced type.
    #[serde(rename = "Content-Type")]
    pub content_type: String,
}

/// An upload that may begin.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Initiated {
    /// The video to be.
    pub video_id: VideoId,
    /// The upload.
    pub upload_id: UploadId,
    /// How the file travels.
    pub method: Method,
    /// Where the whole file goes, by PUT; good for an hour, and renewed as part 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// Headers of that PUT.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub headers: Option<PutHeaders>,
    /// Bytes of every part but the last.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub part_size: Option<u64>,
    /// How many parts there are.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub part_count: Option<u32>,
    /// Where the first parts go.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub parts: Option<Vec<PartUrl>>,
    /// The upload must be complete by then.
    pub expires_at: Time,
}

/// Parts to be sent.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
pub struct SignParts {
    /// Which; 1 to 100 of them.
    #[schemars(length(min = 1, max = 100), inner(range(min = 1, max = 10_000)))]
    pub part_numbers: Vec<u32>,
}

impl Validate for SignParts {
    fn validate(&self, check: &mut Check) {
        let count = self.part_numbers.len();
        check.that(count > 0, "part_numbers", "TOO_SHORT");
        check.that(count <= URLS_MAX as usize, "part_numbers", "TOO_LONG");
    }
}

/// Where the parts go.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct SignedParts {
    /// URLs.
    pub parts: Vec<PartUrl>,
}

/// A part as the client knows it.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
pub struct SentPart {
    /// From 1.
    #[schemars(range(min = 1, max = 10_000))]
    pub part_number: u32,
    /// As S3 answered the PUT.
    #[schemars(length(max = 128))]
    pub etag: String,
}

/// What the client says it has sent.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
pub struct Complete {
    /// Compared with what has arrived, when given.
    #[serde(default)]
    #[schemars(length(max = 10_000))]
    pub parts: Option<Vec<SentPart>>,
}

impl Validate for Complete {
    fn validate(&self, check: &mut Check) {
        check.that(self.parts.as_ref().is_none_or(|p| p.len() <= 10_000), "parts", "TOO_LONG");
    }
}

/// The file is there; the video's status tells how it goes on.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Accepted {
    /// The video.
    pub video_id: VideoId,
    /// `queued`, also when the completion is repeated later.
    pub status: Status,
}

/// A part that arrived.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct ReceivedPart {
    /// From 1.
    pub part_number: u32,
    /// Entity tag.
    pub etag: String,
    /// Size in bytes.
    pub size_bytes: u64,
}

/// How far an upload has come.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct UploadView {
    /// The upload.
    pub upload_id: UploadId,
    /// The video to be.
    pub video_id: VideoId,
    /// What became of it.
    pub status: UploadStatus,
    /// How the file travels.
    pub method: Method,
    /// The announced size.
    pub size_bytes: u64,
    /// Bytes of every part but the last.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub part_size: Option<u64>,
    /// How many parts there are.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub part_count: Option<u32>,
    /// What arrived.
    pub received_parts: Vec<ReceivedPart>,
    /// The upload must be complete by then.
    pub expires_at: Time,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_announcement_is_checked() {
        let body = |content_type: &str, size_bytes: u64| Initiate {
            filename: "a.mp4".into(),
            content_type: content_type.into(),
            size_bytes,
            kind: Kind::Video,
            title: "t".into(),
            description: None,
            tags: Vec::new(),
            category: None,
        };
        let wrong = |body: Initiate| {
            let mut check = Check::new();
            body.validate(&mut check);
            check.finish().err().map(|e| e.fields(kernel::Language::En).remove(0).field)
        };
        assert_eq!(wrong(body("video/mp4", SIZE_MAX)), None);
        assert_eq!(wrong(body("video/MP4; codecs=avc1", 1)), None);
        assert_eq!(wrong(body("video/mp4", SIZE_MAX + 1)).as_deref(), Some("size_bytes"));
        assert_eq!(wrong(body("video/mp4", 0)).as_deref(), Some("size_bytes"));
        assert_eq!(wrong(body("image/png", 1)).as_deref(), Some("content_type"));
    }
}
