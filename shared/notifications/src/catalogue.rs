//! What each kind of notice says, in the five languages, and how it is treated. One entry per kind; the match is
//! exhaustive, so a kind without words does not compile.

use std::borrow::Cow;

use kernel::{Language, Text};
use messaging::{Notice, NoticeKind};
use serde_json::Value;

use crate::settings::Category;
use crate::text::{fill, shortened};

/// How a kind is treated and what it says.
pub(crate) struct Kind {
    pub(crate) category: Category,
    pub(crate) once: Once,
    pub(crate) fold: Fold,
    pub(crate) title: Text,
    pub(crate) text: Text,
    /// The text when several folded into one; `{count}` says how many.
    pub(crate) many: Option<Text>,
}

/// What makes two notices the same event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Once {
    /// Their message: delivered twice, told once.
    Message,
    /// Who did it to what: liking, taking it back and liking again is told once.
    Actor,
}

/// Whether bursts fold into one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fold {
    Never,
    /// Notices about one thing.
    ByThing,
}

/// Longest value that a sentence quotes, in characters.
const QUOTED_MAX_CHARS: usize = 120;

/// Members of `data` that name the thing a notice is about, the first that is there.
const THINGS: [&str; 8] = [
    "video_id",
    "character_id",
    "story_id",
    "artwork_id",
    "challenge_id",
    "event_id",
    "room_id",
    "order_number",
];

/// The thing that a notice is about.
pub(crate) fn thing(notice: &Notice) -> String {
    THINGS
        .iter()
        .find_map(|name| notice.data.get(*name).and_then(Value::as_str).map(|id| format!("{name}={id}")))
        .unwrap_or_default()
}

/// Title and text of a notice that stands for so many events.
pub(crate) fn words(notice: &Notice, count: u32, language: Language) -> (String, String) {
    let kind = kind(notice.kind);
    let sentence = kind.many.as_ref().filter(|_| count > 1).unwrap_or(&kind.text);
    let value = |name: &str| -> Option<Cow<'_, str>> {
        if name == "count" {
            return Some(Cow::Owned(count.to_string()));
        }
        match notice.data.get(name) {
            Some(Value::String(text)) if !text.trim().is_empty() => {
                Some(shortened(text.trim(), QUOTED_MAX_CHARS))
            }
            Some(Value::Number(number)) => Some(Cow::Owned(number.to_string())),
            _ => Some(Cow::Borrowed(unnamed(name)?.of(language))),
        }
    };
    (fill(kind.title.of(language), value), fill(sentence.of(language), value))
}

/// What a sentence says when the notice did not name it.
fn unnamed(name: &str) -> Option<&'static Text> {
    match name {
        "actor_name" => {
            Some(&Text { ja: "ユーザー", en: "Somebody", ko: "사용자", zh: "有人", vi: "Ai đó" })
        }
        "title" => {
            Some(&Text {
                ja: "無題", en: "Untitled", ko: "제목 없음", zh: "无标题", vi: "Không có tiêu đề"
            })
        }
        _ => None,
    }
}

macro_rules! text {
    ($ja:literal, $en:literal, $ko:literal, $zh:literal, $vi:literal) => {
        Text { ja: $ja, en: $en, ko: $ko, zh: $zh, vi: $vi }
    };
}

const VIDEO_READY: Kind = Kind {
    category: Category::Own,
    once: Once::Message,
    fold: Fold::Never,
    title: text!(
        "動画の準備ができました",
        "Your video is ready",
        "동영상이 준비되었습니다",
        "您的视频已准备就绪",
        "Video của bạn đã sẵn sàng"
    ),
    text: text!(
        "「{title}」を公開できるようになりました。",
        "“{title}” can now be published.",
        "“{title}” 동영상을 이제 공개할 수 있습니다.",
        "“{title}”现在可以发布了。",
        "“{title}” giờ đã có thể xuất bản."
    ),
    many: None,
};

