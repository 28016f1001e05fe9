use kernel::{BoxFuture, CommonError, Context, Error, Result, Validate};
use qrcode::QrCode;
use qrcode::render::svg;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use totp_rs::Secret;

use super::codes::{recovery_codes, recovery_hash};
use super::{TRIES_MAX, step_of, totp};
use crate::changes::Changes;
use crate::codes::IdentityError;
use crate::identity::Identity;
use crate::keys;
use crate::user::{Pending, Secrets, Totp};

/// How long an enrolment stays open, seconds.
const ENROLMENT_S: i64 = 600;

/// What an authenticator needs to know, shown once.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Enrolment {
    /// The secret in base 32, for typing.
    pub secret: String,
    /// The same as `otpauth://totp/…`.
    pub otpauth_uri: String,
    /// The same as a picture to scan.
    pub qr_svg: String,
}

/// A code of the authenticator.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
pub struct Code {
    /// Six digits.
    #[schemars(length(min = 6, max = 40))]
    pub code: String,
}

impl Validate for Code {
    fn validate(&self, check: &mut kernel::Check) {
        check.text("code", &self.code, 6..=40);
    }
}

/// Ten codes for the day the authenticator is lost, shown once.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct RecoveryCodes {
    /// Each works once.
    pub recovery_codes: Vec<String>,
}

/// Proof of both factors.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
pub struct Disable {
    /// Password; not needed by an account that has none and signed in a moment ago.
    #[serde(default)]
    #[schemars(length(max = 256))]
    pub password: Option<String>,
    /// A code of the authenticator, or a recovery code.
    #[schemars(length(min = 6, max = 40))]
    pub code: String,
}

impl Validate for Disable {
    fn validate(&self, check: &mut kernel::Check) {
        let long = self.password.as_ref().is_some_and(|p| p.chars().count() > 256);
        check.that(!long, "password", "TOO_LONG");
        check.text("code", &self.code, 6..=40);
    }
}

impl Identity {
    /// Begins an enrolment: a new secret, which guards nothing until a code of it comes back.
    ///
    /// # Errors
    /// `MFA_ALREADY_ENABLED`; `UNAUTHENTICATED` when the session has ended.
    pub fn enroll_totp<'a>(&'a self, context: &'a Context) -> BoxFuture<'a, Result<Enrolment>> {
        Box::pin(async move {
            let (account, _) = self.caller(context).await?;
            if account.profile.mfa_enabled {
                return Err(IdentityError::MfaAlreadyEnabled.into());
            }
            // 160 bits, the length of the hash (RFC 4226, 4).
            let secret = Secret::from(context.bytes::<20>()).to_base32();
            let otpauth_uri = totp(&secret, &account.profile.email)?
                .to_url()
                .map_err(|e| Error::internal(format!("authenticator: {e}")))?;
            let qr_svg = QrCode::new(&otpauth_uri)
                .map_err(|e| Error::internal(format!("QR code: {e}")))?
                .render::<svg::Color<'_>>()
                .min_dimensions(240, 240)
                .build();
            let expires_at = context.now().plus_s(ENROLMENT_S).s();
            let pending = Pending { secret: secret.clone(), expires_at, tries: 0 };
            let answer = Enrolment { secret, otpauth_uri, qr_svg };
            let update = Changes::new()
                .set("pending", pending)
                .of(keys::secrets(account.profile.id))
                .when("attribute_exists(pk) AND attribute_not_exists(totp)")
                .or(IdentityError::MfaAlreadyEnabled);
            self.table.transaction().update(update).result(&answer).commit(context).await?;
            Ok(answer)
        })
    }

