//! Rows for the unit tests.

use std::collections::BTreeMap;

use kernel::Time;
use kernel::ids::{UploadId, UserId, VideoId};

use crate::model::{Kind, Plan, Publication, Video, Visibility};
use crate::status::Status;

pub(crate) fn owner() -> UserId {
    UserId::parse("0193a1b2-0000-7000-8000-000000000001").unwrap()
}

pub(crate) fn other_user() -> UserId {
    UserId::parse("0193a1b2-0000-7000-8000-000000000002").unwrap()
}

/// Published, public, ready, free.
pub(crate) fn video() -> Video {
    let id = VideoId::parse("0193a1b2-0000-7000-8000-0000000000aa").unwrap();
    let upload_id = UploadId::parse("0193a1b2-0000-7000-8000-0000000000bb").unwrap();
    let at = Time::from_ms(1_795_147_200_000);
    Video {
        id,
        owner_id: owner(),
        kind: Kind::Video,
        title: "Title".into(),
        description: String::new(),
        tags: vec!["cats".into()],
        category: Some("pets".into()),
        status: Status::Ready,
        progress_percent: 100,
        failure: None,
        publication: Publication::Published,
        visibility: Visibility::Public,
        min_plan: Plan::Free,
        is_adult: false,
        publish_at: None,
        published_at: Some(at),
        created_at: at,
        updated_at: at,
        revision: 1,
        upload_id,
        source_key: crate::model::source_key(upload_id, id, "mp4"),
        source_bytes: 1,
        content_type: "video/mp4".into(),
        multipart_id: None,
        job_id: None,
        duration_seconds: Some(10.0),
        width: Some(1280),
        height: Some(720),
        renditions: Vec::new(),
        thumbnails: Vec::new(),
        has_preview: false,
        captions: BTreeMap::new(),
        view_count: 0,
        like_count: 0,
        comment_count: 0,
        listed_views: 0,
    }
}
