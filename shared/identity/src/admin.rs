//! What administrators do: find people, set their roles.

use std::collections::HashMap;

use kernel::ids::UserId;
use kernel::{BoxFuture, Context, Error, Result, Validate};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use storage::Query;

use crate::changes::Changes;
use crate::codes::IdentityError;
use crate::identity::Identity;
use crate::user::{AdminUser, Profile};
use crate::{INDEX_NAMES, INDEX_USERS, is_role, keys, lowered};

/// Most roles a person has.
pub const ROLES_MAX: usize = 50;

/// People.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct UserList {
    /// Newest first; by address and name when searched for.
    pub items: Vec<AdminUser>,
    /// For the next page.
    pub next_cursor: Option<String>,
}

/// Which people.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
pub struct UserSearch {
    /// Page.
    #[serde(flatten)]
    pub page: platform::http::Page,
    /// Beginning of the address or the name.
    #[serde(default)]
    #[schemars(length(max = 254))]
    pub search: Option<String>,
}

/// Longest text to search for, in bytes.
const SEARCH_MAX: usize = 254;

/// The roles a person is to have.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
pub struct Roles {
    /// `guest user creator premium moderator admin adult-verified`, `exhibition:{code}:{owner|manager|gate}`,
    /// `tenant:{id}:{owner|admin|staff}`.
    #[schemars(length(max = 50), inner(length(min = 1, max = 160)), example = ["user", "creator"])]
    pub roles: Vec<String>,
}

impl Validate for Roles {
    fn validate(&self, check: &mut kernel::Check) {
        check.that(self.roles.len() <= ROLES_MAX, "roles", "TOO_LONG");
        for (i, role) in self.roles.iter().enumerate().take(ROLES_MAX) {
            check.that(is_role(role), &format!("roles[{i}]"), "UNKNOWN_VALUE");
        }
    }
}

impl Identity {
    /// People, newest first; with `search`, those whose address or name begins so.
    ///
    /// # Errors
    /// `UNAUTHENTICATED` when the caller's session has ended.
    pub fn list<'a>(
        &'a self,
        context: &'a Context,
        asked: &'a UserSearch,
    ) -> BoxFuture<'a, Result<UserList>> {
        Box::pin(async move {
            let (limit, cursor) = (asked.page.checked()?, asked.page.cursor.as_deref());
            let search = asked.search.as_deref().map(lowered).filter(|s| !s.is_empty());
            if search.as_ref().is_some_and(|s| s.len() > SEARCH_MAX) {
                return Err(Error::field("search", "TOO_LONG"));
            }
            self.session_alive(context).await?;
            if let Some(prefix) = search {
                return self.search(context, &prefix, limit, cursor).await;
            }
            let query = Query::index("gsi1", "gsi1pk", INDEX_USERS).descending().limit(limit).after(cursor);
            let page = self.table.query(context, query).await?;
            let mut items = Vec::with_capacity(page.items.len());
            for item in page.items {
                items.push(item.read::<Profile>()?.into());
            }
            Ok(UserList { items, next_cursor: page.next_cursor })
        })
    }

    async fn search(
        &self,
        context: &Context,
        prefix: &str,
        limit: u32,
        cursor: Option<&str>,
    ) -> Result<UserList> {
        let query = Query::index("gsi1", "gsi1pk", INDEX_NAMES)
            .sort("begins_with(gsi1sk, :prefix)")
            .value(":prefix", prefix)
            .limit(limit)
            .after(cursor);
        let page = self.table.query(context, query).await?;
        let hits: Vec<(UserId, bool)> = page
            .items
            .iter()
            .filter_map(|i| Some((UserId::parse(i.text("user")?)?, i.text("sk")? == "EMAIL")))
            .collect();
        let mut users: Vec<UserId> = hits.iter().map(|(u, _)| *u).collect();
        users.sort_unstable();
        users.dedup();
        let mut profiles = HashMap::new();
        if !users.is_empty() {
            let wanted = users.into_iter().map(keys::profile).collect();
            for item in self.table.batch_get(context, wanted).await? {
                let profile: Profile = item.read()?;
                profiles.insert(profile.id, profile);
            }
        }
        let found = hits.into_iter().filter_map(|(user, by_email)| {
            let profile = profiles.get(&user)?;
            // Who is found by name and by address is told once, by name, on whatever page that is.
            (!(by_email && lowered(&profile.username).starts_with(prefix))).then(|| profile.clone().into())
        });
        Ok(UserList { items: found.collect(), next_cursor: page.next_cursor })
    }

    /// Gives a person exactly these roles; tokens out there keep the old ones until their time is over.
    ///
    /// # Errors
    /// `USER_NOT_FOUND`; `UNAUTHENTICATED` when the caller's session has ended.
    pub fn set_roles<'a>(
        &'a self,
        context: &'a Context,
        user: UserId,
        roles: &'a Roles,
    ) -> BoxFuture<'a, Result<AdminUser>> {
        Box::pin(async move {
            self.session_alive(context).await?;
            let mut wanted: Vec<&str> = Vec::with_capacity(roles.roles.len());
            for role in &roles.roles {
                if !wanted.contains(&role.as_str()) {
                    wanted.push(role);
                }
            }
            let update = Changes::new()
                .set("roles", wanted)
                .set("roles_set_by", context.caller()?.user)
                .set("updated_at", context.now())
                .of(keys::profile(user))
                // Nobody, and nobody any more, has no roles.
                .when("attribute_exists(pk) AND attribute_not_exists(erased_at)")
                .or(IdentityError::UserNotFound);
            self.table.update(context, update).await?.read::<Profile>().map(AdminUser::from)
        })
    }
}