const VIDEO_FAILED: Kind = Kind {
    category: Category::Own,
    once: Once::Message,
    fold: Fold::Never,
    title: text!(
        "動画を処理できませんでした",
        "Your video could not be processed",
        "동영상을 처리하지 못했습니다",
        "无法处理您的视频",
        "Không thể xử lý video của bạn"
    ),
    text: text!(
        "「{title}」を処理できませんでした。ファイルを確認して、もう一度アップロードしてください。",
        "“{title}” could not be processed. Check the file and upload it again.",
        "“{title}” 동영상을 처리하지 못했습니다. 파일을 확인한 후 다시 업로드해 주세요.",
        "无法处理“{title}”。请检查文件后重新上传。",
        "Không thể xử lý “{title}”. Hãy kiểm tra tệp và tải lên lại."
    ),
    many: None,
};

const NEW_VIDEO: Kind = Kind {
    category: Category::Social,
    once: Once::Message,
    fold: Fold::Never,
    title: text!("新しい動画", "New video", "새 동영상", "新视频", "Video mới"),
    text: text!(
        "{actor_name}さんが「{title}」を公開しました。",
        "{actor_name} published “{title}”.",
        "{actor_name}님이 “{title}” 동영상을 공개했습니다.",
        "{actor_name}发布了“{title}”。",
        "{actor_name} đã đăng “{title}”."
    ),
    many: None,
};

const VIDEO_LIKED: Kind = Kind {
    category: Category::Social,
    once: Once::Actor,
    fold: Fold::ByThing,
    title: text!("いいね", "New like", "좋아요", "收到点赞", "Lượt thích mới"),
    text: text!(
        "{actor_name}さんが「{title}」にいいねしました。",
        "{actor_name} liked “{title}”.",
        "{actor_name}님이 “{title}” 동영상을 좋아합니다.",
        "{actor_name}赞了“{title}”。",
        "{actor_name} đã thích “{title}”."
    ),
    many: Some(text!(
        "{count}人が「{title}」にいいねしました。",
        "{count} people liked “{title}”.",
        "{count}명이 “{title}” 동영상을 좋아합니다.",
        "{count}人赞了“{title}”。",
        "{count} người đã thích “{title}”."
    )),
};

const CHARACTER_LIKED: Kind = Kind {
    text: text!(
        "{actor_name}さんがキャラクター「{title}」にいいねしました。",
        "{actor_name} liked your character “{title}”.",
        "{actor_name}님이 캐릭터 “{title}”을(를) 좋아합니다.",
        "{actor_name}赞了您的角色“{title}”。",
        "{actor_name} đã thích nhân vật “{title}” của bạn."
    ),
    many: Some(text!(
        "{count}人がキャラクター「{title}」にいいねしました。",
        "{count} people liked your character “{title}”.",
        "{count}명이 캐릭터 “{title}”을(를) 좋아합니다.",
        "{count}人赞了您的角色“{title}”。",
        "{count} người đã thích nhân vật “{title}” của bạn."
    )),
    ..VIDEO_LIKED
};

const NEW_COMMENT: Kind = Kind {
    category: Category::Social,
    once: Once::Message,
    fold: Fold::ByThing,
    title: text!("新しいコメント", "New comment", "새 댓글", "新评论", "Bình luận mới"),
    text: text!(
        "{actor_name}さんが「{title}」にコメントしました。",
        "{actor_name} commented on “{title}”.",
        "{actor_name}님이 “{title}”에 댓글을 남겼습니다.",
        "{actor_name}评论了“{title}”。",
        "{actor_name} đã bình luận về “{title}”."
    ),
    many: Some(text!(
        "「{title}」に{count}件の新しいコメントがあります。",
        "{count} new comments on “{title}”.",
        "“{title}”에 새 댓글이 {count}개 있습니다.",
        "“{title}”有{count}条新评论。",
        "{count} bình luận mới về “{title}”."
    )),
};

