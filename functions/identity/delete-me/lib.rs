//! `DELETE /auth/me` closes the caller's account at once and has everything personal erased. A mail tells when it is done.
//!
//! Who: a user whose session goes on, with the password; one without a password within five minutes of signing in.
//! Errors: `WRONG_PASSWORD`, `FRESH_LOGIN_REQUIRED`, `TOO_MANY_ATTEMPTS`.
use identity::{Identity, IdentityError, NO_REFRESH_COOKIE, OwnPassword};
use platform::{Access, Call, CommonError, Endpoint, Function, Grant, Reply, Result, TableAction};

/// The function.
#[must_use]
pub fn function() -> Function {
    Endpoint::delete("/auth/me")
        .summary("Close the account and erase its data")
        .access(Access::User)
        .errors([
            CommonError::MalformedJson.code(),
            CommonError::BodyTooLarge.code(),
            IdentityError::WrongPassword.code(),
            IdentityError::FreshLoginRequired.code(),
            IdentityError::TooManyAttempts.code(),
        ])
        .serve("identity-delete-me", handle)
        .memory_mb(1024)
        .grants([Grant::Table(
            "identity",
            &[TableAction::Get, TableAction::Put, TableAction::Update, TableAction::Delete],
        )])
}

async fn handle(identity: Identity, call: Call<OwnPassword>) -> Result<Reply<()>> {
    identity.close(&call.context, &call.body).await?;
    Ok(Reply::empty().cookie(NO_REFRESH_COOKIE))
}
