use kernel::ids::{NotificationId, UserId};
use kernel::{Error, Result, Time};
use messaging::NoticeKind;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use storage::{Item, Key};
use uuid::Uuid;

use crate::settings::Settings;

/// How long a notification is kept at least.
pub(crate) const KEPT_S: i64 = 90 * 86_400;
/// How long a mark is kept: longer than a message can wait in a queue and its dead-letter queue together.
pub(crate) const MARK_KEPT_S: i64 = 30 * 86_400;
const WEEK_S: i64 = 7 * 86_400;

/// A stored notification.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct NoteRow {
    pub(crate) id: NotificationId,
    pub(crate) kind: NoticeKind,
    pub(crate) title: String,
    pub(crate) text: String,
    pub(crate) data: Map<String, Value>,
    pub(crate) count: u32,
    pub(crate) created_at: Time,
    pub(crate) updated_at: Time,
    #[serde(default)]
    pub(crate) read_at: Option<Time>,
    pub(crate) expires_at: i64,
}

/// The reader's box, without the counts by week.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct BoxRow {
    pub(crate) last_id: Option<NotificationId>,
    pub(crate) read_before: Option<NotificationId>,
    pub(crate) read_all_at: Option<Time>,
    pub(crate) settings: Settings,
}

/// The box as it was read, with its unread notifications counted.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Inbox {
    pub(crate) row: BoxRow,
    pub(crate) unread: u64,
}

impl Inbox {
    pub(crate) fn of(item: Option<Item>, now: Time) -> Result<Self> {
        let Some(item) = item else { return Ok(Self::default()) };
        let unread =
            living_weeks(now).filter_map(|w| item.number(&counter(w))).filter(|n| *n > 0).sum::<i64>();
        Ok(Self { unread: u64::try_from(unread).unwrap_or(0), row: item.read()? })
    }

    /// When the notification was read, if it was.
    pub(crate) fn read_at(&self, note: &NoteRow) -> Option<Time> {
        let covered = self.row.read_before.is_some_and(|mark| note.id <= mark);
        note.read_at.or(self.row.read_all_at.filter(|_| covered))
    }
}

/// The open notification of a burst.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct FoldRow {
    pub(crate) note: NotificationId,
    pub(crate) count: u32,
    pub(crate) expires_at: i64,
}

pub(crate) fn partition(user: UserId) -> String {
    format!("USER#{user}")
}

pub(crate) fn note_key(user: UserId, id: NotificationId) -> Key {
    Key::new(partition(user), format!("NOTE#{id}"))
}

pub(crate) const BOX: &str = "NOTE~";

pub(crate) fn box_key(user: UserId) -> Key {
    Key::new(partition(user), BOX)
}

/// The smallest sort key of a notification that is still kept: what is older is not shown, removed or not.
pub(crate) fn oldest_kept(now: Time) -> String {
    let ms = living_weeks(now).start.saturating_mul(WEEK_S).saturating_mul(1000).max(0);
    format!("NOTE#{:08x}-{:04x}", ms >> 16, ms & 0xffff)
}

/// The moment in an id, in milliseconds (RFC 9562, 5.7).
fn ms_of(id: NotificationId) -> Result<i64> {
    let uuid = Uuid::try_parse(&id.to_string()).map_err(Error::internal)?;
    i64::try_from(uuid.as_u128() >> 80).map_err(Error::internal)
}

pub(crate) fn week_of(id: NotificationId) -> Result<i64> {
    Ok(ms_of(id)?.div_euclid(WEEK_S * 1000))
}

/// When a notification of this week expires: all of them at once.
pub(crate) fn expiry_of(week: i64) -> i64 {
    (week + 1).saturating_mul(WEEK_S).saturating_add(KEPT_S)
}

/// Weeks whose notifications are kept now. The week after this one too: a clock may be a little ahead.
pub(crate) fn living_weeks(now: Time) -> std::ops::Range<i64> {
    let this = now.s().div_euclid(WEEK_S);
    (now.s() - KEPT_S).div_euclid(WEEK_S)..this + 2
}

/// The attribute that counts the unread notifications of a week.
pub(crate) fn counter(week: i64) -> String {
    format!("u{week}")
}

/// This id, or when it would not sort behind the last one, the one after that.
pub(crate) fn following(last: Option<NotificationId>, fresh: NotificationId) -> Result<NotificationId> {
    match last {
        Some(last) if fresh <= last => {
            let last = Uuid::try_parse(&last.to_string()).map_err(Error::internal)?;
            Ok(Uuid::from_u128(last.as_u128().wrapping_add(1)).into())
        }
        _ => Ok(fresh),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn id_at(ms: u64, low: u8) -> NotificationId {
        uuid::Builder::from_unix_timestamp_millis(ms, &[low; 10]).into_uuid().into()
    }

    proptest! {
        #[test]
        fn a_notification_is_kept_90_days_and_leaves_list_and_count_in_the_same_moment(
            made_s in 1_000_000_000i64..4_000_000_000, age_s in 0i64..200 * 86_400,
        ) {
            let id = id_at(u64::try_from(made_s * 1000).unwrap(), 7);
            let week = week_of(id).unwrap();
            let now = Time::from_ms((made_s + age_s) * 1000);
            let listed = format!("NOTE#{id}") >= oldest_kept(now);
            let counted = living_weeks(now).contains(&week);
            let alive = expiry_of(week) > now.s();
            prop_assert_eq!(listed, counted);
            prop_assert_eq!(counted, alive);
            prop_assert!(age_s > KEPT_S || alive);
            prop_assert!(age_s <= KEPT_S + WEEK_S || !alive);
        }

        #[test]
        fn ids_of_one_box_only_grow_whatever_the_clock_says(times in prop::collection::vec(0u64..1000, 1..50)) {
            let mut last = None;
            for (n, ms) in times.into_iter().enumerate() {
                let next = following(last, id_at(1_700_000_000_000 + ms, u8::try_from(n).unwrap())).unwrap();
                prop_assert!(last.is_none_or(|l| l < next && l.to_string() < next.to_string()));
                last = Some(next);
            }
        }
    }

    #[test]
    fn the_box_sorts_behind_every_notification() {
        let newest = NotificationId::from(Uuid::from_u128(u128::MAX));
        assert!(format!("NOTE#{newest}").as_str() < BOX);
    }

    #[test]
    fn a_notification_is_read_by_itself_or_by_the_watermark() {
        let (at, all_at) = (Time::from_ms(5), Time::from_ms(9));
        let note = |ms: u64, read_at| NoteRow {
            id: id_at(ms, 1),
            kind: NoticeKind::NewFollower,
            title: String::new(),
            text: String::new(),
            data: Map::new(),
            count: 1,
            created_at: at,
            updated_at: at,
            read_at,
            expires_at: 0,
        };
        let row = BoxRow { read_before: Some(id_at(100, 1)), read_all_at: Some(all_at), ..BoxRow::default() };
        let inbox = Inbox { row, unread: 0 };
        assert_eq!(inbox.read_at(&note(100, None)), Some(all_at));
        assert_eq!(inbox.read_at(&note(99, Some(at))), Some(at));
        assert_eq!(inbox.read_at(&note(101, None)), None);
        assert_eq!(inbox.read_at(&note(101, Some(at))), Some(at));
    }
}
