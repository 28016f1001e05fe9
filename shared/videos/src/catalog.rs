//! Looking videos up, listing them, and what their owners decide about them.

use kernel::ids::{UserId, VideoId};
use kernel::{
    BoxFuture, Check, CommonError, ConfigError, Context, Domain, Env, Error, Result, Time, Validate,
};
use playback::Signer;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use storage::{Item, Query};

use crate::access::{Viewer, owned, sees};
use crate::error::VideoError;
use crate::listing::{Entry, List, folded};
use crate::model::{Kind, Plan, Publication, Video, Visibility, video_key};
use crate::status::Status;
use crate::store::Store;
use crate::view::{VideoView, is_for_all};

/// Looks videos up and publishes them.
#[derive(Clone)]
pub struct Catalog {
    store: Store,
    signer: Signer,
}

/// How a list is ordered.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Sort {
    /// Newest first.
    #[default]
    Newest,
    /// Most viewed first.
    Popular,
}

/// What a list is narrowed by.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
pub struct ListQuery {
    /// Long or short ones.
    pub kind: Option<Kind>,
    /// One category.
    #[schemars(length(max = 50))]
    pub category: Option<String>,
    /// One tag.
    #[schemars(length(max = 30))]
    pub tag: Option<String>,
    /// One person's. The caller's own id lists all of the caller's videos, unpublished ones too.
    pub owner_id: Option<String>,
    /// Published (one's own: uploaded) from then on.
    pub from: Option<String>,
    /// Published (one's own: uploaded) until then.
    pub to: Option<String>,
    /// How it is ordered.
    #[serde(default)]
    pub sort: Sort,
    /// Videos a page.
    #[schemars(range(min = 1, max = 100))]
    pub limit: Option<u32>,
    /// From the page before.
    #[schemars(length(max = 2048))]
    pub cursor: Option<String>,
}

/// A page of videos.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct VideoPage {
    /// Videos.
    pub items: Vec<VideoView>,
    /// For the next page; none on the last one.
    pub next_cursor: Option<String>,
}

/// An answer, and whether everybody may be given the same.
pub struct Shared<T> {
    /// The answer.
    pub answer: T,
    /// Whether caches may keep it for others.
    pub is_public: bool,
}

/// What an owner may change. What is left out stays as it is.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
pub struct VideoChange {
    /// Title.
    #[schemars(length(min = 1, max = 200))]
    pub title: Option<String>,
    /// Description.
    #[schemars(length(max = 5000))]
    pub description: Option<String>,
    /// Tags.
    #[schemars(length(max = 20), inner(length(min = 1, max = 30)))]
    pub tags: Option<Vec<String>>,
    /// Category; an empty text takes it away.
    #[schemars(length(max = 50))]
    pub category: Option<String>,
    /// Who may watch.
    pub visibility: Option<Visibility>,
    /// The least plan to watch with.
    pub min_plan: Option<Plan>,
    /// Whether it needs a verified age.
    pub is_adult: Option<bool>,
}

/// How a video is published.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
pub struct Publish {
    /// Later; at once when left out or past.
    pub publish_at: Option<Time>,
    /// Who may watch.
    pub visibility: Option<Visibility>,
    /// The least plan to watch with.
    pub min_plan: Option<Plan>,
    /// Whether it needs a verified age.
    pub is_adult: Option<bool>,
}

impl Validate for Publish {}

pub(crate) const TITLE: std::ops::RangeInclusive<usize> = 1..=200;
pub(crate) const DESCRIPTION_MAX: usize = 5000;
pub(crate) const CATEGORY_MAX: usize = 50;
pub(crate) const TAGS_MAX: usize = 20;
pub(crate) const TAG: std::ops::RangeInclusive<usize> = 1..=30;

pub(crate) fn check_tags(check: &mut Check, tags: &[String]) {
    check.that(tags.len() <= TAGS_MAX, "tags", "TOO_LONG");
    for (i, tag) in tags.iter().take(TAGS_MAX).enumerate() {
        check.text(&format!("tags[{i}]"), tag, TAG);
    }
}

/// Trimmed, each once whatever its case.
pub(crate) fn tidy_tags(tags: &[String]) -> Vec<String> {
    let mut seen = std::collections::BTreeSet::new();
    tags.iter().map(|t| t.trim().to_owned()).filter(|t| !t.is_empty() && seen.insert(folded(t))).collect()
}

