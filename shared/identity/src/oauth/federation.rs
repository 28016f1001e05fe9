use std::sync::Arc;

use kernel::ids::UserId;
use kernel::{BoxFuture, ConfigError, Context, Domain, Env, Error, Result};
use parameters::Parameter;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use storage::{Delete, Put};
use web::Web;

use super::provider::{Kind, Provider, Setups, Stranger};
use crate::changes::Changes;
use crate::codes::IdentityError;
use crate::register::{Newcomer, create, first_roles};
use crate::rules::is_web_address;
use crate::sign_in::{Login, SignIn};
use crate::user::{Account, Secrets};
use crate::{is_username, keys, lowered, tokens};

/// How long somebody may stay at the provider, seconds.
const STATE_S: i64 = 600;

/// Where to go to sign in.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct AuthorizeUrl {
    /// The provider's page.
    pub authorize_url: String,
}

/// What a provider sends people back with.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
pub struct Callback {
    /// Code to exchange.
    #[serde(default)]
    #[schemars(length(max = 2048))]
    pub code: Option<String>,
    /// The state that `start` gave along.
    #[serde(default)]
    #[schemars(length(max = 200))]
    pub state: Option<String>,
    /// Why there is no code.
    #[serde(default)]
    #[schemars(length(max = 200))]
    pub error: Option<String>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
struct StateRow {
    provider: String,
    verifier: String,
    expires_at: i64,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
struct LinkRow {
    user: UserId,
    provider: String,
}

/// Sends people to providers.
#[derive(Clone)]
pub struct OauthStart {
    table: storage::Table,
    providers: Parameter,
    public_url: Arc<str>,
}

impl Domain for OauthStart {
    fn from_env(env: &Env) -> Result<Self, ConfigError> {
        let mut settings = env.settings();
        let start = Self {
            table: storage::Table::open(env, &mut settings, "identity"),
            providers: Parameter::open(env, &mut settings, "oauth/providers"),
            public_url: settings.text("PUBLIC_URL").trim_end_matches('/').into(),
        };
        settings.finish()?;
        Ok(start)
    }
}

impl OauthStart {
    /// Begins a sign-in at a provider.
    ///
    /// # Errors
    /// `OAUTH_PROVIDER_NOT_FOUND`.
    pub fn start<'a>(
        &'a self,
        context: &'a Context,
        provider: &'a str,
    ) -> BoxFuture<'a, Result<AuthorizeUrl>> {
        Box::pin(async move {
            let setups = self.setups(context).await?;
            let provider = self.provider(&setups, provider)?;
            let (state, verifier) = (tokens::random(context), tokens::random(context));
            let row = StateRow {
                provider: provider.kind.name().to_owned(),
                verifier: verifier.clone(),
                expires_at: context.now().plus_s(STATE_S).s(),
            };
            self.table.put(context, Put::row(&keys::oauth_state(&state), row).unless_exists()).await?;
            Ok(AuthorizeUrl { authorize_url: provider.authorize_url(&state, &verifier)? })
        })
    }

    async fn setups(&self, context: &Context) -> Result<Setups> {
        let text = self.providers.value(context).await?;
        serde_json::from_str(&text).map_err(|e| Error::internal(format!("oauth/providers: {e}")))
    }

    fn provider<'s>(&self, setups: &'s Setups, name: &str) -> Result<Provider<'s>> {
        let found = Kind::of(name).and_then(|kind| Some((kind, setups.get(name)?)));
        let (kind, setup) = found.ok_or(IdentityError::OauthProviderNotFound)?;
        Ok(Provider { kind, setup, callback: format!("{}/auth/oauth/{name}/callback", self.public_url) })
    }

    /// Takes the state away, which works once, and gives the verifier that went with it.
    async fn verifier(&self, context: &Context, provider: &str, state: Option<&str>) -> Result<String> {
        let refuse = || Error::from(IdentityError::OauthStateInvalid);
        let state = state.ok_or_else(refuse)?;
        let taken = self.table.delete(context, Delete::key(keys::oauth_state(state))).await?;
        let row: StateRow = taken.ok_or_else(refuse)?.read()?;
        if row.provider != provider || row.expires_at <= context.now().s() {
            return Err(refuse());
        }
        Ok(row.verifier)
    }
}

/// Signs in whom a provider knows.
#[derive(Clone)]
pub struct Federation {
    start: OauthStart,
    sign_in: SignIn,
    web: Web,
}

impl Domain for Federation {
    fn from_env(env: &Env) -> Result<Self, ConfigError> {
        Ok(Self { start: OauthStart::from_env(env)?, sign_in: SignIn::from_env(env)?, web: Web::default() })
    }
}

