//! What people change of their own account: profile, password, and its end.

use kernel::ids::UserId;
use kernel::{BoxFuture, CommonError, Context, Error, Language, Result, Validate};
use messaging::{ErasureRequest, ExportRequest, queues};
use schemars::JsonSchema;
use serde::{Deserialize, Deserializer};
use storage::{Check, Delete, Send};

use crate::changes::Changes;
use crate::codes::IdentityError;
use crate::email::Accepted;
use crate::identity::Identity;
use crate::lockout::Lockout;
use crate::password::{self, Verdict};
use crate::register::{DISPLAY_NAME_MAX, check_username, marker};
use crate::sessions::SessionRow;
use crate::user::{Account, Currency, Me, Profile};
use crate::{is_phone_number, is_web_address, keys, lowered};

/// How long a sign-in counts as fresh, for accounts that have no password to ask for.
pub const FRESH_S: i64 = 300;
/// Most characters of a bio.
pub const BIO_MAX: usize = 1000;
const URL_MAX: usize = 2048;

/// What to change; members that are not sent stay, `null` clears.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
pub struct ProfileChange {
    /// Letters, digits, `_`, `-` and `.`; unique without regard to case.
    #[serde(default)]
    #[schemars(length(min = 3, max = 50), regex(pattern = r"^[A-Za-z0-9_.-]+$"))]
    pub username: Option<String>,
    /// Name to show.
    #[serde(default)]
    #[schemars(length(min = 1, max = 100))]
    pub display_name: Option<String>,
    /// Address of a picture.
    #[serde(default)]
    #[schemars(length(max = 2048), url)]
    pub avatar_url: Edit,
    /// Words about oneself.
    #[serde(default)]
    #[schemars(length(max = 1000))]
    pub bio: Edit,
    /// Language of mails and notices.
    #[serde(default)]
    pub language: Option<Language>,
    /// Currency for prices.
    #[serde(default)]
    pub preferred_currency: Option<Currency>,
    /// Telephone number in E.164 form, for codes; it changes only while the second factor is off.
    #[serde(default)]
    #[schemars(length(max = 16), regex(pattern = r"^\+[1-9][0-9]{6,14}$"))]
    pub phone_number: Edit,
}

/// What becomes of a text that a person may have or not.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Edit {
    /// Not sent: it stays.
    #[default]
    Keep,
    /// `null`, or nothing but white space: it goes.
    Clear,
    /// The new text.
    Set(String),
}

impl<'de> Deserialize<'de> for Edit {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = Option::<String>::deserialize(deserializer)?;
        let text = text.as_deref().map(str::trim).filter(|t| !t.is_empty());
        Ok(text.map_or(Self::Clear, |t| Self::Set(t.to_owned())))
    }
}

impl JsonSchema for Edit {
    fn inline_schema() -> bool {
        true
    }
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Edit".into()
    }
    fn json_schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
        Option::<String>::json_schema(generator)
    }
}

impl Edit {
    fn text(&self) -> Option<&str> {
        match self {
            Self::Set(text) => Some(text),
            Self::Keep | Self::Clear => None,
        }
    }

    fn apply(&self, to: &mut Option<String>) {
        match self {
            Self::Keep => {}
            Self::Clear => *to = None,
            Self::Set(text) => *to = Some(text.clone()),
        }
    }
}

impl Validate for ProfileChange {
    fn validate(&self, check: &mut kernel::Check) {
        if let Some(username) = &self.username {
            check_username(check, username);
        }
        check.optional_text("display_name", self.display_name.as_deref(), 1..=DISPLAY_NAME_MAX);
        check.optional_text("bio", self.bio.text(), 1..=BIO_MAX);
        if let Some(url) = self.avatar_url.text() {
            check.that(url.len() <= URL_MAX, "avatar_url", "TOO_LONG");
            check.that(is_web_address(url), "avatar_url", "INVALID_FORMAT");
        }
        if let Some(number) = self.phone_number.text() {
            check.that(is_phone_number(number), "phone_number", "INVALID_FORMAT");
        }
    }
}

/// The password now and the one to be.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
pub struct PasswordChange {
    /// The password now; not needed by an account that has none and signed in a moment ago.
    #[serde(default)]
    #[schemars(length(max = 256))]
    pub current_password: Option<String>,
    /// New password.
    #[schemars(length(min = 10, max = 128))]
    pub new_password: String,
}

