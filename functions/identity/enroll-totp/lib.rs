//! `POST /auth/mfa/totp` begins the enrolment of an authenticator: its secret as text, `otpauth` address and picture.
//!
//! Who: a user whose session goes on. Errors: `MFA_ALREADY_ENABLED`.
use identity::{Enrolment, Identity, IdentityError};
use platform::{Access, Call, Endpoint, Function, Grant, Reply, Result, TableAction};

/// The function.
#[must_use]
pub fn function() -> Function {
    Endpoint::post("/auth/mfa/totp")
        .summary("Begin to enrol an authenticator")
        .access(Access::User)
        .errors([IdentityError::MfaAlreadyEnabled.code()])
        .serve("identity-enroll-totp", handle)
        .grants([Grant::Table("identity", &[TableAction::Get, TableAction::Update])])
}

async fn handle(identity: Identity, call: Call) -> Result<Reply<Enrolment>> {
    Ok(Reply::new(identity.enroll_totp(&call.context).await?))
}
