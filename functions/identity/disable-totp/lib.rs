//! `DELETE /auth/mfa/totp` turns the second factor off, by password and a code.
//!
//! Who: a user whose session goes on. Errors: `MFA_NOT_ENABLED`, `WRONG_PASSWORD`, `WRONG_CODE`, `FRESH_LOGIN_REQUIRED`,
//! `TOO_MANY_ATTEMPTS`.
use identity::{Disable, Identity, IdentityError};
use platform::{Access, Call, CommonError, Endpoint, Function, Grant, Reply, Result, TableAction};

/// The function.
#[must_use]
pub fn function() -> Function {
    Endpoint::delete("/auth/mfa/totp")
        .summary("Turn the second factor off")
        .access(Access::User)
        .errors([
            CommonError::MalformedJson.code(),
            CommonError::BodyTooLarge.code(),
            IdentityError::MfaNotEnabled.code(),
            IdentityError::WrongPassword.code(),
            IdentityError::WrongCode.code(),
            IdentityError::FreshLoginRequired.code(),
            IdentityError::TooManyAttempts.code(),
        ])
        .serve("identity-disable-totp", handle)
        .memory_mb(1024)
        .grants([Grant::Table("identity", &[TableAction::Get, TableAction::Update, TableAction::Delete])])
}

async fn handle(identity: Identity, call: Call<Disable>) -> Result<Reply<()>> {
    identity.disable_totp(&call.context, &call.body).await?;
    Ok(Reply::empty())
}