/// Trimmed; empty is none.
pub(crate) fn tidy_category(category: &str) -> Option<String> {
    let category = category.trim();
    (!category.is_empty()).then(|| category.to_owned())
}

impl Validate for VideoChange {
    fn validate(&self, check: &mut Check) {
        check.optional_text("title", self.title.as_deref(), TITLE);
        check.optional_text("description", self.description.as_deref(), 0..=DESCRIPTION_MAX);
        check.optional_text("category", self.category.as_deref(), 0..=CATEGORY_MAX);
        check_tags(check, self.tags.as_deref().unwrap_or_default());
    }
}

impl Domain for Catalog {
    fn from_env(env: &Env) -> Result<Self, ConfigError> {
        let mut settings = env.settings();
        let catalog =
            Self { store: Store::open(env, &mut settings), signer: Signer::open(env, &mut settings) };
        settings.finish()?;
        Ok(catalog)
    }
}

/// Pages of an index that are read to fill one page of a narrowed list; after that the page is shorter than asked for.
const PAGES_MAX: usize = 5;

impl Catalog {
    /// One video.
    ///
    /// # Errors
    /// `VIDEO_NOT_FOUND`.
    pub fn get<'a>(&'a self, context: &'a Context, id: VideoId) -> BoxFuture<'a, Result<Shared<VideoView>>> {
        Box::pin(async move {
            let video = self.store.find(context, id).await?;
            let viewer = Viewer::of(context);
            if !sees(&video, &viewer) {
                return Err(VideoError::VideoNotFound.into());
            }
            let is_public = is_for_all(&video, &viewer);
            Ok(Shared { answer: VideoView::of(context, &self.signer, video).await?, is_public })
        })
    }

    /// A page of a list.
    ///
    /// # Errors
    /// `VALIDATION_FAILED`.
    pub fn list<'a>(
        &'a self,
        context: &'a Context,
        query: ListQuery,
    ) -> BoxFuture<'a, Result<Shared<VideoPage>>> {
        Box::pin(self.list_page(context, query))
    }

    async fn list_page(&self, context: &Context, query: ListQuery) -> Result<Shared<VideoPage>> {
        let wanted = Wanted::of(query, &Viewer::of(context))?;
        let mut entries: Vec<Entry> = Vec::new();
        let mut cursor = wanted.cursor.clone();
        for _ in 0..PAGES_MAX {
            let left = wanted.limit - u32::try_from(entries.len()).unwrap_or(wanted.limit);
            let page = self.store.table.query(context, wanted.query(left, cursor.as_deref())).await?;
            for item in page.items {
                entries.push(item.read()?);
            }
            cursor = page.next_cursor;
            if cursor.is_none() || entries.len() >= wanted.limit as usize {
                break;
            }
        }
        let keys = entries.iter().map(|e| video_key(e.video_id)).collect::<Vec<_>>();
        let found =
            if keys.is_empty() { Vec::new() } else { self.store.table.batch_get(context, keys).await? };
        let mut videos: Vec<Video> = found.into_iter().map(Item::read).collect::<Result<_>>()?;
        let mut items = Vec::with_capacity(videos.len());
        // In the list's order; what was hidden or deleted meanwhile is left out.
        for entry in entries {
            let Some(at) = videos.iter().position(|v| v.id == entry.video_id) else { continue };
            let video = videos.swap_remove(at);
            if wanted.is_own || video.is_listed() {
                items.push(VideoView::of(context, &self.signer, video).await?);
            }
        }
        let is_public = context.caller.is_none();
        Ok(Shared { answer: VideoPage { items, next_cursor: cursor }, is_public })
    }

    /// Changes what the owner decides.
    ///
    /// # Errors
    /// `VIDEO_NOT_FOUND`, `FORBIDDEN`.
    pub fn update<'a>(
        &'a self,
        context: &'a Context,
        id: VideoId,
        change: &'a VideoChange,
    ) -> BoxFuture<'a, Result<VideoView>> {
        Box::pin(async move {
            let viewer = Viewer::of(context);
            let now = context.now();
            let edit = |video: &mut Video| {
                owned(video, &viewer)?;
                let before = video.clone();
                if let Some(title) = &change.title {
                    title.trim().clone_into(&mut video.title);
                }
                if let Some(description) = &change.description {
                    description.trim().clone_into(&mut video.description);
                }
                if let Some(tags) = &change.tags {
                    video.tags = tidy_tags(tags);
                }
                if let Some(category) = &change.category {
                    video.category = tidy_category(category);
                }
                video.visibility = change.visibility.unwrap_or(video.visibility);
                video.min_plan = change.min_plan.unwrap_or(video.min_plan);
                video.is_adult = change.is_adult.unwrap_or(video.is_adult);
                if *video != before {
                    video.updated_at = now;
                }
                Ok(())
            };
            let video = self.store.change(context, id, &edit).await?;
            VideoView::of(context, &self.signer, video).await
        })
    }

    /// Publishes a video now or later; one that is out stays out.
    ///
    /// # Errors
    /// `VIDEO_NOT_FOUND`, `FORBIDDEN`, `VIDEO_NOT_READY`.
    pub fn publish<'a>(
        &'a self,
        context: &'a Context,
        id: VideoId,
        how: &'a Publish,
    ) -> BoxFuture<'a, Result<VideoView>> {
        Box::pin(async move {
            let viewer = Viewer::of(context);
            let now = context.now();
            let edit = |video: &mut Video| {
                owned(video, &viewer)?;
                if video.status != Status::Ready {
                    return Err(VideoError::VideoNotReady.into());
                }
                let before = video.clone();
                video.visibility = how.visibility.unwrap_or(video.visibility);
                video.min_plan = how.min_plan.unwrap_or(video.min_plan);
                video.is_adult = how.is_adult.unwrap_or(video.is_adult);
                match how.publish_at.filter(|at| *at > now) {
                    _ if video.publication == Publication::Published => {}
                    Some(at) => {
                        video.publication = Publication::Scheduled;
                        video.publish_at = Some(at);
                    }
                    None => publish_now(video, now),
                }
                if *video != before {
                    video.updated_at = now;
                }
                Ok(())
            };
            let video = self.store.change(context, id, &edit).await?;
            VideoView::of(context, &self.signer, video).await
        })
    }
}

