use futures::{StreamExt as _, TryStreamExt as _};
use kernel::ids::{NotificationId, UserId};
use kernel::{BoxFuture, CommonError, ConfigError, Context, Domain, Env, Error, Result, Time};
use messaging::NoticeKind;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Map, Value, json};
use storage::{Delete, Item, Query, Table, Update};

use crate::errors::NotificationError;
use crate::row::{
    BOX, Inbox, NoteRow, box_key, counter, living_weeks, note_key, oldest_kept, partition, week_of,
};

/// What readers do with their notifications.
#[derive(Clone)]
pub struct Notifications {
    pub(crate) table: Table,
}

/// A notification as its reader sees it.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Notification {
    /// Id.
    pub id: NotificationId,
    /// What happened.
    #[serde(rename = "type")]
    pub kind: NoticeKind,
    /// One line, in the reader's language.
    pub title: String,
    /// What happened in words, in the reader's language.
    pub text: String,
    /// What it is about, for the client: ids, titles.
    pub data: Map<String, Value>,
    /// How many events it stands for: bursts of one kind about one thing fold into one.
    pub count: u32,
    /// Whether it was read.
    pub is_read: bool,
    /// When.
    pub read_at: Option<Time>,
    /// When the first of the events was told.
    pub created_at: Time,
    /// When the last of them was.
    pub updated_at: Time,
}

/// A page of notifications.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct NotificationList {
    /// Newest first.
    pub items: Vec<Notification>,
    /// All that are not read, not only those of this page.
    pub unread_count: u64,
    /// For the next page; none on the last.
    pub next_cursor: Option<String>,
}

/// Everything is read.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct AllRead {
    /// Always 0.
    pub unread_count: u64,
}

impl Domain for Notifications {
    fn from_env(env: &Env) -> Result<Self, ConfigError> {
        let mut settings = env.settings();
        let table = Table::open(env, &mut settings, "notifications");
        settings.finish()?;
        Ok(Self { table })
    }
}

/// Rows that one round of erasing removes at a time.
const AT_ONCE: usize = 10;