const NEW_FOLLOWER: Kind = Kind {
    category: Category::Social,
    once: Once::Actor,
    fold: Fold::ByThing,
    title: text!("新しいフォロワー", "New follower", "새 팔로워", "新粉丝", "Người theo dõi mới"),
    text: text!(
        "{actor_name}さんがあなたをフォローしました。",
        "{actor_name} follows you now.",
        "{actor_name}님이 회원님을 팔로우합니다.",
        "{actor_name}关注了您。",
        "{actor_name} đã theo dõi bạn."
    ),
    many: Some(text!(
        "{count}人があなたをフォローしました。",
        "{count} people follow you now.",
        "{count}명이 회원님을 팔로우합니다.",
        "{count}人关注了您。",
        "{count} người đã theo dõi bạn."
    )),
};

const PAYMENT_COMPLETE: Kind = Kind {
    category: Category::Payment,
    once: Once::Message,
    fold: Fold::Never,
    title: text!(
        "お支払いが完了しました",
        "Payment complete",
        "결제가 완료되었습니다",
        "支付完成",
        "Thanh toán hoàn tất"
    ),
    text: text!(
        "「{title}」のお支払いが完了しました。",
        "Your payment for “{title}” went through.",
        "“{title}” 결제가 완료되었습니다.",
        "您已完成“{title}”的支付。",
        "Thanh toán cho “{title}” đã thành công."
    ),
    many: None,
};

const ORDER_PAID: Kind = Kind {
    title: text!(
        "ご注文が確定しました",
        "Order confirmed",
        "주문이 확정되었습니다",
        "订单已确认",
        "Đơn hàng đã được xác nhận"
    ),
    text: text!(
        "ご注文 {order_number} のお支払いを確認しました。",
        "Order {order_number} is paid.",
        "주문 {order_number}의 결제가 확인되었습니다.",
        "订单 {order_number} 已付款。",
        "Đơn hàng {order_number} đã được thanh toán."
    ),
    ..PAYMENT_COMPLETE
};

const CREDITS_LOW: Kind = Kind {
    title: text!(
        "クレジットが残りわずかです",
        "Credits are running low",
        "크레딧이 얼마 남지 않았습니다",
        "点数余额不足",
        "Tín dụng sắp hết"
    ),
    text: text!(
        "残りのクレジットは{balance}です。",
        "{balance} credits are left.",
        "남은 크레딧은 {balance}입니다.",
        "剩余点数:{balance}。",
        "Bạn còn {balance} tín dụng."
    ),
    ..PAYMENT_COMPLETE
};

const CHALLENGE_JOINED: Kind = Kind {
    category: Category::Social,
    once: Once::Actor,
    fold: Fold::ByThing,
    title: text!("チャレンジの参加者", "New participant", "새 참가자", "新的参与者", "Người tham gia mới"),
    text: text!(
        "{actor_name}さんがチャレンジ「{title}」に参加しました。",
        "{actor_name} joined the challenge “{title}”.",
        "{actor_name}님이 챌린지 “{title}”에 참가했습니다.",
        "{actor_name}参加了挑战“{title}”。",
        "{actor_name} đã tham gia thử thách “{title}”."
    ),
    many: Some(text!(
        "{count}人がチャレンジ「{title}」に参加しました。",
        "{count} people joined the challenge “{title}”.",
        "{count}명이 챌린지 “{title}”에 참가했습니다.",
        "{count}人参加了挑战“{title}”。",
        "{count} người đã tham gia thử thách “{title}”."
    )),
};

const BADGE_EARNED: Kind = Kind {
    category: Category::Own,
    once: Once::Message,
    fold: Fold::Never,
    title: text!(
        "バッジを獲得しました",
        "You earned a badge",
        "배지를 획득했습니다",
        "您获得了徽章",
        "Bạn đã nhận được huy hiệu"
    ),
    text: text!(
        "バッジ「{title}」を獲得しました。",
        "The badge “{title}” is yours.",
        "“{title}” 배지를 획득했습니다.",
        "您获得了“{title}”徽章。",
        "Huy hiệu “{title}” đã là của bạn."
    ),
    many: None,
};

