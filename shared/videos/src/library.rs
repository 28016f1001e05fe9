//! What happens to videos as a whole: their status, their deletion, what falls due, and a person's data.

use kernel::ids::{CommentId, UserId, VideoId};
use kernel::{BoxFuture, CommonError, ConfigError, Context, Domain, Env, Error, Result};
use serde_json::{Value, json};
use storage::{Delete, Item, Query};

use crate::access::{Viewer, owned, sees};
use crate::audience::count;
use crate::catalog::publish_now;
use crate::error::VideoError;
use crate::listing::{Entry, List};
use crate::model::{AGENDA, CommentRow, Due, DueRow, LikeRow, Publication, Video, like_key, video_key};
use crate::status::Status;
use crate::store::{Store, unless_overtaken};
use crate::view::StatusView;

/// Videos as a whole.
#[derive(Clone)]
pub struct Library {
    store: Store,
}

const ATTEMPTS: usize = 20;
/// Time that must be left before another page is begun.
const PAGE_MS: i64 = 2_000;

impl Domain for Library {
    fn from_env(env: &Env) -> Result<Self, ConfigError> {
        let mut settings = env.settings();
        let library = Self { store: Store::open(env, &mut settings) };
        settings.finish()?;
        Ok(library)
    }
}

impl Library {
    /// How far the caller's video has come.
    ///
    /// # Errors
    /// `VIDEO_NOT_FOUND`, `FORBIDDEN`.
    pub fn status<'a>(&'a self, context: &'a Context, id: VideoId) -> BoxFuture<'a, Result<StatusView>> {
        Box::pin(async move {
            let video = self.store.current(context, id).await?.ok_or(VideoError::VideoNotFound)?;
            owned(&video, &Viewer::of(context))?;
            Ok(StatusView::of(&video, context.language))
        })
    }

    /// Deletes a video: its owner, or a moderator. Its files follow.
    ///
    /// # Errors
    /// `VIDEO_NOT_FOUND`, `FORBIDDEN`.
    pub fn delete<'a>(&'a self, context: &'a Context, id: VideoId) -> BoxFuture<'a, Result<()>> {
        Box::pin(async move {
            let viewer = Viewer::of(context);
            self.delete_if(context, id, &|video| {
                if viewer.moderates && sees(video, &viewer) { Ok(()) } else { owned(video, &viewer) }
            })
            .await
        })
    }

    async fn delete_if(
        &self,
        context: &Context,
        id: VideoId,
        may: &(dyn Fn(&Video) -> Result<()> + Send + Sync),
    ) -> Result<()> {
        for _ in 0..ATTEMPTS {
            let video = self.store.current(context, id).await?.ok_or(VideoError::VideoNotFound)?;
            may(&video)?;
            match self.store.delete(context, &video).await {
                // Changed in between: its lists may be others now.
                Err(e) if e.is(CommonError::Conflict) => {}
                other => return other,
            }
        }
        Err(CommonError::Conflict.into())
    }

    /// Does what fell due: publishes what was scheduled, ends uploads that were not finished in a day. What cannot be
    /// done now stands in no other's way and is tried again a minute later.
    pub fn tick<'a>(&'a self, context: &'a Context) -> BoxFuture<'a, Result<()>> {
        Box::pin(self.run_agenda(context))
    }

    async fn run_agenda(&self, context: &Context) -> Result<()> {
        let now = context.now();
        let (mut failed, mut cursor) = (None, None::<String>);
        loop {
            let query = Query::index("gsi1", "gsi1pk", AGENDA)
                .sort("gsi1sk <= :now")
                // `~` sorts behind every id.
                .value(":now", format!("{now}~"))
                .after(cursor.as_deref());
            let page = self.store.table.query(context, query).await?;
            for item in page.items {
                let outcome = match item.read::<DueRow>() {
                    Ok(row) => self.do_due(context, &row).await,
                    Err(e) => Err(e),
                };
                failed = outcome.err().or(failed);
            }
            cursor = page.next_cursor;
            // What is left is due in a minute as well.
            if cursor.is_none() || context.left_ms() < PAGE_MS {
                return failed.map_or(Ok(()), Err);
            }
        }
    }