/// The one way to get out.
pub(crate) fn publish_now(video: &mut Video, now: Time) {
    video.publication = Publication::Published;
    video.published_at = Some(now);
    video.publish_at = None;
}

/// A list query, checked.
struct Wanted {
    list: List,
    is_own: bool,
    hides_adult: bool,
    query: ListQuery,
    from: Option<Time>,
    to: Option<Time>,
    limit: u32,
    cursor: Option<String>,
}

/// RFC 3339, or a date: its first moment, or with `end` its last.
fn moment(field: &'static str, text: Option<&str>, end: bool) -> Result<Option<Time>> {
    let Some(text) = text else { return Ok(None) };
    let whole = if text.len() == 10 {
        Time::parse(&format!("{text}{}", if end { "T23:59:59.999Z" } else { "T00:00:00Z" }))
    } else {
        Time::parse(text)
    };
    whole.map(Some).ok_or_else(|| Error::field(field, "INVALID_FORMAT"))
}

impl Wanted {
    fn of(query: ListQuery, viewer: &Viewer) -> Result<Self> {
        let limit = query.limit.unwrap_or(20);
        if !(1..=100).contains(&limit) {
            return Err(Error::field("limit", "OUT_OF_RANGE"));
        }
        let owner = match query.owner_id.as_deref() {
            None => None,
            Some("me") => Some(viewer.user.ok_or(CommonError::Unauthenticated)?),
            Some(id) => Some(UserId::parse(id).ok_or_else(|| Error::field("owner_id", "INVALID_FORMAT"))?),
        };
        let (from, to) =
            (moment("from", query.from.as_deref(), false)?, moment("to", query.to.as_deref(), true)?);
        let is_own = owner.is_some() && owner == viewer.user;
        if query.sort == Sort::Popular && (is_own || from.is_some() || to.is_some()) {
            // One's own list, and a stretch of time, are ordered by time.
            return Err(Error::field("sort", "NOT_ALLOWED"));
        }
        // The list that leaves least to be narrowed.
        let list = match (owner, &query.tag, &query.category, query.kind) {
            (Some(user), ..) if is_own => List::Owner(user),
            (Some(user), ..) => List::Creator(user),
            (None, Some(tag), ..) => List::Tag(tag.clone()),
            (None, None, Some(category), _) => List::Category(category.clone()),
            (None, None, None, Some(kind)) => List::Kind(kind),
            (None, None, None, None) => List::All,
        };
        let hides_adult = !is_own && !viewer.is_adult && !viewer.moderates;
        let cursor = query.cursor.clone();
        Ok(Self { list, is_own, hides_adult, query, from, to, limit, cursor })
    }

