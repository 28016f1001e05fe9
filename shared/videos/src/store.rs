//! What the domains of this area do with the table.

use kernel::ids::VideoId;
use kernel::{CommonError, Context, Result};
use messaging::{Notice, NoticeKind, queues};
use serde_json::{Map, json};
use storage::{Delete, Item, Key, Put, Send, Table, Update};

use crate::error::VideoError;
use crate::listing;
use crate::model::{AGENDA, Due, DueRow, Publication, Video, due_key, due_name, upload_key, video_key};
use crate::status::{Status, moving};
use crate::sweep::Sweep;

/// The table.
#[derive(Clone)]
pub(crate) struct Store {
    pub(crate) table: Table,
}

/// Times that a change is made anew when somebody else changed the video in between.
const ATTEMPTS: usize = 20;

impl Store {
    pub(crate) fn open(env: &kernel::Env, settings: &mut kernel::Settings<'_>) -> Self {
        Self { table: Table::open(env, settings, "videos") }
    }

    /// The video as it was a moment ago.
    pub(crate) async fn find(&self, context: &Context, id: VideoId) -> Result<Video> {
        let item = self.table.get(context, video_key(id)).await?;
        item.ok_or(VideoError::VideoNotFound)?.read()
    }

    /// The video as it is.
    pub(crate) async fn current(&self, context: &Context, id: VideoId) -> Result<Option<Video>> {
        self.table.get_consistent(context, video_key(id)).await?.map(Item::read).transpose()
    }

    /// Changes what the owner decides, together with the lists and the agenda that follow from it.
    ///
    /// The change is made on the revision that was read, and anew when another came first: two editors lose nothing.
    pub(crate) async fn change(
        &self,
        context: &Context,
        id: VideoId,
        edit: &(dyn Fn(&mut Video) -> Result<()> + std::marker::Send + Sync),
    ) -> Result<Video> {
        for _ in 0..ATTEMPTS {
            let old = self.current(context, id).await?.ok_or(VideoError::VideoNotFound)?;
            let mut new = old.clone();
            edit(&mut new)?;
            if new == old {
                return Ok(old);
            }
            new.revision = old.revision + 1;
            match self.write_change(context, &old, &new).await {
                Err(e) if e.is(CommonError::Conflict) => {}
                Err(e) => return Err(e),
                Ok(()) => return Ok(new),
            }
        }
        Err(CommonError::Conflict.into())
    }

    async fn write_change(&self, context: &Context, old: &Video, new: &Video) -> Result<()> {
        let update = Update::key(
            video_key(new.id),
            "SET #title = :title, #description = :description, #tags = :tags, #category = :category, \
             #publication = :publication, #visibility = :visibility, min_plan = :min_plan, is_adult = :is_adult, \
             publish_at = :publish_at, published_at = :published_at, updated_at = :updated_at, \
             listed_views = :listed_views, #revision = :revision",
        )
        .name("#title", "title")
        .name("#description", "description")
        .name("#tags", "tags")
        .name("#category", "category")
        .name("#publication", "publication")
        .name("#visibility", "visibility")
        .name("#revision", "revision")
        .value(":title", &new.title)
        .value(":description", &new.description)
        .value(":tags", &new.tags)
        .value(":category", &new.category)
        .value(":publication", new.publication)
        .value(":visibility", new.visibility)
        .value(":min_plan", new.min_plan)
        .value(":is_adult", new.is_adult)
        .value(":publish_at", new.publish_at)
        .value(":published_at", new.published_at)
        .value(":updated_at", new.updated_at)
        .value(":listed_views", new.listed_views)
        .value(":revision", new.revision)
        // Nobody changed it since it was read, and nobody deleted it.
        .when("#revision = :read")
        .value(":read", old.revision)
        .or(CommonError::Conflict);
        let mut transaction = listing::relist(self.table.transaction().update(update), old, new);
        transaction = match (new.publication, new.publish_at) {
            (Publication::Scheduled, Some(at)) => transaction.put(due_row(new.id, Due::Publish, at)),
            _ if old.publication == Publication::Scheduled => {
                transaction.delete(Delete::key(due_key(new.id, Due::Publish)))
            }
            _ => transaction,
        };
        transaction.commit(context).await
    }

