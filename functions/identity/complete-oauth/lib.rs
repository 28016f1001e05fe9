//! `GET /auth/oauth/{provider}/callback` is where a provider sends people back to; it answers as a login does.
//!
//! Who: anyone with a state that `start` gave out. Errors: `OAUTH_PROVIDER_NOT_FOUND`, `OAUTH_STATE_INVALID`, `OAUTH_DENIED`,
//! `OAUTH_FAILED`, `OAUTH_EMAIL_UNVERIFIED`, `OAUTH_PROVIDER_ERROR`; `EMAIL_TAKEN` while the address belongs to an account
//! that is being erased; `INVALID_CREDENTIALS` for an account that was closed.
use identity::{Callback, Federation, ISSUES_TOKENS, IdentityError, Login, REFRESH_COOKIE};
use platform::http::RateClass;
use platform::{Call, Endpoint, Function, Grant, Reply, Result, TableAction};

/// The function.
#[must_use]
pub fn function() -> Function {
    Endpoint::get("/auth/oauth/{provider}/callback")
        .summary("Come back from a provider")
        .rate(RateClass::Auth)
        .sets_cookie(REFRESH_COOKIE)
        .errors([
            IdentityError::OauthProviderNotFound.code(),
            IdentityError::OauthStateInvalid.code(),
            IdentityError::OauthDenied.code(),
            IdentityError::OauthFailed.code(),
            IdentityError::OauthEmailUnverified.code(),
            IdentityError::OauthProviderError.code(),
            IdentityError::EmailTaken.code(),
            IdentityError::UsernameTaken.code(),
            IdentityError::InvalidCredentials.code(),
        ])
        .serve("identity-complete-oauth", handle)
        .timeout_s(25)
        .grants([
            Grant::Table(
                "identity",
                &[
                    TableAction::Get,
                    TableAction::Put,
                    TableAction::Update,
                    TableAction::Delete,
                    TableAction::Check,
                ],
            ),
            Grant::Parameter("oauth/providers"),
            Grant::Setting("PUBLIC_URL"),
        ])
        .grants(ISSUES_TOKENS)
}

async fn handle(federation: Federation, call: Call<(), Callback>) -> Result<Reply<Login>> {
    let provider = call.path("provider").unwrap_or_default();
    Ok(Reply::new(federation.complete(&call.context, provider, &call.query).await?))
}