const LIVE_STARTED: Kind = Kind {
    category: Category::Social,
    once: Once::Message,
    fold: Fold::Never,
    title: text!(
        "ライブ配信が始まりました",
        "Live now",
        "라이브 방송 시작",
        "直播开始了",
        "Đang phát trực tiếp"
    ),
    text: text!(
        "{actor_name}さんがライブ配信中です:「{title}」",
        "{actor_name} is live: “{title}”.",
        "{actor_name}님이 라이브 방송 중입니다: “{title}”",
        "{actor_name}正在直播:“{title}”。",
        "{actor_name} đang phát trực tiếp: “{title}”."
    ),
    many: None,
};

/// The entry of a kind.
pub(crate) fn kind(kind: NoticeKind) -> &'static Kind {
    match kind {
        NoticeKind::VideoReady => &VIDEO_READY,
        NoticeKind::VideoFailed => &VIDEO_FAILED,
        NoticeKind::NewVideo => &NEW_VIDEO,
        NoticeKind::VideoLiked => &VIDEO_LIKED,
        NoticeKind::NewComment => &NEW_COMMENT,
        NoticeKind::NewFollower => &NEW_FOLLOWER,
        NoticeKind::CharacterLiked => &CHARACTER_LIKED,
        NoticeKind::PaymentComplete => &PAYMENT_COMPLETE,
        NoticeKind::OrderPaid => &ORDER_PAID,
        NoticeKind::CreditsLow => &CREDITS_LOW,
        NoticeKind::ChallengeJoined => &CHALLENGE_JOINED,
        NoticeKind::BadgeEarned => &BADGE_EARNED,
        NoticeKind::LiveStarted => &LIVE_STARTED,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn notice(kind: NoticeKind, data: &Value) -> Notice {
        let user = kernel::ids::UserId::parse("0192d3a4-5b6c-7d8e-9f01-23456789abcd").unwrap();
        Notice { user, kind, actor: None, data: data.as_object().cloned().unwrap_or_default() }
    }

    #[test]
    fn a_folded_notice_counts_the_people() {
        let one = notice(NoticeKind::VideoLiked, &json!({"actor_name": "Mina", "title": "Sea"}));
        assert_eq!(words(&one, 1, Language::En).1, "Mina liked “Sea”.");
        assert_eq!(words(&one, 12, Language::En).1, "12 people liked “Sea”.");
        assert_eq!(words(&one, 12, Language::Ja).1, "12人が「Sea」にいいねしました。");
    }

    #[test]
    fn what_a_notice_did_not_name_is_said_in_words_of_the_readers_language() {
        let bare = notice(NoticeKind::NewComment, &json!({"title": "  "}));
        assert_eq!(words(&bare, 1, Language::Vi).1, "Ai đó đã bình luận về “Không có tiêu đề”.");
    }

    #[test]
    fn every_kind_has_words_in_every_language_and_no_placeholder_without_a_source() {
        let known = ["actor_name", "title", "count", "balance", "order_number"];
        for entry in NoticeKind::ALL.map(kind) {
            assert_eq!(entry.many.is_some(), entry.fold == Fold::ByThing);
            for text in [Some(&entry.title), Some(&entry.text), entry.many.as_ref()].into_iter().flatten() {
                for language in Language::ALL {
                    let sentence = text.of(language);
                    assert!(!sentence.is_empty());
                    fill(sentence, |name| {
                        assert!(known.contains(&name), "{name} in {sentence}");
                        None
                    });
                }
            }
        }
    }

    #[test]
    fn notices_about_different_things_do_not_fold_together() {
        let about = |data: Value| thing(&notice(NoticeKind::VideoLiked, &data));
        assert_ne!(about(json!({"video_id": "a"})), about(json!({"video_id": "b"})));
        assert_ne!(about(json!({"video_id": "a"})), about(json!({"story_id": "a"})));
    }
}
