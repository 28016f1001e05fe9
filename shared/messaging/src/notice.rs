use kernel::ids::UserId;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// A notice to one person, on [`crate::queues::NOTIFICATIONS`]. Title and text are chosen where it is shown, in the
/// reader's language; `data` fills them and goes to the client.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Notice {
    /// The reader.
    pub user: UserId,
    /// What happened.
    pub kind: NoticeKind,
    /// Who did it, when somebody did: people are not told of their own doings.
    #[serde(default)]
    pub actor: Option<UserId>,
    /// Members that the text names and the client needs. The text knows `title` (of the thing), `actor_name`, `text`
    /// (what was said), `reason`, `amount`; the thing itself is `video_id`, `character_id`, `order_number`, …: notices
    /// of one kind about one thing fold into one.
    #[serde(default)]
    pub data: Map<String, Value>,
}

/// What happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum NoticeKind {
    /// A video finished transcoding.
    VideoReady,
    /// A video could not be transcoded.
    VideoFailed,
    /// Somebody the reader follows published a video.
    NewVideo,
    /// Somebody liked a video of the reader's.
    VideoLiked,
    /// Somebody commented on something of the reader's.
    NewComment,
    /// Somebody follows the reader.
    NewFollower,
    /// Somebody liked a character of the reader's.
    CharacterLiked,
    /// A payment of the reader's went through.
    PaymentComplete,
    /// An order of the reader's is paid.
    OrderPaid,
    /// Credits run low.
    CreditsLow,
    /// Somebody joined a challenge of the reader's.
    ChallengeJoined,
    /// The reader earned a badge.
    BadgeEarned,
    /// Somebody the reader follows is live.
    LiveStarted,
}

impl NoticeKind {
    /// Every kind.
    pub const ALL: [Self; 13] = [
        Self::VideoReady,
        Self::VideoFailed,
        Self::NewVideo,
        Self::VideoLiked,
        Self::NewComment,
        Self::NewFollower,
        Self::CharacterLiked,
        Self::PaymentComplete,
        Self::OrderPaid,
        Self::CreditsLow,
        Self::ChallengeJoined,
        Self::BadgeEarned,
        Self::LiveStarted,
    ];
}
