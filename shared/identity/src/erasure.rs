use kernel::ids::UserId;
use kernel::{BoxFuture, CommonError, Context, Error, Result};
use messaging::MailContent;
use serde::{Deserialize, Serialize};
use storage::{Delete, Item, Put, Query};

use crate::identity::Identity;
use crate::letters::mail;
use crate::user::{Profile, Secrets};
use crate::{keys, lowered};

/// Sessions taken away in one transaction.
const SESSIONS_AT_ONCE: u32 = 50;

/// What is left of an erased person: that the id was somebody's, so that what the law keeps under it (payments) stays
/// whole.
#[derive(Serialize, Deserialize)]
struct Tombstone {
    id: UserId,
    is_active: bool,
    erased_at: kernel::Time,
}

/// What another area does about one person, begun when it is awaited.
pub type Elsewhere<'a, T> = BoxFuture<'a, Result<T>>;

impl Identity {
    /// Erases a closed account: first what other areas hold, then sessions, then, in one transaction, the links to
    /// providers, the markers (address and name are free again), the secrets, the profile, and the mail that reports
    /// it. Each part done twice is done once; a message that comes again finds the tombstone.
    ///
    /// # Errors
    /// Internal when the account is open: such a message is nobody's wish and waits in the dead-letter queue.
    pub fn erase<'a>(
        &'a self,
        context: &'a Context,
        user: UserId,
        elsewhere: Vec<Elsewhere<'a, ()>>,
    ) -> BoxFuture<'a, Result<()>> {
        Box::pin(async move {
            let Some((profile, secrets)) = self.closed(context, user).await? else { return Ok(()) };
            for work in elsewhere {
                work.await?;
            }
            self.erase_sessions(context, user).await?;
            let mut transaction = self
                .table
                .transaction()
                .put(tombstone(context, user))
                .delete(Delete::key(keys::secrets(user)))
                .send(mail(&profile, MailContent::AccountErased { name: profile.display_name.clone() }));
            for marker in [keys::email(&lowered(&profile.email)), keys::username(&lowered(&profile.username))]
            {
                transaction = transaction.delete(own(marker, user));
            }
            for (provider, subject) in &secrets.links {
                transaction = transaction.delete(own(keys::oauth_link(provider, subject), user));
            }
            match transaction.commit(context).await {
                // The same message, delivered twice at a time: the other delivery was first.
                Err(e) if e.is(CommonError::Conflict) && self.closed(context, user).await?.is_none() => {
                    Ok(())
                }
                other => other,
            }
        })
    }

    /// The rows of a closed account; `None` when it was erased before or never was.
    async fn closed(&self, context: &Context, user: UserId) -> Result<Option<(Profile, Secrets)>> {
        let items =
            self.table.batch_get_consistent(context, vec![keys::profile(user), keys::secrets(user)]).await?;
        let rows = crate::identity::Rows::of(items)?;
        match rows.profile {
            None => Ok(None),
            Some(profile) if profile.is_active => Err(Error::internal("the account to erase is open")),
            Some(profile) => Ok(Some((profile, rows.secrets))),
        }
    }

    async fn erase_sessions(&self, context: &Context, user: UserId) -> Result<()> {
        loop {
            let query = Query::partition(keys::person(user))
                .sort("begins_with(sk, :session)")
                .value(":session", keys::SESSION)
                .consistent()
                .limit(SESSIONS_AT_ONCE);
            let page = self.table.query(context, query).await?;
            let found: Vec<_> = page.items.iter().filter_map(Item::key).collect();
            if found.is_empty() {
                return Ok(());
            }
            let mut transaction = self.table.transaction();
            for key in found {
                transaction = transaction.delete(Delete::key(key));
            }
            transaction.commit(context).await?;
        }
    }
}

/// Takes a marker away if it is this person's: one that was given up may be somebody else's by now.
fn own(key: storage::Key, user: UserId) -> Delete {
    Delete::key(key)
        .name("#user", "user")
        .when("attribute_not_exists(pk) OR #user = :user")
        .value(":user", user)
}

fn tombstone(context: &Context, user: UserId) -> Put {
    let row = Tombstone { id: user, is_active: false, erased_at: context.now() };
    Put::row(&keys::profile(user), row)
        // Erased once, by one message.
        .when("attribute_exists(pk) AND attribute_not_exists(erased_at) AND is_active = :no")
        .value(":no", false)
        .or(CommonError::Conflict)
}
