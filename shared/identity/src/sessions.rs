//! Sessions: one per sign-in, until its refresh token is used no more for its lifetime or somebody ends it.

use kernel::ids::{SessionId, UserId};
use kernel::{BoxFuture, Context, Error, Result, Time};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use storage::{Delete, Query};

use crate::codes::IdentityError;
use crate::identity::Identity;
use crate::keys;
use crate::tokens::RefreshToken;
use crate::user::Profile;

/// A stored session.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct SessionRow {
    pub(crate) session: SessionId,
    pub(crate) user: UserId,
    /// Of the part that the session's refresh tokens share.
    pub(crate) family_hash: String,
    /// Of the part that only the newest refresh token has.
    pub(crate) secret_hash: String,
    /// The person's epoch when the session began or was last kept.
    pub(crate) epoch: i64,
    pub(crate) created_at: Time,
    pub(crate) last_used_at: Time,
    pub(crate) user_agent: Option<String>,
    pub(crate) ip: Option<String>,
    pub(crate) expires_at: i64,
}

/// Longest `User-Agent` kept.
const USER_AGENT_MAX: usize = 300;

impl SessionRow {
    pub(crate) fn new(context: &Context, profile: &Profile, token: &RefreshToken, lifetime_s: i64) -> Self {
        let now = context.now();
        Self {
            session: token.session,
            user: profile.id,
            family_hash: token.family_hash(),
            secret_hash: token.secret_hash(),
            epoch: profile.session_epoch,
            created_at: now,
            last_used_at: now,
            user_agent: context.user_agent.as_deref().map(|a| a.chars().take(USER_AGENT_MAX).collect()),
            ip: context.source_ip.as_deref().map(str::to_owned),
            expires_at: now.plus_s(lifetime_s).s(),
        }
    }

    /// Whether it goes on: its time is not over (TTL deletes late) and nobody ended all sessions since.
    pub(crate) fn is_alive(&self, profile: &Profile, now: Time) -> bool {
        self.epoch == profile.session_epoch && self.expires_at > now.s()
    }
}

/// A session, as its owner sees it.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Session {
    /// Id.
    pub id: SessionId,
    /// Whether this call belongs to it.
    pub current: bool,
    /// When the person signed in.
    pub created_at: Time,
    /// When its tokens were last renewed.
    pub last_used_at: Time,
    /// When it ends if nobody uses it.
    pub expires_at: Time,
    /// The browser or app.
    pub user_agent: Option<String>,
    /// The address it was opened from.
    pub ip: Option<String>,
}

/// The caller's sessions.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct SessionList {
    /// Newest first.
    pub items: Vec<Session>,
    /// For the next page.
    pub next_cursor: Option<String>,
}

impl Identity {
    /// The caller's sessions that go on, newest first.
    pub fn sessions<'a>(
        &'a self,
        context: &'a Context,
        limit: u32,
        cursor: Option<&'a str>,
    ) -> BoxFuture<'a, Result<SessionList>> {
        Box::pin(async move {
            let caller = context.caller()?;
            let query = Query::partition(keys::person(caller.user))
                .sort("begins_with(sk, :session)")
                .value(":session", keys::SESSION)
                .descending()
                .consistent()
                .limit(limit)
                .after(cursor);
            let (profile, page) = futures::try_join!(
                self.table.get_consistent(context, keys::profile(caller.user)),
                self.table.query(context, query),
            )?;
            let profile: Profile = crate::identity::open(profile.map(storage::Item::read).transpose()?)?;
            let mut items = Vec::with_capacity(page.items.len());
            for item in page.items {
                let row: SessionRow = item.read()?;
                if row.is_alive(&profile, context.now()) {
                    items.push(Session {
                        id: row.session,
                        current: caller.session == Some(row.session),
                        created_at: row.created_at,
                        last_used_at: row.last_used_at,
                        expires_at: Time::from_ms(row.expires_at.saturating_mul(1000)),
                        user_agent: row.user_agent,
                        ip: row.ip,
                    });
                }
            }
            Ok(SessionList { items, next_cursor: page.next_cursor })
        })
    }

    /// Ends one of the caller's sessions.
    ///
    /// # Errors
    /// `SESSION_NOT_FOUND` when the caller has no such session.
    pub fn end_session<'a>(&'a self, context: &'a Context, session: SessionId) -> BoxFuture<'a, Result<()>> {
        Box::pin(async move {
            let user = context.caller()?.user;
            let delete = Delete::key(keys::session(user, session))
                // Somebody else's session, or one that has ended, is not there.
                .if_exists()
                .or(Error::from(IdentityError::SessionNotFound));
            self.table.delete(context, delete).await.map(drop)
        })
    }

    /// Ends the session of this call. Doing it twice is the same as once.
    pub fn logout<'a>(&'a self, context: &'a Context) -> BoxFuture<'a, Result<()>> {
        Box::pin(async move {
            let caller = context.caller()?;
            let Some(session) = caller.session else { return Ok(()) };
            self.table.delete(context, Delete::key(keys::session(caller.user, session))).await.map(drop)
        })
    }
}
