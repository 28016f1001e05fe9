//! `PUT /auth/password` changes the caller's password and ends every other session.
//!
//! Who: a user whose session goes on. Errors: `WRONG_PASSWORD`; `FRESH_LOGIN_REQUIRED` for an account that has no password
//! and did not sign in a moment ago; `TOO_MANY_ATTEMPTS`.
use identity::{Identity, IdentityError, PasswordChange};
use platform::{Access, Call, Endpoint, Function, Grant, Reply, Result, TableAction};

/// The function.
#[must_use]
pub fn function() -> Function {
    Endpoint::put("/auth/password")
        .summary("Change the password")
        .access(Access::User)
        .status(204)
        .errors([
            IdentityError::WrongPassword.code(),
            IdentityError::FreshLoginRequired.code(),
            IdentityError::TooManyAttempts.code(),
        ])
        .serve("identity-change-password", handle)
        .memory_mb(1024)
        .grants([Grant::Table("identity", &[TableAction::Get, TableAction::Update, TableAction::Delete])])
}

async fn handle(identity: Identity, call: Call<PasswordChange>) -> Result<Reply<()>> {
    identity.change_password(&call.context, &call.body).await?;
    Ok(Reply::empty())
}
