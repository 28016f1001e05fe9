//! What the audience does: likes and comments.

use kernel::ids::{CommentId, UserId, VideoId};
use kernel::{BoxFuture, Check, CommonError, ConfigError, Context, Domain, Env, Result, Time, Validate};
use messaging::{Notice, NoticeKind, queues};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;
use storage::{Delete, Item, Put, Query, Send, Update};

use crate::access::{Viewer, sees};
use crate::error::VideoError;
use crate::model::{CommentRow, LikeRow, Video, comment_key, like_key, partition, video_key};
use crate::store::{Store, about};

/// Likes and comments.
#[derive(Clone)]
pub struct Audience {
    store: Store,
}

/// Whether the caller likes a video.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Liked {
    /// Whether the caller likes it now.
    pub liked: bool,
    /// How many do.
    pub like_count: i64,
}

/// A comment to be.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
pub struct WriteComment {
    /// What it says.
    #[schemars(length(min = 1, max = 2000))]
    pub content: String,
}

impl Validate for WriteComment {
    fn validate(&self, check: &mut Check) {
        check.text("content", &self.content, 1..=2000);
    }
}

/// A comment.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct CommentView {
    /// Its id.
    pub id: CommentId,
    /// The video.
    pub video_id: VideoId,
    /// Who wrote it.
    pub author_id: UserId,
    /// What it says.
    pub content: String,
    /// When it was written.
    pub created_at: Time,
    /// When it was changed last.
    pub updated_at: Time,
}

/// A page of comments, newest first.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct CommentPage {
    /// Comments.
    pub items: Vec<CommentView>,
    /// For the next page; none on the last one.
    pub next_cursor: Option<String>,
}

impl From<CommentRow> for CommentView {
    fn from(row: CommentRow) -> Self {
        Self {
            id: row.id,
            video_id: row.video_id,
            author_id: row.author_id,
            content: row.content,
            created_at: row.created_at,
            updated_at: row.updated_at,
        }
    }
}

impl Domain for Audience {
    fn from_env(env: &Env) -> Result<Self, ConfigError> {
        let mut settings = env.settings();
        let audience = Self { store: Store::open(env, &mut settings) };
        settings.finish()?;
        Ok(audience)
    }
}

/// Changes a counter of the video, if it is there.
pub(crate) fn count(video: VideoId, counter: &'static str, step: i32) -> Update {
    Update::key(video_key(video), "ADD #counter :step")
        .name("#counter", counter)
        .value(":step", step)
        // Nobody deleted it meanwhile.
        .if_exists()
        .or(VideoError::VideoNotFound)
}

fn told(video: &Video, kind: NoticeKind, actor: UserId) -> Notice {
    Notice { user: video.owner_id, kind, actor: Some(actor), data: about(video) }
}

impl Audience {
    async fn visible(&self, context: &Context, id: VideoId) -> Result<Video> {
        let video = self.store.find(context, id).await?;
        if sees(&video, &Viewer::of(context)) { Ok(video) } else { Err(VideoError::VideoNotFound.into()) }
    }

    /// The video and whether this person likes it, in one call.
    async fn with_like(&self, context: &Context, id: VideoId, user: UserId) -> Result<(Video, bool)> {
        let keys = vec![video_key(id), like_key(id, user)];
        let items = self.store.table.batch_get_consistent(context, keys).await?;
        let (mut video, mut liked) = (None, false);
        for item in items {
            if item.text("sk") == Some("VIDEO") {
                video = Some(item.read::<Video>()?);
            } else {
                liked = true;
            }
        }
        let video = video.filter(|v| sees(v, &Viewer::of(context))).ok_or(VideoError::VideoNotFound)?;
        Ok((video, liked))
    }

    /// The caller likes the video from now on; again is fine.
    ///
    /// # Errors
    /// `VIDEO_NOT_FOUND`.
    pub fn like<'a>(&'a self, context: &'a Context, id: VideoId) -> BoxFuture<'a, Result<Liked>> {
        Box::pin(async move {
            let user = context.caller()?.user;
            let (video, liked) = self.with_like(context, id, user).await?;
            if liked {
                return Ok(Liked { liked: true, like_count: video.like_count });
            }
            let row = LikeRow { video_id: id, user_id: user, created_at: context.now() };
            let answer = Liked { liked: true, like_count: video.like_count + 1 };
            let done = self
                .store
                .table
                .transaction()
                .put(
                    Put::row(&like_key(id, user), &row)
                        .attribute("gsi1pk", format!("LIKER#{user}"))
                        .attribute("gsi1sk", format!("{}#{id}", row.created_at))
                        // A like counts once.
                        .unless_exists()
                        .or(CommonError::Conflict),
                )
                .update(count(id, "like_count", 1))
                .send(Send::to(queues::NOTIFICATIONS, &told(&video, NoticeKind::VideoLiked, user)))
                .result(&answer)
                .commit(context)
                .await;
            match done {
                // The same person's other device was faster.
                Err(e) if e.is(CommonError::Conflict) => Ok(answer),
                other => other.map(|()| answer),
            }
        })
    }

