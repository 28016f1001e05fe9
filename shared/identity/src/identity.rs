use std::collections::HashMap;

use kernel::ids::UserId;
use kernel::{BoxFuture, CommonError, ConfigError, Context, Domain, Env, Error, Result, Settings};
use storage::{Item, Key, Table};

use crate::codes::IdentityError;
use crate::keys;
use crate::sessions::SessionRow;
use crate::user::{Account, Me, Person, Profile, PublicUser, Secrets};

/// People and their sessions: what needs no key and no outside service. Other areas ask it who somebody is.
#[derive(Clone)]
pub struct Identity {
    pub(crate) table: Table,
}

impl Domain for Identity {
    fn from_env(env: &Env) -> Result<Self, ConfigError> {
        let mut settings = env.settings();
        let identity = Self::open(env, &mut settings);
        settings.finish()?;
        Ok(identity)
    }
}

impl Identity {
    /// Reads `IDENTITY_TABLE`.
    #[must_use]
    pub fn open(env: &Env, settings: &mut Settings<'_>) -> Self {
        Self { table: Table::open(env, settings, "identity") }
    }

    /// Who somebody is; `None` for one who never was or was erased. One `GetItem`, half a unit.
    pub fn person<'a>(&'a self, context: &'a Context, user: UserId) -> BoxFuture<'a, Result<Option<Person>>> {
        Box::pin(async move { Ok(self.profile(context, user).await?.map(Person::from)) })
    }

    /// Who up to 100 people are; erased and unknown ones are missing. One `BatchGetItem`, half a unit each.
    pub fn people<'a>(
        &'a self,
        context: &'a Context,
        users: &'a [UserId],
    ) -> BoxFuture<'a, Result<HashMap<UserId, Person>>> {
        Box::pin(async move {
            let mut users = users.to_vec();
            users.sort_unstable();
            users.dedup();
            let mut found = HashMap::with_capacity(users.len());
            for hundred in users.chunks(100) {
                let keys = hundred.iter().map(|u| keys::profile(*u)).collect();
                for item in self.table.batch_get(context, keys).await? {
                    if let Some(profile) = there(Some(item))? {
                        found.insert(profile.id, profile.into());
                    }
                }
            }
            Ok(found)
        })
    }

    /// Anyone's public profile.
    ///
    /// # Errors
    /// `USER_NOT_FOUND` when there is none or the account is closed.
    pub fn public<'a>(&'a self, context: &'a Context, user: UserId) -> BoxFuture<'a, Result<PublicUser>> {
        Box::pin(async move {
            let profile = self.profile(context, user).await?.filter(|p| p.is_active);
            profile.map(PublicUser::from).ok_or_else(|| IdentityError::UserNotFound.into())
        })
    }

    /// The caller. Consistent: what was changed a moment ago is seen.
    ///
    /// # Errors
    /// `UNAUTHENTICATED` when the account is closed.
    pub fn me<'a>(&'a self, context: &'a Context) -> BoxFuture<'a, Result<Me>> {
        Box::pin(async move {
            let user = context.caller()?.user;
            let item = self.table.get_consistent(context, keys::profile(user)).await?;
            Ok(open(there(item)?)?.into())
        })
    }

    /// That the caller's session has not been ended, for what must not wait until the access token's time is over:
    /// password, second factor, erasure, administration. Tokens without a session belong to other parts of the
    /// product and pass. One `BatchGetItem`, two units.
    ///
    /// # Errors
    /// `UNAUTHENTICATED` when the session or the account has ended.
    pub fn session_alive<'a>(&'a self, context: &'a Context) -> BoxFuture<'a, Result<()>> {
        Box::pin(async move {
            let caller = context.caller()?;
            let Some(session) = caller.session else { return Ok(()) };
            let keys = vec![keys::profile(caller.user), keys::session(caller.user, session)];
            let rows = Rows::of(self.table.batch_get_consistent(context, keys).await?)?;
            rows.alive(context).map(drop)
        })
    }

    /// The caller's account and, when the token belongs to one, the session, which must be alive.
    pub(crate) async fn caller(&self, context: &Context) -> Result<(Account, Option<SessionRow>)> {
        let caller = context.caller()?;
        let mut keys = vec![keys::profile(caller.user), keys::secrets(caller.user)];
        keys.extend(caller.session.map(|s| keys::session(caller.user, s)));
        let rows = Rows::of(self.table.batch_get_consistent(context, keys).await?)?;
        let session = match caller.session {
            Some(_) => Some(rows.alive(context)?.clone()),
            None => None,
        };
        let profile = open(rows.profile)?;
        Ok((Account { profile, secrets: rows.secrets }, session))
    }

    async fn profile(&self, context: &Context, user: UserId) -> Result<Option<Profile>> {
        there(self.table.get(context, keys::profile(user)).await?)
    }
}

/// The rows of one person that a batch found.
pub(crate) struct Rows {
    pub(crate) profile: Option<Profile>,
    pub(crate) secrets: Secrets,
    pub(crate) session: Option<SessionRow>,
}

impl Rows {
    pub(crate) fn of(items: Vec<Item>) -> Result<Self> {
        let mut rows = Self { profile: None, secrets: Secrets::default(), session: None };
        for item in items {
            match item.text("sk") {
                Some(keys::PROFILE) => rows.profile = there(Some(item))?,
                Some(keys::SECRETS) => rows.secrets = item.read()?,
                Some(sk) if sk.starts_with(keys::SESSION) => rows.session = Some(item.read()?),
                _ => {}
            }
        }
        Ok(rows)
    }

    /// The session, if it and the account go on.
    pub(crate) fn alive(&self, context: &Context) -> Result<&SessionRow> {
        let open = self.profile.as_ref().filter(|p| p.is_active);
        self.session
            .as_ref()
            .filter(|s| open.is_some_and(|p| s.is_alive(p, context.now())))
            .ok_or_else(|| CommonError::Unauthenticated.into())
    }
}

/// The row of a person who was not erased.
fn there(item: Option<Item>) -> Result<Option<Profile>> {
    match item {
        // What is left of an erased person is a mark, not a profile.
        Some(item) if item.text("erased_at").is_some() => Ok(None),
        Some(item) => item.read().map(Some),
        None => Ok(None),
    }
}

/// The profile of an account that is not closed.
pub(crate) fn open(profile: Option<Profile>) -> Result<Profile> {
    profile.filter(|p| p.is_active).ok_or_else(|| Error::from(CommonError::Unauthenticated))
}

/// Where the item of this key is in a batch's answer.
pub(crate) fn take(items: &mut Vec<Item>, key: &Key) -> Option<Item> {
    let at = items.iter().position(|i| i.key().as_ref() == Some(key))?;
    Some(items.swap_remove(at))
}
