//! The second step of a login, for whoever holds its `mfa_token`.

use kernel::{BoxFuture, ConfigError, Context, Domain, Env, Error, Language, Result, Validate};
use messaging::MailContent;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use storage::{Delete, Update};
use text::{Outcome, Texter};

use super::codes::recovery_hash;
use super::{TRIES_MAX, step_of};
use crate::changes::Changes;
use crate::codes::IdentityError;
use crate::identity::Identity;
use crate::letters::mail;
use crate::lockout::Lockout;
use crate::sign_in::{ChallengeRow, SignIn, SignedIn, unchanged};
use crate::user::{Account, Method, Profile};
use crate::{keys, tokens};

/// How long a code that was sent holds, seconds.
pub const CODE_S: i64 = 600;
/// Codes sent per login: nobody's mailbox is to be filled.
const SENDS_MAX: i64 = 5;

/// How a code can be sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Channel {
    /// By mail.
    Email,
    /// By text message.
    Sms,
}

/// Asks for a code.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
pub struct ChallengeRequest {
    /// From the login.
    #[schemars(length(min = 1, max = 200))]
    pub mfa_token: String,
    /// How to send it.
    pub method: Channel,
}

impl Validate for ChallengeRequest {
    fn validate(&self, check: &mut kernel::Check) {
        check.text("mfa_token", &self.mfa_token, 1..=200);
    }
}

/// A code is on its way.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct CodeSent {
    /// How.
    pub method: Channel,
    /// Where to, most of it hidden.
    pub sent_to: String,
    /// Seconds it holds.
    pub expires_in: i64,
}

/// The code.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
pub struct MfaCode {
    /// From the login.
    #[schemars(length(min = 1, max = 200))]
    pub mfa_token: String,
    /// Where the code is from.
    pub method: Method,
    /// The code.
    #[schemars(length(min = 1, max = 40))]
    pub code: String,
}

impl Validate for MfaCode {
    fn validate(&self, check: &mut kernel::Check) {
        check.text("mfa_token", &self.mfa_token, 1..=200);
        check.text("code", &self.code, 1..=40);
    }
}

/// Sends codes.
#[derive(Clone)]
pub struct CodeSender {
    identity: Identity,
    texter: Texter,
}

impl Domain for CodeSender {
    fn from_env(env: &Env) -> Result<Self, ConfigError> {
        let mut settings = env.settings();
        let identity = Identity::open(env, &mut settings);
        settings.finish()?;
        Ok(Self { identity, texter: Texter::open(env) })
    }
}

impl CodeSender {
    /// Sends a code by mail or text message; the one sent before holds no more.
    ///
    /// The mail is written with the code's hash in one transaction. A text message goes out after the hash is
    /// written: if the process dies in between, none comes and the person asks again.
    ///
    /// # Errors
    /// `MFA_TOKEN_INVALID`, `MFA_METHOD_UNAVAILABLE`, `TOO_MANY_ATTEMPTS` after five codes.
    pub fn send<'a>(
        &'a self,
        context: &'a Context,
        request: &'a ChallengeRequest,
    ) -> BoxFuture<'a, Result<CodeSent>> {
        Box::pin(async move {
            let key = keys::challenge(&request.mfa_token);
            let item = self.identity.table.get_consistent(context, key.clone()).await?;
            let row: ChallengeRow = item.ok_or(IdentityError::MfaTokenInvalid)?.read()?;
            if row.expires_at <= context.now().s() {
                return Err(IdentityError::MfaTokenInvalid.into());
            }
            let item = self.identity.table.get_consistent(context, keys::profile(row.user)).await?;
            let profile: Option<Profile> = item.map(storage::Item::read).transpose()?;
            let profile = profile.filter(|p| p.is_active).ok_or(IdentityError::MfaTokenInvalid)?;
            let (method, number) = match (request.method, &profile.phone_number) {
                (Channel::Email, _) => (Method::Email, None),
                (Channel::Sms, Some(number)) => (Method::Sms, Some(number.clone())),
                (Channel::Sms, None) => return Err(IdentityError::MfaMethodUnavailable.into()),
            };
            let code = tokens::code(context);
            let answer = CodeSent {
                method: request.method,
                sent_to: number.as_deref().map_or_else(|| hidden_address(&profile.email), hidden_number),
                expires_in: CODE_S,
            };
            let keep = Changes::new()
                .add("sends", 1)
                .set("code_method", method)
                .set("code_hash", keys::hash(&code))
                .set("code_until", context.now().plus_s(CODE_S).s())
                .of(key)
                .when("attribute_exists(pk) AND sends < :max")
                .value(":max", SENDS_MAX)
                .or_else(|old| match old {
                    Some(_) => IdentityError::TooManyAttempts.into(),
                    None => IdentityError::MfaTokenInvalid.into(),
                });
            let mut transaction = self.identity.table.transaction().update(keep).result(&answer);
            if method == Method::Email {
                let words = MailContent::MfaCode { name: profile.display_name.clone(), code: code.clone() };
                transaction = transaction.send(mail(&profile, words));
            }
            transaction.commit(context).await?;
            if let Some(number) = number {
                let words = text_of(profile.language, &code);
                match self.texter.send(context, &number, &words).await? {
                    Outcome::Accepted => {}
                    Outcome::Refused => return Err(IdentityError::MfaMethodUnavailable.into()),
                }
            }
            Ok(answer)
        })
    }
}

