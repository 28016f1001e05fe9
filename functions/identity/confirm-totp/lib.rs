//! `POST /auth/mfa/totp/confirm` ends the enrolment by a code of the authenticator; from now on a login asks for one.
//! The ten recovery codes are shown here and never again.
//!
//! Who: a user whose session goes on. Errors: `MFA_NOT_PENDING`, `WRONG_CODE`.
use identity::{Code, Identity, IdentityError, RecoveryCodes};
use platform::{Access, Call, Endpoint, Function, Grant, Reply, Result, TableAction};

/// The function.
#[must_use]
pub fn function() -> Function {
    Endpoint::post("/auth/mfa/totp/confirm")
        .summary("Turn the second factor on")
        .access(Access::User)
        .errors([IdentityError::MfaNotPending.code(), IdentityError::WrongCode.code()])
        .serve("identity-confirm-totp", handle)
        .grants([Grant::Table("identity", &[TableAction::Get, TableAction::Update])])
}

async fn handle(identity: Identity, call: Call<Code>) -> Result<Reply<RecoveryCodes>> {
    Ok(Reply::new(identity.confirm_totp(&call.context, &call.body.code).await?))
}
