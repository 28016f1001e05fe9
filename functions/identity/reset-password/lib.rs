//! `POST /auth/password/reset` sets a new password by the token of a mail and ends every session.
//!
//! Who: whoever holds the token. Errors: `INVALID_TOKEN`.
use identity::{Identity, IdentityError, PasswordReset};
use platform::http::RateClass;
use platform::{Call, Endpoint, Function, Grant, Reply, Result, TableAction};

/// The function.
#[must_use]
pub fn function() -> Function {
    Endpoint::post("/auth/password/reset")
        .summary("Choose a new password by the token of a mail")
        .rate(RateClass::Auth)
        .status(204)
        .errors([IdentityError::InvalidToken.code()])
        .serve("identity-reset-password", handle)
        .memory_mb(1024)
        .grants([Grant::Table("identity", &[TableAction::Get, TableAction::Update, TableAction::Delete])])
}

async fn handle(identity: Identity, call: Call<PasswordReset>) -> Result<Reply<()>> {
    identity.reset_password(&call.context, &call.body).await?;
    Ok(Reply::empty())
}