impl Validate for PasswordChange {
    fn validate(&self, check: &mut kernel::Check) {
        let long = self.current_password.as_ref().is_some_and(|p| p.chars().count() > 256);
        check.that(!long, "current_password", "TOO_LONG");
        password::check(check, "new_password", &self.new_password, &[]);
    }
}

/// The caller's password.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
pub struct OwnPassword {
    /// Password; not needed by an account that has none and signed in a moment ago.
    #[serde(default)]
    #[schemars(length(max = 256))]
    pub password: Option<String>,
}

impl Validate for OwnPassword {
    fn validate(&self, check: &mut kernel::Check) {
        let long = self.password.as_ref().is_some_and(|p| p.chars().count() > 256);
        check.that(!long, "password", "TOO_LONG");
    }
}

impl Identity {
    /// Changes the caller's profile.
    ///
    /// # Errors
    /// `USERNAME_TAKEN`; `MFA_PROTECTS_NUMBER` when the number gets codes.
    pub fn change_profile<'a>(
        &'a self,
        context: &'a Context,
        change: &'a ProfileChange,
    ) -> BoxFuture<'a, Result<Me>> {
        Box::pin(async move {
            let user = context.caller()?.user;
            let item = self.table.get_consistent(context, keys::profile(user)).await?;
            let before = crate::identity::open(item.map(storage::Item::read).transpose()?)?;
            let after = changed(context, &before, change)?;
            let update = Changes::new()
                .set("username", &after.username)
                .set("display_name", &after.display_name)
                .put("avatar_url", after.avatar_url.as_ref())
                .put("bio", after.bio.as_ref())
                .set("language", after.language)
                .set("preferred_currency", after.preferred_currency)
                .put("phone_number", after.phone_number.as_ref())
                .put("profile_completed_at", after.profile_completed_at)
                .set("updated_at", after.updated_at)
                .of(keys::profile(user))
                // Nothing else changed the profile since it was read, or one of two changes would be lost.
                .when("is_active = :yes AND updated_at = :read")
                .value(":yes", true)
                .value(":read", before.updated_at)
                .or(CommonError::Conflict);
            let mut transaction = self.table.transaction().update(update);
            let (old, new) = (lowered(&before.username), lowered(&after.username));
            if old != new {
                transaction = transaction
                    .put(marker(&keys::username(&new), user, &new, IdentityError::UsernameTaken))
                    .delete(Delete::key(keys::username(&old)));
            }
            transaction.commit(context).await?;
            Ok(after.into())
        })
    }

    /// Changes the caller's password and ends every other session.
    ///
    /// # Errors
    /// `WRONG_PASSWORD`, `FRESH_LOGIN_REQUIRED`, `TOO_MANY_ATTEMPTS`.
    pub fn change_password<'a>(
        &'a self,
        context: &'a Context,
        change: &'a PasswordChange,
    ) -> BoxFuture<'a, Result<()>> {
        Box::pin(async move {
            let (account, session) = self.caller(context).await?;
            let field = ("current_password", change.current_password.as_deref());
            let lockout = self.prove(context, &account, session.as_ref(), field).await?;
            let (user, epoch) = (account.profile.id, account.profile.session_epoch);
            let hash = password::hash(context, &change.new_password).await?;
            let mut transaction = self
                .table
                .transaction()
                .update(Changes::new().set("password_hash", hash).of(keys::secrets(user)).if_exists())
                .update(next_epoch(&account.profile, Changes::new()))
                .delete(lockout.clear(context));
            if let Some(session) = session {
                let keep = Changes::new().set("epoch", epoch + 1).of(keys::session(user, session.session));
                transaction = transaction.update(keep.if_exists().or(CommonError::Unauthenticated));
            }
            transaction.commit(context).await
        })
    }

    /// Closes the caller's account at once and has it erased. Address and name stay taken until that is done.
    ///
    /// # Errors
    /// `WRONG_PASSWORD`, `FRESH_LOGIN_REQUIRED`, `TOO_MANY_ATTEMPTS`.
    pub fn close<'a>(&'a self, context: &'a Context, proof: &'a OwnPassword) -> BoxFuture<'a, Result<()>> {
        Box::pin(async move {
            let (account, session) = self.caller(context).await?;
            let lockout = self
                .prove(context, &account, session.as_ref(), ("password", proof.password.as_deref()))
                .await?;
            let now = context.now();
            let closing = Changes::new().set("is_active", false).set("closed_at", now).set("updated_at", now);
            self.table
                .transaction()
                .update(next_epoch(&account.profile, closing))
                .delete(lockout.clear(context))
                .send(Send::to(queues::USER_ERASURES, &ErasureRequest { user: account.profile.id }))
                .commit(context)
                .await
        })
    }

    /// Has everything gathered that is held on the caller; a mail brings it.
    pub fn request_export<'a>(&'a self, context: &'a Context) -> BoxFuture<'a, Result<Accepted>> {
        Box::pin(async move {
            let (user, answer): (UserId, _) = (context.caller()?.user, Accepted::new());
            let open = Check::key(keys::profile(user))
                .when("is_active = :yes")
                .value(":yes", true)
                .or(CommonError::Unauthenticated);
            self.table
                .transaction()
                .check(open)
                .send(Send::to(queues::DATA_EXPORTS, &ExportRequest { user }))
                .result(&answer)
                .commit(context)
                .await?;
            Ok(answer)
        })
    }

    /// That the caller knows the password, or, where there is none, signed in a moment ago.
    pub(crate) async fn prove(
        &self,
        context: &Context,
        account: &Account,
        session: Option<&SessionRow>,
        (field, password): (&'static str, Option<&str>),
    ) -> Result<Lockout> {
        let lockout = Lockout::read(&self.table, context, &lowered(&account.profile.email)).await?;
        lockout.admit(context)?;
        let Some(hash) = account.secrets.password_hash.as_deref() else {
            let fresh = session.is_some_and(|s| context.now().since_s(s.created_at) <= FRESH_S);
            return if fresh { Ok(lockout) } else { Err(IdentityError::FreshLoginRequired.into()) };
        };
        let password = password.filter(|p| !p.is_empty()).ok_or_else(|| Error::field(field, "REQUIRED"))?;
        match password::verify(password, Some(hash)).await? {
            Verdict::Right | Verdict::RightButOld => Ok(lockout),
            Verdict::Wrong => Err(lockout.failed(&self.table, context, IdentityError::WrongPassword).await),
        }
    }
}