    /// The video failed: its owner is told, what was uploaded and made so far goes. Nothing happens when it has come
    /// to an end already.
    pub(crate) async fn fail(&self, context: &Context, video: &Video, why: VideoError) -> Result<()> {
        let update =
            Update::key(video_key(video.id), "SET #status = :next, failure = :failure, updated_at = :now")
                .value(":failure", why.code().name)
                .value(":now", context.now());
        let mut data = about(video);
        data.insert("reason".into(), json!(why.code().name));
        data.insert("code".into(), json!(why.code().name));
        let done = self
            .table
            .transaction()
            .update(moving(update, Status::Failed).or(CommonError::Conflict))
            .delete(Delete::key(due_key(video.id, Due::Upload)))
            .send(Send::to(queues::NOTIFICATIONS, &notice(video, NoticeKind::VideoFailed, data)))
            .send(Send::to(queues::TRANSCODE_EVENTS, &Sweep::of_failed(video)))
            .commit(context)
            .await;
        unless_overtaken(done)
    }

    /// Deletes a video with everything that stands in the table by its own key; files, likes and comments follow by
    /// the sweep. The video is the one that was read, so that the rows that go are those that it has.
    pub(crate) async fn delete(&self, context: &Context, video: &Video) -> Result<()> {
        let mut transaction = self.table.transaction().delete(
            Delete::key(video_key(video.id))
                .name("#revision", "revision")
                // Nobody changed it since it was read, and nobody deleted it.
                .when("#revision = :read")
                .value(":read", video.revision)
                .or(CommonError::Conflict),
        );
        transaction = listing::unlist(transaction, video);
        for due in [Due::Upload, Due::Publish] {
            transaction = transaction.delete(Delete::key(due_key(video.id, due)));
        }
        transaction
            .delete(Delete::key(upload_key(video.upload_id)))
            .send(Send::to(queues::TRANSCODE_EVENTS, &Sweep::of_deleted(video)))
            .commit(context)
            .await
    }

    /// Takes a date out of the agenda.
    pub(crate) async fn forget(&self, context: &Context, video: VideoId, due: Due) -> Result<()> {
        self.table.delete(context, Delete::key(due_key(video, due))).await.map(drop)
    }

    /// Deletes up to 100 items at a time under their keys.
    pub(crate) async fn delete_all(&self, context: &Context, keys: &[Key]) -> Result<()> {
        for some in keys.chunks(100) {
            let mut transaction = self.table.transaction();
            for key in some {
                transaction = transaction.delete(Delete::key(key.clone()));
            }
            transaction.commit(context).await?;
        }
        Ok(())
    }
}

/// A change that another one overtook has nothing left to do.
pub(crate) fn unless_overtaken(done: Result<()>) -> Result<()> {
    match done {
        Err(e) if e.is(CommonError::Conflict) => Ok(()),
        other => other,
    }
}

/// A date in the agenda.
pub(crate) fn due_row(video: VideoId, due: Due, at: kernel::Time) -> Put {
    Put::row(&due_key(video, due), DueRow { video_id: video, due, at })
        .attribute("gsi1pk", AGENDA)
        .attribute("gsi1sk", format!("{at}#{video}#{}", due_name(due)))
}

/// What notices about a video say of it.
pub(crate) fn about(video: &Video) -> Map<String, serde_json::Value> {
    let mut data = Map::new();
    data.insert("video_id".into(), json!(video.id));
    data.insert("title".into(), json!(video.title));
    data
}

/// A notice to the video's owner.
pub(crate) fn notice(video: &Video, kind: NoticeKind, data: Map<String, serde_json::Value>) -> Notice {
    Notice { user: video.owner_id, kind, actor: None, data }
}
