use std::sync::Arc;

use kernel::ids::UserId;
use kernel::{BoxFuture, CommonError, ConfigError, Context, Domain, Env, Error, Result, Validate};
use platform::{Claims, SigningKey};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use storage::{Check, Put, Update};
use uuid::Uuid;

use crate::changes::Changes;
use crate::codes::IdentityError;
use crate::identity::{Identity, Rows, take};
use crate::lockout::Lockout;
use crate::password::{self, Verdict};
use crate::sessions::SessionRow;
use crate::tokens::{self, RefreshToken};
use crate::user::{Account, Method, Profile, User};
use crate::{keys, lowered};

/// How long a login waits for its second factor, seconds.
pub const MFA_S: i64 = 600;

/// Signing in: everything that hands out tokens.
#[derive(Clone)]
pub struct SignIn {
    pub(crate) identity: Identity,
    signing_key: SigningKey,
    issuer: Arc<str>,
    audience: Arc<str>,
    access_s: i64,
    refresh_s: i64,
    pub(crate) open_publishing: bool,
}

impl Domain for SignIn {
    fn from_env(env: &Env) -> Result<Self, ConfigError> {
        let mut settings = env.settings();
        let sign_in = Self {
            identity: Identity::open(env, &mut settings),
            signing_key: SigningKey::open(env, &mut settings),
            issuer: settings.or("AUTH_ISSUER", "creator-commerce".to_owned()).into(),
            audience: settings.or("AUTH_AUDIENCE", "creator-commerce".to_owned()).into(),
            access_s: settings.or("ACCESS_TOKEN_S", 1800),
            refresh_s: settings.or("REFRESH_TOKEN_S", 604_800),
            open_publishing: settings.or("OPEN_PUBLISHING", true),
        };
        settings.finish()?;
        Ok(sign_in)
    }
}

/// A pair of tokens.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct TokenPair {
    /// For `Authorization: Bearer`.
    pub access_token: String,
    /// Works once, for the next pair; also in the cookie `refresh_token`.
    pub refresh_token: String,
    /// `Bearer`.
    pub token_type: &'static str,
    /// Seconds the access token lives.
    pub expires_in: i64,
    /// Seconds the refresh token lives.
    pub refresh_expires_in: i64,
}

/// Somebody is signed in.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct SignedIn {
    /// Who.
    pub user: User,
    /// Tokens.
    #[serde(flatten)]
    pub tokens: TokenPair,
}

/// The password was right, and a code is needed.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct MfaRequired {
    /// Always true.
    pub mfa_required: bool,
    /// Names this login for ten minutes.
    pub mfa_token: String,
    /// The ways to give a code.
    pub methods: Vec<Method>,
}

/// What a login answers: tokens, or the demand for a code.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[serde(untagged)]
pub enum Login {
    /// Signed in.
    SignedIn(Box<SignedIn>),
    /// A code is needed.
    MfaRequired(MfaRequired),
}

/// Address and password.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
pub struct Credentials {
    /// Address.
    #[schemars(length(min = 1, max = 254))]
    pub email: String,
    /// Password.
    #[schemars(length(min = 1, max = 256))]
    pub password: String,
}

impl Validate for Credentials {
    fn validate(&self, check: &mut kernel::Check) {
        check.text("email", &self.email, 1..=254);
        check.that(!self.password.is_empty(), "password", "REQUIRED");
        check.that(self.password.chars().count() <= 256, "password", "TOO_LONG");
    }
}

/// The token to renew a session by.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
pub struct RefreshRequest {
    /// Refresh token; the cookie's when not said.
    #[serde(default)]
    #[schemars(length(max = 200))]
    pub refresh_token: Option<String>,
}

impl Validate for RefreshRequest {}

/// A login that waits for its code.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct ChallengeRow {
    pub(crate) user: UserId,
    /// Lower-case address: failures count in its window.
    pub(crate) email: String,
    /// Codes looked at so far.
    pub(crate) tries: i64,
    /// Codes sent so far.
    pub(crate) sends: i64,
    /// The code that was sent last: how, its hash, until when.
    pub(crate) code_method: Option<Method>,
    pub(crate) code_hash: Option<String>,
    pub(crate) code_until: Option<i64>,
    pub(crate) expires_at: i64,
}