/// Ends every session of the person with the other changes.
pub(crate) fn next_epoch(profile: &Profile, changes: Changes) -> storage::Update {
    changes
        .set("session_epoch", profile.session_epoch + 1)
        .of(keys::profile(profile.id))
        .when("is_active = :yes AND session_epoch = :epoch")
        .value(":yes", true)
        .value(":epoch", profile.session_epoch)
        .or(CommonError::Conflict)
}

fn changed(context: &Context, before: &Profile, change: &ProfileChange) -> Result<Profile> {
    let mut after = before.clone();
    if let Some(username) = &change.username {
        after.username.clone_from(username);
    }
    if let Some(name) = &change.display_name {
        name.trim().clone_into(&mut after.display_name);
    }
    change.avatar_url.apply(&mut after.avatar_url);
    change.bio.apply(&mut after.bio);
    after.language = change.language.unwrap_or(before.language);
    after.preferred_currency = change.preferred_currency.unwrap_or(before.preferred_currency);
    change.phone_number.apply(&mut after.phone_number);
    if before.mfa_enabled && after.phone_number != before.phone_number {
        return Err(IdentityError::MfaProtectsNumber.into());
    }
    let now = context.now();
    if after.profile_completed_at.is_none() && after.is_complete() {
        after.profile_completed_at = Some(now);
    }
    // A change in the same millisecond as the last one must not pass for the state that was read.
    after.updated_at = now.max(kernel::Time::from_ms(before.updated_at.ms() + 1));
    Ok(after)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_member_that_is_not_sent_stays_and_null_clears() {
        let change: ProfileChange =
            serde_json::from_str(r#"{"bio": null, "avatar_url": " https://a.b/c "}"#).unwrap();
        assert_eq!(change.phone_number, Edit::Keep);
        assert_eq!(change.bio, Edit::Clear);
        assert_eq!(change.avatar_url, Edit::Set("https://a.b/c".into()));
        let mut bio = Some("words".to_owned());
        change.phone_number.apply(&mut bio);
        assert_eq!(bio.as_deref(), Some("words"));
        change.bio.apply(&mut bio);
        assert_eq!(bio, None);
    }

    #[test]
    fn the_schema_tells_that_a_text_may_be_null_and_how_long_it_is() {
        let schema = serde_json::to_value(schemars::schema_for!(ProfileChange)).unwrap();
        let bio = &schema["properties"]["bio"];
        assert_eq!(bio["type"], serde_json::json!(["string", "null"]));
        assert_eq!(bio["maxLength"], 1000);
    }
}
