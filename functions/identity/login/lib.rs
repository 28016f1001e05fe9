//! `POST /auth/login` signs in by address and password: tokens, or the demand for a second factor. The refresh token
//! also comes as a cookie.
//!
//! Who: anyone. Errors: `INVALID_CREDENTIALS` for an unknown address and a wrong password alike, `TOO_MANY_ATTEMPTS`
//! after ten failures in fifteen minutes.
use identity::{Credentials, ISSUES_TOKENS, IdentityError, Login, REFRESH_COOKIE, SignIn};
use platform::http::RateClass;
use platform::{Call, Endpoint, Function, Grant, Reply, Result, TableAction};

/// The function.
#[must_use]
pub fn function() -> Function {
    Endpoint::post("/auth/login")
        .summary("Sign in by address and password")
        .rate(RateClass::Auth)
        .sets_cookie(REFRESH_COOKIE)
        .errors([IdentityError::InvalidCredentials.code(), IdentityError::TooManyAttempts.code()])
        .serve("identity-login", handle)
        .memory_mb(1024)
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

async fn handle(sign_in: SignIn, call: Call<Credentials>) -> Result<Reply<Login>> {
    Ok(Reply::new(sign_in.login(&call.context, &call.body).await?))
}