impl Federation {
    /// Ends a sign-in at a provider: the account that is linked, else the one with the address that the provider
    /// verified, else a new one.
    ///
    /// # Errors
    /// `OAUTH_STATE_INVALID`, `OAUTH_DENIED`, `OAUTH_FAILED`, `OAUTH_PROVIDER_ERROR`, `OAUTH_EMAIL_UNVERIFIED`.
    pub fn complete<'a>(
        &'a self,
        context: &'a Context,
        name: &'a str,
        callback: &'a Callback,
    ) -> BoxFuture<'a, Result<Login>> {
        Box::pin(async move {
            let setups = self.start.setups(context).await?;
            let provider = self.start.provider(&setups, name)?;
            let verifier = self.start.verifier(context, name, callback.state.as_deref()).await?;
            let code = match (&callback.code, callback.error.as_deref()) {
                (Some(code), None) => code,
                (_, Some("access_denied")) => return Err(IdentityError::OauthDenied.into()),
                _ => return Err(IdentityError::OauthFailed.into()),
            };
            let stranger = provider.stranger(context, &self.web, code, &verifier).await?;
            let account = self.account(context, provider.kind, stranger).await?;
            self.sign_in.complete(context, account, None, Vec::new()).await
        })
    }

    async fn account(&self, context: &Context, kind: Kind, stranger: Stranger) -> Result<Account> {
        let identity = &self.sign_in.identity;
        let link = keys::oauth_link(kind.name(), &stranger.subject);
        if let Some(item) = identity.table.get_consistent(context, link.clone()).await? {
            let linked: LinkRow = item.read()?;
            let account = identity.account(context, linked.user).await?;
            return account
                .filter(|a| a.profile.is_active)
                .ok_or_else(|| IdentityError::InvalidCredentials.into());
        }
        let email = stranger.email.clone().ok_or(IdentityError::OauthEmailUnverified)?;
        match identity.find_account(context, &lowered(&email)).await?.1 {
            Some(account) if account.profile.is_active => self.link(context, kind, &stranger, account).await,
            // The address of an account that is being erased is nobody's until that is done.
            Some(_) => Err(IdentityError::EmailTaken.into()),
            None => self.create(context, kind, stranger, email).await,
        }
    }

    /// Links a provider's person to the account of their address.
    ///
    /// An account whose address was never confirmed may have been made by somebody else, who waits for the owner of
    /// the address: whatever could open it besides the provider (password, second factor, sessions) ends.
    async fn link(
        &self,
        context: &Context,
        kind: Kind,
        stranger: &Stranger,
        account: Account,
    ) -> Result<Account> {
        let identity = &self.sign_in.identity;
        let (user, now) = (account.profile.id, context.now());
        let row = LinkRow { user, provider: kind.name().to_owned() };
        let key = keys::oauth_link(kind.name(), &stranger.subject);
        let mut secrets = Changes::new().set(&format!("links.{}", kind.name()), &stranger.subject);
        let mut transaction = identity.table.transaction().put(Put::row(&key, row).unless_exists());
        if account.profile.is_verified {
            transaction = transaction.check(crate::sign_in::unchanged(&account.profile));
        } else {
            secrets = secrets
                .remove("password_hash")
                .remove("totp")
                .remove("pending")
                .set("recovery", serde_json::json!({}));
            let changes = Changes::new()
                .set("is_verified", true)
                .set_once("email_verified_at", now)
                .set("mfa_enabled", false)
                .remove("phone_number")
                .set("updated_at", now);
            transaction = transaction.update(crate::account::next_epoch(&account.profile, changes));
        }
        transaction.update(secrets.of(keys::secrets(user)).if_exists()).commit(context).await?;
        let account = identity.account(context, user).await?;
        account.ok_or_else(|| IdentityError::InvalidCredentials.into())
    }

    async fn create(
        &self,
        context: &Context,
        kind: Kind,
        stranger: Stranger,
        email: String,
    ) -> Result<Account> {
        let mut secrets = Secrets::default();
        secrets.links.insert(kind.name().to_owned(), stranger.subject.clone());
        let wanted = username(stranger.login.as_deref(), &email);
        let mut attempt = 0;
        loop {
            // The name may be taken: the next ones have digits behind.
            let username = match attempt {
                0 => wanted.clone(),
                _ => format!("{wanted}-{}", hex::encode(context.bytes::<4>())),
            };
            let shown = stranger.name.as_deref().map(str::trim).filter(|n| !n.is_empty());
            let account = Newcomer {
                email: email.clone(),
                display_name: shown
                    .unwrap_or(&username)
                    .chars()
                    .take(crate::register::DISPLAY_NAME_MAX)
                    .collect(),
                username,
                avatar_url: stranger.avatar_url.clone().filter(|u| is_web_address(u)),
                language: context.language,
                roles: first_roles(self.sign_in.open_publishing),
                verified_at: Some(context.now()),
                secrets: secrets.clone(),
            }
            .account(context);
            let row = LinkRow { user: account.profile.id, provider: kind.name().to_owned() };
            let link = Put::row(&keys::oauth_link(kind.name(), &stranger.subject), row).unless_exists();
            let made =
                create(self.sign_in.identity.table.transaction(), &account).put(link).commit(context).await;
            match made {
                Err(e) if e.is(IdentityError::UsernameTaken) && attempt < 5 => attempt += 1,
                other => return other.map(|()| account),
            }
        }
    }
}

/// A name for somebody new: the provider's, or what stands before the `@`, in the letters that a name may have.
fn username(login: Option<&str>, email: &str) -> String {
    let from = login.unwrap_or_else(|| email.split('@').next().unwrap_or_default());
    let name: String = from.chars().filter(|c| is_username(&c.to_string())).take(40).collect();
    if name.len() < 3 { format!("user-{name}").trim_end_matches('-').to_owned() } else { name }
}

#[cfg(test)]
mod tests {
    use super::username;

    #[test]
    fn a_newcomer_gets_a_name_that_is_one() {
        assert_eq!(username(Some("octo-cat"), "a@b.co"), "octo-cat");
        assert_eq!(username(None, "jane.doe+x@b.co"), "jane.doex");
        assert_eq!(username(None, "花子@b.co"), "user");
        assert_eq!(username(Some("ab"), "a@b.co"), "user-ab");
        assert_eq!(username(Some(&"x".repeat(99)), "a@b.co").len(), 40);
    }
}