impl SignIn {
    /// Takes the second step. A code is counted before it is looked at, and works once: the transaction that opens
    /// the session takes the login's row away and marks the code as used.
    ///
    /// # Errors
    /// `MFA_TOKEN_INVALID`; `INVALID_CODE`; `TOO_MANY_ATTEMPTS` after five codes for this login, or ten failures of
    /// the account.
    pub fn verify_mfa<'a>(
        &'a self,
        context: &'a Context,
        given: &'a MfaCode,
    ) -> BoxFuture<'a, Result<SignedIn>> {
        Box::pin(async move {
            let (table, key) = (&self.identity.table, keys::challenge(&given.mfa_token));
            let now = context.now();
            let count = Changes::new()
                .add("tries", 1)
                .of(key.clone())
                // Five codes a login; the row is there and its time is not over.
                .when("attribute_exists(pk) AND expires_at > :now AND tries < :max")
                .value(":now", now.s())
                .value(":max", TRIES_MAX)
                .or_else(move |old| match old {
                    Some(row) if row.number("expires_at").is_some_and(|t| t > now.s()) => {
                        IdentityError::TooManyAttempts.into()
                    }
                    _ => IdentityError::MfaTokenInvalid.into(),
                });
            let row: ChallengeRow = table.update(context, count).await?.read()?;
            let (account, lockout) = futures::try_join!(
                self.identity.account(context, row.user),
                Lockout::read(table, context, &row.email),
            )?;
            let account = account.filter(|a| a.profile.is_active && a.profile.mfa_enabled);
            let account = account.ok_or_else(|| Error::from(IdentityError::MfaTokenInvalid))?;
            lockout.admit(context)?;
            let Some(used) = accepted(&account, &row, given, now.s())? else {
                return Err(lockout.failed(table, context, IdentityError::InvalidCode).await);
            };
            let opening = self.open_session(context, account.profile.clone()).await?;
            let mut transaction = table
                .transaction()
                .check(unchanged(&account.profile))
                .delete(Delete::key(key).if_exists().or(IdentityError::MfaTokenInvalid))
                .delete(lockout.clear(context))
                .put(opening.put)
                .result(&opening.answer);
            if let Used::By(update) = used {
                transaction = transaction.update(*update);
            }
            transaction.commit(context).await?;
            Ok(opening.answer)
        })
    }
}

/// What keeps an accepted code from being accepted again.
enum Used {
    /// An update of the account's secrets.
    By(Box<Update>),
    /// The end of the login's row, which held the code.
    WithTheLogin,
}

fn accepted(account: &Account, row: &ChallengeRow, given: &MfaCode, now_s: i64) -> Result<Option<Used>> {
    let key = keys::secrets(account.profile.id);
    match given.method {
        Method::Totp => {
            let Some(totp) = &account.secrets.totp else { return Ok(None) };
            let step = step_of(&totp.secret, &given.code, now_s)?.filter(|s| *s > totp.last_step);
            Ok(step.map(|step| {
                let update = Changes::new()
                    .set("totp.last_step", step)
                    .of(key)
                    // No code of this step or an earlier one was accepted meanwhile.
                    .when("totp.last_step < :step")
                    .value(":step", step)
                    .or(IdentityError::InvalidCode);
                Used::By(Box::new(update))
            }))
        }
        Method::Recovery => {
            let hash = recovery_hash(&given.code);
            Ok(account.secrets.recovery.contains_key(&hash).then(|| {
                let update = Changes::new()
                    .remove(&format!("recovery.{hash}"))
                    .of(key)
                    // A recovery code works once.
                    .when("attribute_exists(recovery.#hash)")
                    .name("#hash", &hash)
                    .or(IdentityError::InvalidCode);
                Used::By(Box::new(update))
            }))
        }
        Method::Email | Method::Sms => {
            let right = row.code_method == Some(given.method)
                && row.code_until.is_some_and(|until| until > now_s)
                && row.code_hash.as_deref().is_some_and(|h| tokens::same(h, &keys::hash(given.code.trim())));
            Ok(right.then_some(Used::WithTheLogin))
        }
    }
}

fn hidden_address(email: &str) -> String {
    let (local, domain) = email.split_once('@').unwrap_or((email, ""));
    format!("{}***@{domain}", local.chars().next().unwrap_or('*'))
}

fn hidden_number(number: &str) -> String {
    let last: String = number.chars().rev().take(2).collect::<Vec<_>>().into_iter().rev().collect();
    format!("+***{last}")
}

fn text_of(language: Language, code: &str) -> String {
    match language {
        Language::Ja => format!("認証コード: {code}(10分間有効)"),
        Language::En => format!("Your code is {code}. It holds for 10 minutes."),
        Language::Ko => format!("인증 코드: {code} (10분간 유효)"),
        Language::Zh => format!("验证码:{code},10 分钟内有效。"),
        Language::Vi => format!("Mã xác thực: {code} (có hiệu lực trong 10 phút)"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn where_a_code_went_is_told_without_telling_the_address() {
        assert_eq!(hidden_address("someone@example.com"), "s***@example.com");
        assert_eq!(hidden_number("+819012345678"), "+***78");
    }
}