    /// The caller no longer likes the video; again is fine.
    ///
    /// # Errors
    /// `VIDEO_NOT_FOUND`.
    pub fn unlike<'a>(&'a self, context: &'a Context, id: VideoId) -> BoxFuture<'a, Result<()>> {
        Box::pin(async move {
            let user = context.caller()?.user;
            let (_, liked) = self.with_like(context, id, user).await?;
            if !liked {
                return Ok(());
            }
            let done = self
                .store
                .table
                .transaction()
                // A like is taken back once.
                .delete(Delete::key(like_key(id, user)).if_exists().or(CommonError::Conflict))
                .update(count(id, "like_count", -1))
                .commit(context)
                .await;
            crate::store::unless_overtaken(done)
        })
    }

    /// Writes a comment.
    ///
    /// # Errors
    /// `VIDEO_NOT_FOUND`.
    pub fn comment<'a>(
        &'a self,
        context: &'a Context,
        id: VideoId,
        body: &'a WriteComment,
    ) -> BoxFuture<'a, Result<CommentView>> {
        Box::pin(async move {
            let author = context.caller()?.user;
            let video = self.visible(context, id).await?;
            let now = context.now();
            let row = CommentRow {
                id: context.id(),
                video_id: id,
                author_id: author,
                content: body.content.trim().to_owned(),
                created_at: now,
                updated_at: now,
            };
            let mut notice = told(&video, NoticeKind::NewComment, author);
            notice.data.insert("comment_id".into(), json!(row.id));
            notice.data.insert("text".into(), json!(row.content.chars().take(200).collect::<String>()));
            let answer = CommentView::from(row.clone());
            self.store
                .table
                .transaction()
                .put(
                    Put::row(&comment_key(id, row.id), &row)
                        .attribute("gsi1pk", format!("AUTHOR#{author}"))
                        .attribute("gsi1sk", row.id)
                        .unless_exists()
                        .or(CommonError::Conflict),
                )
                .update(count(id, "comment_count", 1))
                .send(Send::to(queues::NOTIFICATIONS, &notice))
                .result(&answer)
                .commit(context)
                .await?;
            Ok(answer)
        })
    }

    /// A page of comments, newest first.
    ///
    /// # Errors
    /// `VIDEO_NOT_FOUND`, `VALIDATION_FAILED`.
    pub fn comments<'a>(
        &'a self,
        context: &'a Context,
        id: VideoId,
        limit: u32,
        cursor: Option<&'a str>,
    ) -> BoxFuture<'a, Result<CommentPage>> {
        Box::pin(async move {
            let query = Query::partition(partition(id))
                .sort("begins_with(sk, :comment)")
                .value(":comment", "COMMENT#")
                .descending()
                .limit(limit)
                .after(cursor);
            // Side by side: whether the caller may see them, and them.
            let (video, page) =
                futures::join!(self.visible(context, id), self.store.table.query(context, query));
            video?;
            let page = page?;
            let rows = page.items.into_iter().map(Item::read::<CommentRow>);
            let items = rows.map(|r| r.map(CommentView::from)).collect::<Result<_>>()?;
            Ok(CommentPage { items, next_cursor: page.next_cursor })
        })
    }

    /// Changes a comment, for its author alone.
    ///
    /// # Errors
    /// `COMMENT_NOT_FOUND`, `FORBIDDEN`.
    pub fn edit<'a>(
        &'a self,
        context: &'a Context,
        video: VideoId,
        comment: CommentId,
        body: &'a WriteComment,
    ) -> BoxFuture<'a, Result<CommentView>> {
        Box::pin(async move {
            let author = context.caller()?.user;
            let update =
                Update::key(comment_key(video, comment), "SET #content = :content, updated_at = :now")
                    .name("#content", "content")
                    .value(":content", body.content.trim())
                    .value(":now", context.now())
                    // Nobody changes another's words.
                    .when("author_id = :author")
                    .value(":author", author)
                    .or_else(|there| match there {
                        Some(_) => CommonError::Forbidden.into(),
                        None => VideoError::CommentNotFound.into(),
                    });
            let changed: CommentRow = self.store.table.update(context, update).await?.read()?;
            Ok(changed.into())
        })
    }

    /// Deletes a comment: its author, the video's owner, a moderator.
    ///
    /// # Errors
    /// `COMMENT_NOT_FOUND`, `FORBIDDEN`.
    pub fn remove<'a>(
        &'a self,
        context: &'a Context,
        video: VideoId,
        comment: CommentId,
    ) -> BoxFuture<'a, Result<()>> {
        Box::pin(async move {
            let viewer = Viewer::of(context);
            let keys = vec![video_key(video), comment_key(video, comment)];
            let items = self.store.table.batch_get_consistent(context, keys).await?;
            let (mut owns, mut row) = (false, None);
            for item in items {
                if item.text("sk") == Some("VIDEO") {
                    owns = viewer.owns(&item.read()?);
                } else {
                    row = Some(item.read::<CommentRow>()?);
                }
            }
            let row = row.ok_or(VideoError::CommentNotFound)?;
            if !(owns || viewer.moderates || viewer.user == Some(row.author_id)) {
                return Err(CommonError::Forbidden.into());
            }
            self.store.delete_comment(context, video, comment).await
        })
    }
}

impl Store {
    /// Takes a comment away, and from the count.
    pub(crate) async fn delete_comment(
        &self,
        context: &Context,
        video: VideoId,
        comment: CommentId,
    ) -> Result<()> {
        self.table
            .transaction()
            // A comment leaves the count once.
            .delete(Delete::key(comment_key(video, comment)).if_exists().or(VideoError::CommentNotFound))
            .update(count(video, "comment_count", -1))
            .commit(context)
            .await
    }
}