impl Notifications {
    /// A page of the reader's notifications, newest first, and how many are not read.
    pub fn list<'a>(
        &'a self,
        context: &'a Context,
        user: UserId,
        limit: u32,
        cursor: Option<&'a str>,
    ) -> BoxFuture<'a, Result<NotificationList>> {
        Box::pin(async move {
            let now = context.now();
            let query = Query::partition(partition(user))
                .sort("sk BETWEEN :oldest AND :box")
                .value(":oldest", oldest_kept(now))
                .value(":box", BOX)
                .descending()
                .consistent()
                .after(cursor);
            // The first page begins with the box itself.
            let (page, first) = if cursor.is_none() {
                let mut page = self.table.query(context, query.limit(limit + 1)).await?;
                let is_box = |item: &Item| item.text("sk") == Some(BOX);
                let first = page.items.first().is_some_and(is_box).then(|| page.items.remove(0));
                (page, first)
            } else {
                futures::try_join!(
                    self.table.query(context, query.limit(limit)),
                    self.table.get_consistent(context, box_key(user))
                )?
            };
            let inbox = Inbox::of(first, now)?;
            let items = page
                .items
                .into_iter()
                // A made-up cursor can point behind the box.
                .filter(|item| item.text("sk") != Some(BOX))
                .map(|item| Ok(view(item.read()?, &inbox)))
                .collect::<Result<Vec<_>>>()?;
            Ok(NotificationList { items, unread_count: inbox.unread, next_cursor: page.next_cursor })
        })
    }

    /// Marks one read. Marking again changes nothing.
    ///
    /// # Errors
    /// `NOTIFICATION_NOT_FOUND` when the reader has no such notification.
    pub fn mark_read<'a>(
        &'a self,
        context: &'a Context,
        user: UserId,
        id: NotificationId,
    ) -> BoxFuture<'a, Result<Notification>> {
        Box::pin(async move {
            let now = context.now();
            let marked = self
                .table
                .transaction()
                .update(
                    Update::key(note_key(user, id), "SET read_at = :now")
                        .value(":now", now)
                        // Only what is kept and was not read: the count goes down once.
                        .when(
                            "attribute_exists(pk) AND attribute_not_exists(read_at) AND expires_at > :now_s",
                        )
                        .value(":now_s", now.s())
                        .or(CommonError::Conflict),
                )
                .update(
                    Update::key(box_key(user), format!("ADD {} :less", counter(week_of(id)?)))
                        .value(":less", -1)
                        // What the watermark covers is read and no longer counted.
                        .when("attribute_not_exists(read_before) OR read_before < :id")
                        .value(":id", id)
                        .or(CommonError::Conflict),
                )
                .commit(context)
                .await;
            let (note, inbox) = futures::try_join!(
                self.table.get_consistent(context, note_key(user, id)),
                self.table.get_consistent(context, box_key(user))
            )?;
            let note: NoteRow = note.ok_or(NotificationError::NotFound)?.read()?;
            if note.expires_at <= now.s() {
                return Err(NotificationError::NotFound.into());
            }
            let seen = view(note, &Inbox::of(inbox, now)?);
            match marked {
                Err(error) if !seen.is_read => Err(error),
                _ => Ok(seen),
            }
        })
    }

    /// Marks everything read that has come so far, in one write however much it is.
    pub fn mark_all_read<'a>(&'a self, context: &'a Context, user: UserId) -> BoxFuture<'a, Result<AllRead>> {
        Box::pin(async move {
            let now = context.now();
            let counters: Vec<String> = living_weeks(now).map(counter).collect();
            let moved = self
                .table
                .update(
                    context,
                    Update::key(
                        box_key(user),
                        format!("SET read_before = last_id, read_all_at = :now REMOVE {}", counters.join(", ")),
                    )
                    .value(":now", now)
                    // Nothing came since the last time, or ever: everything is read already.
                    .when("attribute_exists(last_id) AND (attribute_not_exists(read_before) OR read_before < last_id)")
                    .or(CommonError::Conflict),
                )
                .await;
            match moved {
                Err(error) if !error.is(CommonError::Conflict) => Err(error),
                _ => Ok(AllRead { unread_count: 0 }),
            }
        })
    }

    /// Removes all that is kept about a person. May be run again; what one run did not finish in its time the next
    /// one does.
    pub fn erase_user<'a>(&'a self, context: &'a Context, user: UserId) -> BoxFuture<'a, Result<()>> {
        Box::pin(async move {
            loop {
                let page = self.table.query(context, Query::partition(partition(user)).consistent()).await?;
                if page.items.is_empty() {
                    return Ok(());
                }
                if context.left_ms() < 2_000 {
                    return Err(Error::unavailable("erasure goes on in the next run"));
                }
                futures::stream::iter(page.items.iter().filter_map(Item::key))
                    .map(|key| self.table.delete(context, Delete::key(key)))
                    .buffer_unordered(AT_ONCE)
                    .try_for_each(|_| std::future::ready(Ok(())))
                    .await?;
            }
        })
    }

    /// All that is kept about a person: notifications, settings, devices.
    pub fn export_user<'a>(&'a self, context: &'a Context, user: UserId) -> BoxFuture<'a, Result<Value>> {
        Box::pin(async move {
            let now = context.now();
            let (mut notes, mut devices, mut inbox) = (Vec::new(), Vec::new(), None);
            let mut cursor = None;
            loop {
                let query = Query::partition(partition(user)).consistent().after(cursor.as_deref());
                let page = self.table.query(context, query).await?;
                for item in page.items {
                    match item.text("sk") {
                        Some(BOX) => inbox = Some(item),
                        Some(sk) if sk.starts_with("NOTE#") => notes.push(item.read::<NoteRow>()?),
                        Some(sk) if sk.starts_with("DEVICE#") => devices.push(item.read::<Value>()?),
                        _ => {}
                    }
                }
                cursor = page.next_cursor;
                if cursor.is_none() {
                    break;
                }
            }
            let inbox = Inbox::of(inbox, now)?;
            let notes: Vec<_> = notes.into_iter().map(|note| view(note, &inbox)).collect();
            Ok(json!({"notifications": notes, "settings": inbox.row.settings, "devices": devices}))
        })
    }
}

fn view(note: NoteRow, inbox: &Inbox) -> Notification {
    let read_at = inbox.read_at(&note);
    Notification {
        id: note.id,
        kind: note.kind,
        title: note.title,
        text: note.text,
        data: note.data,
        count: note.count,
        is_read: read_at.is_some(),
        read_at,
        created_at: note.created_at,
        updated_at: note.updated_at,
    }
}
