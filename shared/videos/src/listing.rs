//! The lists that a video stands in. Each list is one partition of `gsi1` (newest first) and of `gsi2` (most viewed
//! first); a video has one small row in each, which points to it and carries what lists are narrowed by.

use kernel::Time;
use kernel::ids::{UserId, VideoId};
use serde::{Deserialize, Serialize};
use storage::{Delete, Key, Put, Transaction};

use crate::model::{Kind, Video, owner_key, partition};

/// A row of a list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Entry {
    pub video_id: VideoId,
    pub owner_id: UserId,
    pub kind: Kind,
    pub category: Option<String>,
    pub tags: Vec<String>,
    pub is_adult: bool,
}

/// The name of a list: a partition of the indexes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum List {
    All,
    Kind(Kind),
    Category(String),
    Tag(String),
    /// What a creator has published.
    Creator(UserId),
    /// All that a person ever uploaded, for that person.
    Owner(UserId),
}

impl List {
    pub(crate) fn partition(&self) -> String {
        match self {
            Self::All => "LIST#ALL".to_owned(),
            Self::Kind(kind) => format!("LIST#KIND#{}", kind.name()),
            Self::Category(category) => format!("LIST#CATEGORY#{}", folded(category)),
            Self::Tag(tag) => format!("LIST#TAG#{}", folded(tag)),
            Self::Creator(user) => format!("LIST#CREATOR#{user}"),
            Self::Owner(user) => format!("OWNER#{user}"),
        }
    }

    /// A video stands once in each list, so the list's name makes the row's key.
    fn key(&self, video: VideoId) -> Key {
        Key::new(partition(video), self.partition())
    }
}

/// Words are the same whatever their case.
pub(crate) fn folded(word: &str) -> String {
    word.trim().to_lowercase()
}

/// The public lists that a video stands in.
pub(crate) fn lists(video: &Video) -> Vec<List> {
    if !video.is_listed() {
        return Vec::new();
    }
    let mut lists = vec![List::All, List::Kind(video.kind), List::Creator(video.owner_id)];
    lists.extend(video.category.clone().map(List::Category));
    lists.extend(video.tags.iter().cloned().map(List::Tag));
    lists
}

fn entry(video: &Video) -> Entry {
    Entry {
        video_id: video.id,
        owner_id: video.owner_id,
        kind: video.kind,
        category: video.category.as_deref().map(folded),
        tags: video.tags.iter().map(|t| folded(t)).collect(),
        is_adult: video.is_adult,
    }
}

fn row(list: &List, video: &Video, since: Time) -> Put {
    Put::row(&list.key(video.id), entry(video))
        .attribute("gsi1pk", list.partition())
        .attribute("gsi1sk", format!("{since}#{}", video.id))
        .attribute("gsi2pk", list.partition())
        .attribute("gsi2sk", format!("{:012}#{since}#{}", video.listed_views.max(0), video.id))
}

/// The row in its owner's own list, written once.
pub(crate) fn owner_row(video: &Video) -> Put {
    Put::row(&owner_key(video.id), entry(video))
        .attribute("gsi1pk", List::Owner(video.owner_id).partition())
        .attribute("gsi1sk", format!("{}#{}", video.created_at, video.id))
}

/// Writes the rows that the video as it will be needs, and deletes those that only the video as it was needed.
pub(crate) fn relist(mut transaction: Transaction, old: &Video, new: &Video) -> Transaction {
    let (before, after) = (lists(old), lists(new));
    let unchanged = before == after
        && entry(old) == entry(new)
        && (old.published_at, old.listed_views) == (new.published_at, new.listed_views);
    if unchanged {
        return transaction;
    }
    for list in before.iter().filter(|l| !after.contains(l)) {
        transaction = transaction.delete(Delete::key(list.key(old.id)));
    }
    for list in &after {
        transaction = transaction.put(row(list, new, new.published_at.unwrap_or(new.created_at)));
    }
    transaction
}

/// Deletes the rows of every list.
pub(crate) fn unlist(mut transaction: Transaction, video: &Video) -> Transaction {
    for list in lists(video) {
        transaction = transaction.delete(Delete::key(list.key(video.id)));
    }
    transaction.delete(Delete::key(owner_key(video.id)))
}

/// Whether the lists by popularity should learn of this many views: at once while there are few, then by tenths, so
/// that a video of a million views has rewritten its rows some hundred times.
pub(crate) fn is_worth_relisting(listed: i64, views: i64) -> bool {
    views >= listed + (listed / 10).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Publication, Visibility};
    use crate::samples::video;

    #[test]
    fn only_public_ready_published_videos_are_listed() {
        assert_eq!(lists(&video()).len(), 5);
        for hidden in [
            Video { publication: Publication::Draft, ..video() },
            Video { visibility: Visibility::Unlisted, ..video() },
            Video { visibility: Visibility::Followers, ..video() },
            Video { status: crate::Status::Failed, ..video() },
        ] {
            assert!(lists(&hidden).is_empty());
        }
    }

    #[test]
    fn tags_are_the_same_whatever_their_case() {
        assert_eq!(List::Tag("Cats ".into()).partition(), List::Tag("cats".into()).partition());
    }

    #[test]
    fn popularity_is_rewritten_rarely_once_there_are_many_views() {
        assert!(is_worth_relisting(0, 1) && is_worth_relisting(1, 2));
        assert!(!is_worth_relisting(1000, 1099) && is_worth_relisting(1000, 1100));
        let (mut listed, mut writes) = (0, 0);
        for views in 1..=1_000_000 {
            if is_worth_relisting(listed, views) {
                (listed, writes) = (views, writes + 1);
            }
        }
        assert!(writes < 150, "{writes}");
    }
}