    fn query(&self, limit: u32, cursor: Option<&str>) -> Query {
        let partition = self.list.partition();
        let mut query = match self.query.sort {
            Sort::Newest => Query::index("gsi1", "gsi1pk", partition),
            Sort::Popular => Query::index("gsi2", "gsi2pk", partition),
        }
        .descending()
        .limit(limit)
        .after(cursor);
        // `~` sorts behind every id.
        query = match (self.from, self.to) {
            (None, None) => query,
            (from, to) => query
                .sort("gsi1sk BETWEEN :from AND :to")
                .value(":from", from.map_or_else(|| "0".to_owned(), |t| t.to_string()))
                .value(":to", to.map_or_else(|| "~".to_owned(), |t| format!("{t}~"))),
        };
        // One's own row is written once, so what the owner changes later is not narrowed by.
        if self.is_own {
            return match self.query.kind {
                None => query,
                Some(kind) => query.filter("kind = :kind").value(":kind", kind),
            };
        }
        let mut filters = Vec::new();
        if let (Some(kind), false) = (self.query.kind, matches!(self.list, List::Kind(_))) {
            filters.push("kind = :kind");
            query = query.value(":kind", kind);
        }
        if let (Some(category), false) = (&self.query.category, matches!(self.list, List::Category(_))) {
            filters.push("#category = :category");
            query = query.name("#category", "category").value(":category", folded(category));
        }
        if let (Some(tag), false) = (&self.query.tag, matches!(self.list, List::Tag(_))) {
            filters.push("contains(#tags, :tag)");
            query = query.name("#tags", "tags").value(":tag", folded(tag));
        }
        if self.hides_adult {
            filters.push("is_adult = :no");
            query = query.value(":no", false);
        }
        if filters.is_empty() { query } else { query.filter(&filters.join(" AND ")) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn viewer() -> Viewer {
        Viewer { user: Some(crate::samples::owner()), plan: Plan::Free, is_adult: false, moderates: false }
    }

    #[test]
    fn the_most_selective_list_is_read() {
        let list = |query: ListQuery| Wanted::of(query, &viewer()).unwrap().list;
        assert_eq!(list(ListQuery::default()), List::All);
        let both = ListQuery {
            kind: Some(Kind::Short),
            tag: Some("cats".into()),
            category: Some("pets".into()),
            ..ListQuery::default()
        };
        assert_eq!(list(both), List::Tag("cats".into()));
        let own = ListQuery { owner_id: Some("me".into()), ..ListQuery::default() };
        assert_eq!(list(own), List::Owner(crate::samples::owner()));
        let others =
            ListQuery { owner_id: Some(crate::samples::other_user().to_string()), ..ListQuery::default() };
        assert_eq!(list(others), List::Creator(crate::samples::other_user()));
    }

    #[test]
    fn a_wrong_query_names_its_field() {
        let field = |query: ListQuery| {
            let error = Wanted::of(query, &viewer()).err().unwrap();
            error.fields(kernel::Language::En).remove(0).field
        };
        assert_eq!(field(ListQuery { limit: Some(101), ..ListQuery::default() }), "limit");
        assert_eq!(field(ListQuery { from: Some("soon".into()), ..ListQuery::default() }), "from");
        assert_eq!(field(ListQuery { owner_id: Some("x".into()), ..ListQuery::default() }), "owner_id");
        let nobody = Viewer { user: None, ..viewer() };
        let own = ListQuery { owner_id: Some("me".into()), ..ListQuery::default() };
        assert!(Wanted::of(own, &nobody).err().unwrap().is(CommonError::Unauthenticated));
    }

    #[test]
    fn a_date_covers_its_whole_day() {
        let (from, to) = (moment("from", Some("2026-11-20"), false), moment("to", Some("2026-11-20"), true));
        let day = to.unwrap().unwrap().ms() - from.unwrap().unwrap().ms();
        assert_eq!(day, 86_400_000 - 1);
    }

    #[test]
    fn tags_are_tidied() {
        let tags = [" Cats", "cats", "", "dogs "].map(str::to_owned);
        assert_eq!(tidy_tags(&tags), ["Cats", "dogs"]);
    }
}
