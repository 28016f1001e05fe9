//! Views: once per viewer and half hour, after ten seconds or a tenth.
//!
//! The count is an attribute of the video's item: about 500 views a second of one video before its item's 1,000 write
//! units a second are used up (a transaction costs two). A video near that is worth sharding: count under
//! `VIEWS#{n}`, and add up when the lists are rewritten.

use kernel::ids::VideoId;
use kernel::{BoxFuture, Check, CommonError, ConfigError, Context, Domain, Env, Result, Validate};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use social::Follows;
use storage::{Key, Put};

use crate::access::{Viewer, asks_for_follow, play};
use crate::audience::count;
use crate::error::VideoError;
use crate::listing::is_worth_relisting;
use crate::model::{Video, video_key};
use crate::store::Store;

/// Counts views.
#[derive(Clone)]
pub struct Views {
    store: Store,
    follows: Follows,
}

/// Seconds of watching that make a view …
const ENOUGH_SECONDS: f64 = 10.0;
/// … or this share of the video.
const ENOUGH_SHARE: f64 = 0.1;
/// Half an hour.
const ONCE_IN_S: i64 = 1800;

/// How far somebody has watched.
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
pub struct Watched {
    /// Where in the video.
    #[schemars(range(min = 0.0, max = 1_000_000.0))]
    pub position_seconds: f64,
    /// For how long, this time.
    #[schemars(range(min = 0.0, max = 1_000_000.0))]
    pub watched_seconds: f64,
}

impl Validate for Watched {
    fn validate(&self, check: &mut Check) {
        for (field, seconds) in
            [("position_seconds", self.position_seconds), ("watched_seconds", self.watched_seconds)]
        {
            check.that((0.0..=1_000_000.0).contains(&seconds), field, "OUT_OF_RANGE");
        }
    }
}

/// What became of it.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Counted {
    /// Whether this call counted a view.
    pub counted: bool,
    /// Views.
    pub view_count: i64,
}

impl Domain for Views {
    fn from_env(env: &Env) -> Result<Self, ConfigError> {
        let mut settings = env.settings();
        let views =
            Self { store: Store::open(env, &mut settings), follows: Follows::open(env, &mut settings) };
        settings.finish()?;
        Ok(views)
    }
}

fn is_enough(watched: &Watched, duration_seconds: Option<f64>) -> bool {
    let needed = duration_seconds.map_or(ENOUGH_SECONDS, |d| ENOUGH_SECONDS.min(d * ENOUGH_SHARE));
    watched.watched_seconds >= needed
}

/// Who watches: the account, or without one the address and the browser, as a digest.
fn viewer_mark(context: &Context) -> String {
    if let Some(caller) = &context.caller {
        return caller.user.to_string();
    }
    let mut hash = Sha256::new();
    hash.update(context.source_ip.as_deref().unwrap_or_default());
    hash.update([0]);
    hash.update(context.user_agent.as_deref().unwrap_or_default());
    hex::encode(hash.finalize().get(..16).unwrap_or_default())
}

#[derive(Serialize, Deserialize)]
struct Mark {
    expires_at: i64,
}

impl Views {
    /// Counts a view when there is one to count.
    ///
    /// # Errors
    /// `VIDEO_NOT_FOUND`, and what refuses the caller at play.
    pub fn record<'a>(
        &'a self,
        context: &'a Context,
        id: VideoId,
        watched: &'a Watched,
    ) -> BoxFuture<'a, Result<Counted>> {
        Box::pin(self.count(context, id, watched))
    }

    async fn count(&self, context: &Context, id: VideoId, watched: &Watched) -> Result<Counted> {
        let now = context.now().s();
        let mark = Key::new(format!("VIEW#{id}#{}", viewer_mark(context)), "VIEW");
        let items = self.store.table.batch_get(context, vec![video_key(id), mark.clone()]).await?;
        let (mut video, mut seen) = (None, false);
        for item in items {
            if item.text("sk") == Some("VIDEO") {
                video = Some(item.read::<Video>()?);
            } else {
                seen = item.number("expires_at").is_some_and(|until| until > now);
            }
        }
        let video = video.ok_or(VideoError::VideoNotFound)?;
        let viewer = Viewer::of(context);
        let follows = match viewer.user {
            Some(user) if asks_for_follow(&video, &viewer) => {
                self.follows.is_following(context, user, video.owner_id).await?
            }
            _ => false,
        };
        play(&video, &viewer, follows)?;
        if seen || !is_enough(watched, video.duration_seconds) {
            return Ok(Counted { counted: false, view_count: video.view_count });
        }
        let answer = Counted { counted: true, view_count: video.view_count + 1 };
        let done = self
            .store
            .table
            .transaction()
            .put(
                Put::row(&mark, Mark { expires_at: now + ONCE_IN_S })
                    // One view in half an hour; TTL may be late to take the mark away.
                    .when("attribute_not_exists(pk) OR expires_at <= :now")
                    .value(":now", now)
                    .or(CommonError::Conflict),
            )
            .update(count(id, "view_count", 1))
            .result(&answer)
            .commit(context)
            .await;
        match done {
            Ok(()) => {}
            Err(e) if e.is(CommonError::Conflict) => {
                return Ok(Counted { counted: false, view_count: video.view_count });
            }
            Err(e) => return Err(e),
        }
        if video.is_listed() && is_worth_relisting(video.listed_views, answer.view_count) {
            // The view counts whether or not this succeeds; the next one tries again.
            let listed = answer.view_count;
            let edit = move |video: &mut Video| {
                video.listed_views = video.listed_views.max(listed);
                Ok(())
            };
            let _ = self.store.change(context, id, &edit).await;
        }
        Ok(answer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_view_is_ten_seconds_or_a_tenth() {
        let enough = |watched_seconds, duration| {
            is_enough(&Watched { position_seconds: 0.0, watched_seconds }, duration)
        };
        assert!(enough(10.0, Some(3600.0)) && !enough(9.9, Some(3600.0)));
        assert!(enough(2.0, Some(20.0)) && !enough(1.9, Some(20.0)));
        assert!(enough(10.0, None) && !enough(9.0, None));
    }
}
