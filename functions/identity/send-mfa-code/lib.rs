//! `POST /auth/mfa/challenge` sends a code for the second step of a login, by mail or text message.
//!
//! Who: the holder of an `mfa_token`. Errors: `MFA_TOKEN_INVALID`, `MFA_METHOD_UNAVAILABLE`, `TOO_MANY_ATTEMPTS` after five
//! codes.
use identity::{ChallengeRequest, CodeSender, CodeSent, IdentityError};
use platform::http::RateClass;
use platform::{Access, Call, Endpoint, Function, Grant, Reply, Result, TableAction};

/// The function.
#[must_use]
pub fn function() -> Function {
    Endpoint::post("/auth/mfa/challenge")
        .summary("Ask for a code by mail or text message")
        .access(Access::Holder("mfa_token"))
        .rate(RateClass::Auth)
        .accepts()
        .errors([
            IdentityError::MfaTokenInvalid.code(),
            IdentityError::MfaMethodUnavailable.code(),
            IdentityError::TooManyAttempts.code(),
        ])
        .serve("identity-send-mfa-code", handle)
        .grants([
            Grant::Table("identity", &[TableAction::Get, TableAction::Put, TableAction::Update]),
            Grant::SendText,
        ])
}

async fn handle(sender: CodeSender, call: Call<ChallengeRequest>) -> Result<Reply<CodeSent>> {
    Ok(Reply::new(sender.send(&call.context, &call.body).await?))
}
