//! Ten failures in fifteen minutes, per account, over everything that guesses at it: password at login, at a change
//! and at erasure, and the second factor's codes.
//!
//! The count is of failures that were answered. A guess reads the count first; a wrong one must count itself, which
//! fails when others have filled the window meanwhile; a right one clears the count in its own transaction, under the
//! same condition. So guesses made at the same moment get no more answers than guesses made one after another, and a
//! person's own parallel logins do not shut each other out.

use kernel::{Context, Error, Result};
use serde::{Deserialize, Serialize};
use storage::{Delete, Item, Table};

use crate::changes::Changes;
use crate::codes::IdentityError;
use crate::keys;

/// Failures in a window.
pub const FAILURES_MAX: i64 = 10;
/// The window begins with the first failure.
pub const WINDOW_S: i64 = 15 * 60;

#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(crate) struct Row {
    pub(crate) failures: i64,
    pub(crate) expires_at: i64,
}

/// Where an account stands.
#[derive(Clone, Debug)]
pub(crate) struct Lockout {
    email: String,
    row: Option<Row>,
}

impl Lockout {
    /// From what was read under [`keys::lockout`]; a window that is over counts no more.
    pub(crate) fn of(context: &Context, lowered_email: &str, item: Option<Item>) -> Result<Self> {
        let row = item.map(Item::read::<Row>).transpose()?.filter(|r| r.expires_at > context.now().s());
        Ok(Self { email: lowered_email.to_owned(), row })
    }

    pub(crate) async fn read(table: &Table, context: &Context, lowered_email: &str) -> Result<Self> {
        Self::of(context, lowered_email, table.get_consistent(context, keys::lockout(lowered_email)).await?)
    }

    /// Whether another guess may be looked at.
    pub(crate) fn admit(&self, context: &Context) -> Result<()> {
        match self.row {
            Some(row) if row.failures >= FAILURES_MAX => Err(shut(context, row.expires_at)),
            _ => Ok(()),
        }
    }

    /// Counts a failure and answers `wrong`, or that the account is shut.
    pub(crate) async fn failed(&self, table: &Table, context: &Context, wrong: IdentityError) -> Error {
        match self.count(table, context).await {
            Ok(()) => wrong.into(),
            Err(error) => error,
        }
    }

    async fn count(&self, table: &Table, context: &Context) -> Result<()> {
        let (now, key) = (context.now(), keys::lockout(&self.email));
        if self.row.is_none() {
            // An update: two puts of the same second would be the same item, and count as one.
            let first = Changes::new()
                .set("failures", 1)
                .set("expires_at", now.plus_s(WINDOW_S).s())
                .of(key.clone())
                // The first failure opens a window unless one is open.
                .when("attribute_not_exists(pk) OR expires_at <= :now")
                .value(":now", now.s())
                .or(IdentityError::TooManyAttempts);
            match table.update(context, first).await {
                // Another failure opened it a moment ago: this one counts in it.
                Err(e) if e.is(IdentityError::TooManyAttempts) => {}
                other => return other.map(drop),
            }
        }
        let until = self.row.map_or_else(|| now.plus_s(WINDOW_S).s(), |r| r.expires_at);
        let update = Changes::new()
            .add("failures", 1)
            .set_once("expires_at", until)
            .of(key)
            // The window takes ten.
            .when("attribute_not_exists(failures) OR failures < :max")
            .value(":max", FAILURES_MAX)
            .or(shut(context, until));
        table.update(context, update).await.map(drop)
    }

    /// Clears the count, in the transaction of a success.
    pub(crate) fn clear(&self, context: &Context) -> Delete {
        let now = context.now();
        Delete::key(keys::lockout(&self.email))
            // A success counts only while the account is not shut.
            .when("attribute_not_exists(pk) OR failures < :max OR expires_at <= :now")
            .value(":max", FAILURES_MAX)
            .value(":now", now.s())
            .or(shut(context, self.row.map_or_else(|| now.plus_s(WINDOW_S).s(), |r| r.expires_at)))
    }
}

fn shut(context: &Context, until_s: i64) -> Error {
    let left = u64::try_from(until_s - context.now().s()).unwrap_or(0).max(1);
    Error::from(IdentityError::TooManyAttempts).retry_after(left)
}