/// A session about to be written, and the answer that goes with it.
pub(crate) struct Opening {
    pub(crate) put: Put,
    pub(crate) answer: SignedIn,
}

impl SignIn {
    /// Signs in by address and password.
    ///
    /// Two reads (marker and window, then the account), one hash, one transaction (the session, the cleared window,
    /// the check that the account is open). An unknown address costs the same calls and the same hash.
    ///
    /// # Errors
    /// `INVALID_CREDENTIALS`; `TOO_MANY_ATTEMPTS` after ten failures in fifteen minutes.
    pub fn login<'a>(
        &'a self,
        context: &'a Context,
        credentials: &'a Credentials,
    ) -> BoxFuture<'a, Result<Login>> {
        Box::pin(async move {
            let (lockout, account) =
                self.identity.find_account(context, &lowered(&credentials.email)).await?;
            lockout.admit(context)?;
            let account = account.filter(|a| a.profile.is_active);
            let hash = account.as_ref().and_then(|a| a.secrets.password_hash.as_deref());
            let verdict = password::verify(&credentials.password, hash).await?;
            let table = &self.identity.table;
            let (Some(account), false) = (account, verdict == Verdict::Wrong) else {
                return Err(lockout.failed(table, context, IdentityError::InvalidCredentials).await);
            };
            let upgrade = match verdict {
                Verdict::RightButOld => {
                    let hash = password::hash(context, &credentials.password).await?;
                    Some(Changes::new().set("password_hash", hash).of(keys::secrets(account.profile.id)))
                }
                _ => None,
            };
            self.complete(context, account, Some(&lockout), upgrade.into_iter().collect()).await
        })
    }

    /// Ends a proof of who somebody is: tokens, or the demand for a code. `with` happens in the same transaction.
    pub(crate) async fn complete(
        &self,
        context: &Context,
        account: Account,
        lockout: Option<&Lockout>,
        with: Vec<Update>,
    ) -> Result<Login> {
        let mut transaction = self.identity.table.transaction().check(unchanged(&account.profile));
        for update in with {
            transaction = transaction.update(update);
        }
        if account.profile.mfa_enabled {
            // The window is cleared when the code was right, or the code could be guessed by logging in again.
            let (token, row) = challenge(context, &account.profile);
            let answer = Login::MfaRequired(MfaRequired {
                mfa_required: true,
                methods: account.profile.methods(),
                mfa_token: token.clone(),
            });
            let put = Put::row(&keys::challenge(&token), row).unless_exists();
            transaction.put(put).result(&answer).commit(context).await?;
            return Ok(answer);
        }
        let opening = self.open_session(context, account.profile).await?;
        if let Some(lockout) = lockout {
            transaction = transaction.delete(lockout.clear(context));
        }
        let answer = Login::SignedIn(Box::new(opening.answer));
        transaction.put(opening.put).result(&answer).commit(context).await?;
        Ok(answer)
    }

    /// A new session with its first tokens.
    pub(crate) async fn open_session(&self, context: &Context, profile: Profile) -> Result<Opening> {
        let token = RefreshToken::new(context, profile.id, context.id());
        let row = SessionRow::new(context, &profile, &token, self.refresh_s);
        let put = Put::row(&keys::session(profile.id, token.session), row).unless_exists();
        let tokens = self.pair(context, &profile, &token).await?;
        Ok(Opening { put, answer: SignedIn { user: profile.into(), tokens } })
    }

    async fn pair(&self, context: &Context, profile: &Profile, token: &RefreshToken) -> Result<TokenPair> {
        let now = context.now().s();
        let claims = Claims {
            sub: profile.id,
            sid: Some(token.session),
            roles: profile.roles.clone(),
            iss: self.issuer.to_string(),
            aud: self.audience.to_string(),
            iat: now,
            exp: now + self.access_s,
            jti: context.uuid().to_string(),
        };
        let claims = serde_json::to_value(claims).map_err(|e| Error::internal(format!("claims: {e}")))?;
        Ok(TokenPair {
            access_token: self.signing_key.sign(context, &claims).await?,
            refresh_token: token.text(),
            token_type: "Bearer",
            expires_in: self.access_s,
            refresh_expires_in: self.refresh_s,
        })
    }

    /// A new pair for a refresh token, which works once.
    ///
    /// Two at the same moment with the same token: one gets the pair, the other `CONFLICT` and nothing is ended, for
    /// the token was good when it was read. A token that was rotated before is known to be in two hands: the session
    /// ends. A client that lost an answer gets it again by repeating the call with its `Idempotency-Key`.
    ///
    /// # Errors
    /// `REFRESH_TOKEN_INVALID`; `REFRESH_TOKEN_REUSED`, which ended the session.
    pub fn refresh<'a>(
        &'a self,
        context: &'a Context,
        refresh_token: &'a str,
    ) -> BoxFuture<'a, Result<TokenPair>> {
        Box::pin(async move {
            let refuse = || Error::from(IdentityError::RefreshTokenInvalid);
            let token = RefreshToken::parse(refresh_token).ok_or_else(refuse)?;
            let key = keys::session(token.user, token.session);
            let wanted = vec![keys::profile(token.user), key.clone()];
            let rows = Rows::of(self.identity.table.batch_get_consistent(context, wanted).await?)?;
            let session = rows.alive(context).map_err(|_| refuse())?;
            // Who made the token up does not know the family: it proves nothing and ends nothing.
            if !tokens::same(&session.family_hash, &token.family_hash()) {
                return Err(refuse());
            }
            if !tokens::same(&session.secret_hash, &token.secret_hash()) {
                self.identity.table.delete(context, storage::Delete::key(key)).await?;
                return Err(IdentityError::RefreshTokenReused.into());
            }
            let profile = crate::identity::open(rows.profile.clone()).map_err(|_| refuse())?;
            let next = token.next(context);
            let (answer, now) = (self.pair(context, &profile, &next).await?, context.now());
            let rotate = Changes::new()
                .set("secret_hash", next.secret_hash())
                .set("last_used_at", now)
                .set("expires_at", now.plus_s(self.refresh_s).s())
                .of(key)
                // Only the token that is still the newest is rotated.
                .when("secret_hash = :secret")
                .value(":secret", token.secret_hash())
                .or_else(|old| match old {
                    Some(_) => CommonError::Conflict.into(),
                    None => IdentityError::RefreshTokenInvalid.into(),
                });
            self.identity.table.transaction().update(rotate).result(&answer).commit(context).await?;
            Ok(answer)
        })
    }
}

