//! `POST /auth/mfa/verify` takes the second step of a login and answers as a login does.
//!
//! Who: the holder of an `mfa_token`. Errors: `MFA_TOKEN_INVALID`, `INVALID_CODE`, `TOO_MANY_ATTEMPTS` after five codes.
use identity::{ISSUES_TOKENS, IdentityError, MfaCode, REFRESH_COOKIE, SignIn, SignedIn};
use platform::http::RateClass;
use platform::{Access, Call, Endpoint, Function, Grant, Reply, Result, TableAction};

/// The function.
#[must_use]
pub fn function() -> Function {
    Endpoint::post("/auth/mfa/verify")
        .summary("Take the second step of a login")
        .access(Access::Holder("mfa_token"))
        .rate(RateClass::Auth)
        .sets_cookie(REFRESH_COOKIE)
        .errors([
            IdentityError::MfaTokenInvalid.code(),
            IdentityError::InvalidCode.code(),
            IdentityError::TooManyAttempts.code(),
        ])
        .serve("identity-verify-mfa", handle)
        .grants([Grant::Table(
            "identity",
            &[
                TableAction::Get,
                TableAction::Put,
                TableAction::Update,
                TableAction::Delete,
                TableAction::Check,
            ],
        )])
        .grants(ISSUES_TOKENS)
}

async fn handle(sign_in: SignIn, call: Call<MfaCode>) -> Result<Reply<SignedIn>> {
    Ok(Reply::new(sign_in.verify_mfa(&call.context, &call.body).await?))
}