    async fn do_due(&self, context: &Context, row: &DueRow) -> Result<()> {
        let id = row.video_id;
        let Some(video) = self.store.current(context, id).await? else {
            return self.store.forget(context, id, row.due).await;
        };
        match row.due {
            Due::Upload if video.status == Status::Uploading => {
                self.store.fail(context, &video, VideoError::UploadExpired).await
            }
            Due::Upload => self.store.forget(context, id, Due::Upload).await,
            Due::Publish => {
                let now = context.now();
                let edit = |video: &mut Video| {
                    // The row that was read may be older than a change of plan.
                    let is_due = video.publication == Publication::Scheduled
                        && video.publish_at.is_some_and(|at| at <= now);
                    if is_due {
                        publish_now(video, now);
                        video.updated_at = now;
                    }
                    Ok(())
                };
                let video = self.store.change(context, id, &edit).await?;
                // Publishing takes the row along; a row of no plan goes by itself.
                if video.publication == Publication::Scheduled {
                    Ok(())
                } else {
                    self.store.forget(context, id, Due::Publish).await
                }
            }
        }
    }

    /// Erases all that a person left here: videos with everything that belongs to them, comments, likes. Begun anew,
    /// it finds less; it is over when it answers `Ok`.
    ///
    /// # Errors
    /// `SERVICE_UNAVAILABLE` when time is nearly over: call again.
    pub fn erase_user<'a>(&'a self, context: &'a Context, user: UserId) -> BoxFuture<'a, Result<()>> {
        Box::pin(async move {
            let own = List::Owner(user).partition();
            self.each(context, &own, |item| async move {
                let entry: Entry = item.read()?;
                gone_is_fine(self.delete_if(context, entry.video_id, &|_| Ok(())).await)
            })
            .await?;
            self.each(context, &format!("AUTHOR#{user}"), |item| async move {
                let row: CommentRow = item.read()?;
                self.erase_comment(context, row.video_id, row.id).await
            })
            .await?;
            self.each(context, &format!("LIKER#{user}"), |item| async move {
                let row: LikeRow = item.read()?;
                let done = self
                    .store
                    .table
                    .transaction()
                    .delete(Delete::key(like_key(row.video_id, user)).if_exists().or(CommonError::Conflict))
                    .update(count(row.video_id, "like_count", -1))
                    .commit(context)
                    .await;
                gone_is_fine(unless_overtaken(done))
            })
            .await
        })
    }

    async fn erase_comment(&self, context: &Context, video: VideoId, comment: CommentId) -> Result<()> {
        match self.store.delete_comment(context, video, comment).await {
            Err(e) if e.is(VideoError::CommentNotFound) => Ok(()),
            other => gone_is_fine(other),
        }
    }

    /// Works through a partition of `gsi1` page by page.
    async fn each<F, Fut>(&self, context: &Context, list: &str, work: F) -> Result<()>
    where
        F: Fn(Item) -> Fut + Send + Sync,
        Fut: Future<Output = Result<()>> + Send,
    {
        let mut cursor: Option<String> = None;
        loop {
            let query = Query::index("gsi1", "gsi1pk", list).after(cursor.as_deref());
            let page = self.store.table.query(context, query).await?;
            for item in page.items {
                if context.left_ms() < PAGE_MS {
                    return Err(Error::unavailable("more of a person's data is left"));
                }
                work(item).await?;
            }
            cursor = page.next_cursor;
            if cursor.is_none() {
                return Ok(());
            }
        }
    }

    async fn all<T: serde::de::DeserializeOwned>(&self, context: &Context, list: &str) -> Result<Vec<T>> {
        let (mut rows, mut cursor) = (Vec::new(), None::<String>);
        loop {
            let query = Query::index("gsi1", "gsi1pk", list).after(cursor.as_deref());
            let page = self.store.table.query(context, query).await?;
            for item in page.items {
                rows.push(item.read()?);
            }
            cursor = page.next_cursor;
            if cursor.is_none() {
                return Ok(rows);
            }
        }
    }

    /// All that is held on a person here, as JSON: `videos`, `comments`, `likes`.
    pub fn export_user<'a>(&'a self, context: &'a Context, user: UserId) -> BoxFuture<'a, Result<Value>> {
        Box::pin(async move {
            let entries: Vec<Entry> = self.all(context, &List::Owner(user).partition()).await?;
            let mut videos = Vec::with_capacity(entries.len());
            for some in entries.chunks(100) {
                let keys = some.iter().map(|e| video_key(e.video_id)).collect();
                for item in self.store.table.batch_get(context, keys).await? {
                    videos.push(item.read::<Video>()?);
                }
            }
            let comments: Vec<CommentRow> = self.all(context, &format!("AUTHOR#{user}")).await?;
            let likes: Vec<LikeRow> = self.all(context, &format!("LIKER#{user}")).await?;
            Ok(json!({"videos": videos, "comments": comments, "likes": likes}))
        })
    }
}

/// What somebody else deleted meanwhile is gone all the same.
fn gone_is_fine(done: Result<()>) -> Result<()> {
    match done {
        Err(e) if e.is(VideoError::VideoNotFound) => Ok(()),
        other => other,
    }
}
