//! Confirming an address, and choosing a new password by mail.

use kernel::ids::UserId;
use kernel::{BoxFuture, CommonError, ConfigError, Context, Domain, Env, Error, Result, Validate};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use storage::{Delete, Put};
use uuid::Uuid;

use crate::changes::Changes;
use crate::codes::IdentityError;
use crate::identity::Identity;
use crate::letters::Letters;
use crate::user::Profile;
use crate::{keys, lockout, lowered, password, tokens};

/// How long an address can be confirmed by a mail.
pub const VERIFY_S: i64 = 24 * 3600;
/// How long a password can be reset by a mail.
pub const RESET_S: i64 = 3600;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Purpose {
    VerifyEmail,
    ResetPassword,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
struct TokenRow {
    purpose: Purpose,
    user: UserId,
    expires_at: i64,
}

/// The row of a token, which works once and until its time is over.
pub(crate) fn token_row(context: &Context, user: UserId, purpose: Purpose, token: &str) -> Put {
    let lifetime_s = match purpose {
        Purpose::VerifyEmail => VERIFY_S,
        Purpose::ResetPassword => RESET_S,
    };
    let row = TokenRow { purpose, user, expires_at: context.now().plus_s(lifetime_s).s() };
    Put::row(&keys::mail_token(token), row).unless_exists()
}

/// An address.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
pub struct EmailAddress {
    /// Address.
    #[schemars(length(min = 1, max = 254), email)]
    pub email: String,
}

impl Validate for EmailAddress {
    fn validate(&self, check: &mut kernel::Check) {
        check.email("email", &self.email);
    }
}

/// The token of a mail.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
pub struct MailToken {
    /// Bare token.
    #[schemars(length(min = 1, max = 200))]
    pub token: String,
}

impl Validate for MailToken {
    fn validate(&self, check: &mut kernel::Check) {
        check.text("token", &self.token, 1..=200);
    }
}

/// A token and the password to be.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
pub struct PasswordReset {
    /// Bare token.
    #[schemars(length(min = 1, max = 200))]
    pub token: String,
    /// New password.
    #[schemars(length(min = 10, max = 128))]
    pub new_password: String,
}

impl Validate for PasswordReset {
    fn validate(&self, check: &mut kernel::Check) {
        check.text("token", &self.token, 1..=200);
        password::check(check, "new_password", &self.new_password, &[]);
    }
}

/// The work was taken on and goes on elsewhere.
#[derive(Clone, Copy, Debug, Serialize, JsonSchema)]
pub struct Accepted {
    /// `accepted`.
    pub status: &'static str,
}

impl Accepted {
    pub(crate) const fn new() -> Self {
        Self { status: "accepted" }
    }
}

/// A confirmed address.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Confirmed {
    /// Whose.
    pub user_id: UserId,
    /// Always true.
    pub is_verified: bool,
}

/// Mails with tokens, and what becomes of the tokens.
#[derive(Clone)]
pub struct Post {
    identity: Identity,
    letters: Letters,
}

impl Domain for Post {
    fn from_env(env: &Env) -> Result<Self, ConfigError> {
        let mut settings = env.settings();
        let post =
            Self { identity: Identity::open(env, &mut settings), letters: Letters::open(&mut settings) };
        settings.finish()?;
        Ok(post)
    }
}

impl Post {
    /// Mails the caller a token for the address.
    ///
    /// # Errors
    /// `EMAIL_ALREADY_VERIFIED` when there is nothing to confirm.
    pub fn send_verification<'a>(&'a self, context: &'a Context) -> BoxFuture<'a, Result<Accepted>> {
        Box::pin(async move {
            let user = context.caller()?.user;
            let item = self.identity.table.get_consistent(context, keys::profile(user)).await?;
            let profile = crate::identity::open(item.map(storage::Item::read).transpose()?)?;
            if profile.is_verified {
                return Err(IdentityError::EmailAlreadyVerified.into());
            }
            let (token, answer) = (tokens::random(context), Accepted::new());
            self.identity
                .table
                .transaction()
                .put(token_row(context, user, Purpose::VerifyEmail, &token))
                .send(self.letters.verify_email(&profile, &token))
                .result(&answer)
                .commit(context)
                .await?;
            Ok(answer)
        })
    }

