//! Who follows whom.
//!
//! # Table `social`
//!
//! | item | key | indexes |
//! |---|---|---|
//! | a follow | `FOLLOW#{creator}` / `FOLLOWER#{user}` | `gsi1`: `FOLLOWING#{user}` / time and creator; `gsi2`: `FOLLOWERS#{creator}` / time and user |
//! | a person's counts | `PERSON#{user}` / `COUNTS` | |
//! | outbox | `OUTBOX#{id}` / `OUTBOX` | |
//!
//! | call | what it costs |
//! |---|---|
//! | [`Follows::is_following`] | one `GetItem`, half a read unit |
//! | [`Follows::follow`] | one transaction: the follow, two counts, the notice; 8 write units and those of the indexes |
//! | [`Follows::unfollow`] | one transaction: the follow, two counts |
//!
//! Both are idempotent by the follow's own item: a call that is repeated after a death finds it as it wants it.

use kernel::ids::UserId;
use kernel::{BoxFuture, CommonError, ConfigError, Context, Domain, Env, Result, Settings, Time, codes};
use messaging::{Notice, NoticeKind, queues};
use serde::{Deserialize, Serialize};
use storage::{Delete, Key, Put, Send, Table, Update};

/// Indexes of the table `social`.
pub const INDEXES: &[&str] = &["gsi1", "gsi2"];

codes! {
    /// Causes of refusal of this area.
    pub enum SocialError {
        /// Nobody follows themselves.
        SelfFollow = 400 "SELF_FOLLOW" {
            ja: "自分自身をフォローすることはできません。", en: "You cannot follow yourself.",
            ko: "자기 자신을 팔로우할 수 없습니다.", zh: "不能关注自己。", vi: "Bạn không thể theo dõi chính mình.",
        }
    }
}

/// Follows.
#[derive(Clone)]
pub struct Follows {
    table: Table,
}

#[derive(Serialize, Deserialize)]
struct Follow {
    creator_id: UserId,
    follower_id: UserId,
    created_at: Time,
}

impl Domain for Follows {
    fn from_env(env: &Env) -> Result<Self, ConfigError> {
        let mut settings = env.settings();
        let follows = Self::open(env, &mut settings);
        settings.finish()?;
        Ok(follows)
    }
}

fn follow_key(creator: UserId, follower: UserId) -> Key {
    Key::new(format!("FOLLOW#{creator}"), format!("FOLLOWER#{follower}"))
}

fn count(user: UserId, counter: &'static str, step: i32) -> Update {
    Update::key(Key::new(format!("PERSON#{user}"), "COUNTS"), "ADD #counter :step")
        .name("#counter", counter)
        .value(":step", step)
}

impl Follows {
    /// For domains that ask who follows whom. Reads `SOCIAL_TABLE`.
    #[must_use]
    pub fn open(env: &Env, settings: &mut Settings<'_>) -> Self {
        Self { table: Table::open(env, settings, "social") }
    }

    /// Whether the follower follows the creator.
    pub fn is_following<'a>(
        &'a self,
        context: &'a Context,
        follower: UserId,
        creator: UserId,
    ) -> BoxFuture<'a, Result<bool>> {
        Box::pin(async move { Ok(self.table.get(context, follow_key(creator, follower)).await?.is_some()) })
    }

    /// The follower follows the creator from now on; again is fine.
    ///
    /// # Errors
    /// `SELF_FOLLOW`.
    pub fn follow<'a>(
        &'a self,
        context: &'a Context,
        follower: UserId,
        creator: UserId,
    ) -> BoxFuture<'a, Result<()>> {
        Box::pin(async move {
            if follower == creator {
                return Err(SocialError::SelfFollow.into());
            }
            let now = context.now();
            let row = Follow { creator_id: creator, follower_id: follower, created_at: now };
            let notice = Notice {
                user: creator,
                kind: NoticeKind::NewFollower,
                actor: Some(follower),
                data: serde_json::Map::new(),
            };
            let done = self
                .table
                .transaction()
                .put(
                    Put::row(&follow_key(creator, follower), row)
                        .attribute("gsi1pk", format!("FOLLOWING#{follower}"))
                        .attribute("gsi1sk", format!("{now}#{creator}"))
                        .attribute("gsi2pk", format!("FOLLOWERS#{creator}"))
                        .attribute("gsi2sk", format!("{now}#{follower}"))
                        // A follow counts once.
                        .unless_exists()
                        .or(CommonError::Conflict),
                )
                .update(count(creator, "follower_count", 1))
                .update(count(follower, "following_count", 1))
                .send(Send::to(queues::NOTIFICATIONS, &notice))
                .commit(context)
                .await;
            already(done)
        })
    }

    /// The follower no longer follows the creator; again is fine.
    pub fn unfollow<'a>(
        &'a self,
        context: &'a Context,
        follower: UserId,
        creator: UserId,
    ) -> BoxFuture<'a, Result<()>> {
        Box::pin(async move {
            let done = self
                .table
                .transaction()
                // A follow is taken back once.
                .delete(Delete::key(follow_key(creator, follower)).if_exists().or(CommonError::Conflict))
                .update(count(creator, "follower_count", -1))
                .update(count(follower, "following_count", -1))
                .commit(context)
                .await;
            already(done)
        })
    }
}

/// The follow is as the caller wants it, whoever made it so.
fn already(done: Result<()>) -> Result<()> {
    match done {
        Err(e) if e.is(CommonError::Conflict) => Ok(()),
        other => other,
    }
}
