use kernel::ids::UserId;
use kernel::{BoxFuture, ConfigError, Context, Domain, Env, Language, Result, Time, Validate};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use storage::{Put, Transaction};

use crate::codes::IdentityError;
use crate::email::{Purpose, token_row};
use crate::letters::Letters;
use crate::sign_in::{SignIn, SignedIn};
use crate::user::{Account, Currency, Profile, Secrets};
use crate::{INDEX_NAMES, INDEX_USERS, is_username, keys, lowered, password, tokens};

/// Most characters of a display name.
pub const DISPLAY_NAME_MAX: usize = 100;

/// Who wants an account.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
pub struct Registration {
    /// Address, unique without regard to case.
    #[schemars(length(min = 3, max = 254), email)]
    pub email: String,
    /// Letters, digits, `_`, `-` and `.`; unique without regard to case.
    #[schemars(length(min = 3, max = 50), regex(pattern = r"^[A-Za-z0-9_.-]+$"))]
    pub username: String,
    /// At least ten characters, not among the commonest.
    #[schemars(length(min = 10, max = 128))]
    pub password: String,
    /// Name to show; the username when not said.
    #[serde(default)]
    #[schemars(length(min = 1, max = 100))]
    pub display_name: Option<String>,
    /// Language of mails; the one of the request when not said.
    #[serde(default)]
    pub language: Option<Language>,
}

impl Validate for Registration {
    fn validate(&self, check: &mut kernel::Check) {
        check.email("email", &self.email);
        check_username(check, &self.username);
        password::check(check, "password", &self.password, &[self.email.trim(), &self.username]);
        check.optional_text("display_name", self.display_name.as_deref(), 1..=DISPLAY_NAME_MAX);
    }
}

/// Reports a name of the wrong length or alphabet.
pub(crate) fn check_username(check: &mut kernel::Check, username: &str) {
    let length = username.chars().count();
    if (3..=50).contains(&length) {
        check.that(is_username(username), "username", "INVALID_FORMAT");
    } else {
        check.text("username", username, 3..=50);
    }
}

/// A marker: whose the address or the name is. Administrators search by these.
#[derive(Serialize)]
struct Marker {
    user: UserId,
    gsi1pk: &'static str,
    gsi1sk: String,
}

/// The mark that makes `lowered` one person's.
pub(crate) fn marker(key: &storage::Key, user: UserId, lowered: &str, taken: IdentityError) -> Put {
    let row = Marker { user, gsi1pk: INDEX_NAMES, gsi1sk: lowered.to_owned() };
    // Two who want the same address or name: the first has it.
    Put::row(key, row).unless_exists().or(taken)
}

/// A person about to be.
pub(crate) struct Newcomer {
    pub(crate) email: String,
    pub(crate) username: String,
    pub(crate) display_name: String,
    pub(crate) avatar_url: Option<String>,
    pub(crate) language: Language,
    pub(crate) roles: Vec<String>,
    /// When somebody we trust verified the address.
    pub(crate) verified_at: Option<Time>,
    pub(crate) secrets: Secrets,
}

impl Newcomer {
    pub(crate) fn account(self, context: &Context) -> Account {
        let now = context.now();
        let profile = Profile {
            id: context.id(),
            email: self.email,
            username: self.username,
            display_name: self.display_name,
            avatar_url: self.avatar_url,
            bio: None,
            language: self.language,
            preferred_currency: Currency::default(),
            phone_number: None,
            roles: self.roles,
            is_active: true,
            is_verified: self.verified_at.is_some(),
            mfa_enabled: false,
            session_epoch: 0,
            videos_count: 0,
            followers_count: 0,
            following_count: 0,
            created_at: now,
            updated_at: now,
            email_verified_at: self.verified_at,
            profile_completed_at: None,
            closed_at: None,
            erased_at: None,
        };
        Account { profile, secrets: self.secrets }
    }
}

/// Adds a new account's rows and markers to a transaction.
pub(crate) fn create(transaction: Transaction, account: &Account) -> Transaction {
    let profile = &account.profile;
    let (email, username) = (lowered(&profile.email), lowered(&profile.username));
    transaction
        .put(marker(&keys::email(&email), profile.id, &email, IdentityError::EmailTaken))
        .put(marker(&keys::username(&username), profile.id, &username, IdentityError::UsernameTaken))
        .put(
            Put::row(&keys::profile(profile.id), profile)
                .attribute("gsi1pk", INDEX_USERS)
                .attribute("gsi1sk", profile.id)
                .unless_exists(),
        )
        .put(Put::row(&keys::secrets(profile.id), &account.secrets).unless_exists())
}

/// Roles of a new account.
pub(crate) fn first_roles(open_publishing: bool) -> Vec<String> {
    let mut roles = vec!["user".to_owned()];
    if open_publishing {
        roles.push("creator".to_owned());
    }
    roles
}

/// Making accounts.
#[derive(Clone)]
pub struct Registry {
    sign_in: SignIn,
    letters: Letters,
}

impl Domain for Registry {
    fn from_env(env: &Env) -> Result<Self, ConfigError> {
        let mut settings = env.settings();
        let letters = Letters::open(&mut settings);
        settings.finish()?;
        Ok(Self { sign_in: SignIn::from_env(env)?, letters })
    }
}

impl Registry {
    /// Makes an account and signs it in. One hash, no read, one transaction: two markers, profile, secrets, session,
    /// the mail's token and its outbox row.
    ///
    /// # Errors
    /// `EMAIL_TAKEN`, `USERNAME_TAKEN`.
    pub fn register<'a>(
        &'a self,
        context: &'a Context,
        registration: &'a Registration,
    ) -> BoxFuture<'a, Result<SignedIn>> {
        Box::pin(async move {
            let hash = password::hash(context, &registration.password).await?;
            let shown = registration.display_name.as_deref().unwrap_or(&registration.username).trim();
            let account = Newcomer {
                email: registration.email.trim().to_owned(),
                username: registration.username.clone(),
                display_name: shown.to_owned(),
                avatar_url: None,
                language: registration.language.unwrap_or(context.language),
                roles: first_roles(self.sign_in.open_publishing),
                verified_at: None,
                secrets: Secrets { password_hash: Some(hash), ..Secrets::default() },
            }
            .account(context);
            let token = tokens::random(context);
            let opening = self.sign_in.open_session(context, account.profile.clone()).await?;
            create(self.sign_in.identity.table.transaction(), &account)
                .put(opening.put)
                .put(token_row(context, account.profile.id, Purpose::VerifyEmail, &token))
                .send(self.letters.verify_email(&account.profile, &token))
                .result(&opening.answer)
                .commit(context)
                .await?;
            Ok(opening.answer)
        })
    }
}