    /// Mails a token for a new password, if somebody has this address. The answer and the work are the same if
    /// nobody has: then a row is written that belongs to nobody.
    pub fn forgot<'a>(&'a self, context: &'a Context, email: &'a str) -> BoxFuture<'a, Result<Accepted>> {
        Box::pin(async move {
            let (_, profile) = self.identity.find(context, &lowered(email)).await?;
            let profile = profile.filter(|p| p.is_active);
            let (token, answer) = (tokens::random(context), Accepted::new());
            let user = profile.as_ref().map_or_else(|| Uuid::nil().into(), |p| p.id);
            let mut transaction = self
                .identity
                .table
                .transaction()
                .put(token_row(context, user, Purpose::ResetPassword, &token))
                .result(&answer);
            if let Some(profile) = &profile {
                transaction = transaction.send(self.letters.reset_password(profile, &token));
            }
            transaction.commit(context).await?;
            Ok(answer)
        })
    }
}

impl Identity {
    /// Confirms the address that a token was mailed to.
    ///
    /// # Errors
    /// `INVALID_TOKEN` when the token is unknown, used, or its time is over.
    pub fn confirm_email<'a>(
        &'a self,
        context: &'a Context,
        token: &'a str,
    ) -> BoxFuture<'a, Result<Confirmed>> {
        Box::pin(async move {
            let (row, used) = self.mail_token(context, token, Purpose::VerifyEmail).await?;
            let (now, answer) = (context.now(), Confirmed { user_id: row.user, is_verified: true });
            let update = Changes::new()
                .set("is_verified", true)
                .set_once("email_verified_at", now)
                .set("updated_at", now)
                .of(keys::profile(row.user));
            self.table
                .transaction()
                .delete(used)
                .update(active(update))
                .result(&answer)
                .commit(context)
                .await?;
            Ok(answer)
        })
    }

    /// Sets a new password by the token of a mail, and ends every session. Whoever has the mail has the address too:
    /// it counts as confirmed.
    ///
    /// # Errors
    /// `INVALID_TOKEN` when the token is unknown, used, or its time is over.
    pub fn reset_password<'a>(
        &'a self,
        context: &'a Context,
        reset: &'a PasswordReset,
    ) -> BoxFuture<'a, Result<()>> {
        Box::pin(async move {
            let (row, used) = self.mail_token(context, &reset.token, Purpose::ResetPassword).await?;
            let item = self.table.get_consistent(context, keys::profile(row.user)).await?;
            let profile: Option<Profile> = item.map(storage::Item::read).transpose()?;
            let profile = profile.filter(|p| p.is_active).ok_or(IdentityError::InvalidToken)?;
            let hash = password::hash(context, &reset.new_password).await?;
            let now = context.now();
            let update = Changes::new()
                .add("session_epoch", 1)
                .set("is_verified", true)
                .set_once("email_verified_at", now)
                .set("updated_at", now)
                .of(keys::profile(row.user));
            self.table
                .transaction()
                .delete(used)
                .update(active(update))
                .update(Changes::new().set("password_hash", hash).of(keys::secrets(row.user)).if_exists())
                .delete(Delete::key(keys::lockout(&lowered(&profile.email))))
                .result(&())
                .commit(context)
                .await
        })
    }

    async fn mail_token(
        &self,
        context: &Context,
        token: &str,
        purpose: Purpose,
    ) -> Result<(TokenRow, Delete)> {
        let refuse = || Error::from(IdentityError::InvalidToken);
        let key = keys::mail_token(token.trim());
        let item = self.table.get_consistent(context, key.clone()).await?.ok_or_else(refuse)?;
        let row: TokenRow = item.read()?;
        if row.purpose != purpose || row.expires_at <= context.now().s() {
            return Err(refuse());
        }
        // The token works once: the transaction that uses it takes it away.
        Ok((row, Delete::key(key).if_exists().or(IdentityError::InvalidToken)))
    }

    /// The account of an address, with where it stands in its window. As many calls for an unknown address as for a
    /// known one.
    pub(crate) async fn find(
        &self,
        context: &Context,
        lowered_email: &str,
    ) -> Result<(lockout::Lockout, Option<Profile>)> {
        let (lockout, account) = self.find_account(context, lowered_email).await?;
        Ok((lockout, account.map(|a| a.profile)))
    }
}

/// Only while the account is not closed.
fn active(update: storage::Update) -> storage::Update {
    update.when("is_active = :yes").value(":yes", true).or(CommonError::Conflict)
}