impl Identity {
    /// The account of an address and where it stands in its window: two calls, whether or not there is one.
    pub(crate) async fn find_account(
        &self,
        context: &Context,
        lowered_email: &str,
    ) -> Result<(Lockout, Option<Account>)> {
        let (marker, window) = (keys::email(lowered_email), keys::lockout(lowered_email));
        let mut items =
            self.table.batch_get_consistent(context, vec![marker.clone(), window.clone()]).await?;
        let marker = take(&mut items, &marker);
        let lockout = Lockout::of(context, lowered_email, take(&mut items, &window))?;
        let user = marker.as_ref().and_then(|m| m.text("user")).and_then(UserId::parse);
        // Nobody's rows are asked for too, so that the time does not tell.
        let account = self.account(context, user.unwrap_or_else(|| Uuid::nil().into())).await?;
        Ok((lockout, account))
    }

    /// Both rows of an account, consistent.
    pub(crate) async fn account(&self, context: &Context, user: UserId) -> Result<Option<Account>> {
        let wanted = vec![keys::profile(user), keys::secrets(user)];
        let rows = Rows::of(self.table.batch_get_consistent(context, wanted).await?)?;
        let secrets = rows.secrets;
        Ok(rows.profile.map(|profile| Account { profile, secrets }))
    }
}

/// The account is open and nobody ended its sessions since it was read: a sign-in that began before a new password
/// does not outlive it.
pub(crate) fn unchanged(profile: &Profile) -> Check {
    Check::key(keys::profile(profile.id))
        .when("is_active = :yes AND session_epoch = :epoch")
        .value(":yes", true)
        .value(":epoch", profile.session_epoch)
        .or(CommonError::Conflict)
}

fn challenge(context: &Context, profile: &Profile) -> (String, ChallengeRow) {
    let row = ChallengeRow {
        user: profile.id,
        email: lowered(&profile.email),
        tries: 0,
        sends: 0,
        code_method: None,
        code_hash: None,
        code_until: None,
        expires_at: context.now().plus_s(MFA_S).s(),
    };
    (tokens::random(context), row)
}
