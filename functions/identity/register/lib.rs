//! `POST /auth/register` makes an account and signs it in. The answer's refresh token also comes as a cookie; a mail
//! asks to confirm the address.
//!
//! Who: anyone. Errors: `EMAIL_TAKEN`, `USERNAME_TAKEN`.
use identity::{
    ISSUES_TOKENS, IdentityError, REFRESH_COOKIE, Registration, Registry, SignedIn, WRITES_LETTERS,
};
use platform::http::RateClass;
use platform::{Call, Endpoint, Function, Grant, Reply, Result, TableAction};

/// The function.
#[must_use]
pub fn function() -> Function {
    Endpoint::post("/auth/register")
        .summary("Make an account and sign in")
        .rate(RateClass::Auth)
        .creates("/users/{user.id}")
        .sets_cookie(REFRESH_COOKIE)
        .errors([IdentityError::EmailTaken.code(), IdentityError::UsernameTaken.code()])
        .serve("identity-register", handle)
        .memory_mb(1024)
        .grants([Grant::Table("identity", &[TableAction::Put])])
        .grants(ISSUES_TOKENS)
        .grants(WRITES_LETTERS)
}

async fn handle(registry: Registry, call: Call<Registration>) -> Result<Reply<SignedIn>> {
    Ok(Reply::new(registry.register(&call.context, &call.body).await?))
}