    /// Ends an enrolment by a code of the new authenticator: from now on a login asks for one. The code opened
    /// nothing here, so it still counts as unused.
    ///
    /// # Errors
    /// `MFA_NOT_PENDING`; `WRONG_CODE`, five of which end the enrolment.
    pub fn confirm_totp<'a>(
        &'a self,
        context: &'a Context,
        code: &'a str,
    ) -> BoxFuture<'a, Result<RecoveryCodes>> {
        Box::pin(async move {
            let (account, _) = self.caller(context).await?;
            let (user, now) = (account.profile.id, context.now());
            let refuse = || Error::from(IdentityError::MfaNotPending);
            let pending = account.secrets.pending.filter(|p| p.expires_at > now.s() && p.tries < TRIES_MAX);
            let pending = pending.ok_or_else(refuse)?;
            let Some(step) = step_of(&pending.secret, code, now.s())? else {
                let count = Changes::new()
                    .add("pending.tries", 1)
                    .of(keys::secrets(user))
                    .when("pending.secret = :secret")
                    .value(":secret", &pending.secret)
                    .or(IdentityError::MfaNotPending);
                self.table.update(context, count).await?;
                return Err(IdentityError::WrongCode.into());
            };
            let codes = recovery_codes(context);
            let hashes: std::collections::BTreeMap<String, bool> =
                codes.iter().map(|c| (recovery_hash(c), true)).collect();
            let answer = RecoveryCodes { recovery_codes: codes };
            let secret = pending.secret;
            let guard = Changes::new()
                // The step before: the same code may open the first login.
                .set("totp", Totp { secret: secret.clone(), last_step: step - 1 })
                .set("recovery", hashes)
                .remove("pending")
                .of(keys::secrets(user))
                // It is still this enrolment that is open.
                .when("attribute_not_exists(totp) AND pending.secret = :secret")
                .value(":secret", &secret)
                .or(IdentityError::MfaNotPending);
            self.table
                .transaction()
                .update(guard)
                .update(switched(user, true, now))
                .result(&answer)
                .commit(context)
                .await?;
            Ok(answer)
        })
    }

    /// Takes the second factor away, by both factors.
    ///
    /// # Errors
    /// `MFA_NOT_ENABLED`, `WRONG_PASSWORD`, `WRONG_CODE`, `FRESH_LOGIN_REQUIRED`, `TOO_MANY_ATTEMPTS`.
    pub fn disable_totp<'a>(&'a self, context: &'a Context, proof: &'a Disable) -> BoxFuture<'a, Result<()>> {
        Box::pin(async move {
            let (account, session) = self.caller(context).await?;
            if !account.profile.mfa_enabled {
                return Err(IdentityError::MfaNotEnabled.into());
            }
            let password = ("password", proof.password.as_deref());
            let lockout = self.prove(context, &account, session.as_ref(), password).await?;
            let (user, now) = (account.profile.id, context.now());
            if !opens(&account.secrets, &proof.code, now.s())? {
                return Err(lockout.failed(&self.table, context, IdentityError::WrongCode).await);
            }
            let drop = Changes::new()
                .remove("totp")
                .remove("pending")
                .set("recovery", serde_json::json!({}))
                .of(keys::secrets(user))
                .when("attribute_exists(totp)")
                .or(IdentityError::MfaNotEnabled);
            self.table
                .transaction()
                .update(drop)
                .update(switched(user, false, now))
                .delete(lockout.clear(context))
                .commit(context)
                .await
        })
    }
}

/// Whether a code is one of the authenticator that was not used yet, or a recovery code that is left.
fn opens(secrets: &Secrets, code: &str, now_s: i64) -> Result<bool> {
    if secrets.recovery.contains_key(&recovery_hash(code)) {
        return Ok(true);
    }
    let Some(totp) = &secrets.totp else { return Ok(false) };
    Ok(step_of(&totp.secret, code, now_s)?.is_some_and(|step| step > totp.last_step))
}

fn switched(user: kernel::ids::UserId, on: bool, now: kernel::Time) -> storage::Update {
    Changes::new()
        .set("mfa_enabled", on)
        .set("updated_at", now)
        .of(keys::profile(user))
        .when("is_active = :yes")
        .value(":yes", true)
        .or(CommonError::Conflict)
}
