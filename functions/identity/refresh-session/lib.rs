//! `POST /auth/refresh` gives a new pair of tokens for a refresh token, from the body or the cookie. It works once.
//!
//! Who: anyone who holds one. Errors: `REFRESH_TOKEN_INVALID`; `REFRESH_TOKEN_REUSED`, which ended the session;
//! `CONFLICT` for the slower of two at the same moment.
use identity::{ISSUES_TOKENS, IdentityError, REFRESH_COOKIE, RefreshRequest, SignIn, TokenPair};
use platform::http::RateClass;
use platform::{Call, Endpoint, Function, Grant, Reply, Result, TableAction};

/// The function.
#[must_use]
pub fn function() -> Function {
    Endpoint::post("/auth/refresh")
        .summary("Renew the tokens of a session")
        .rate(RateClass::Auth)
        .sets_cookie(REFRESH_COOKIE)
        .errors([IdentityError::RefreshTokenInvalid.code(), IdentityError::RefreshTokenReused.code()])
        .serve("identity-refresh-session", handle)
        .grants([Grant::Table("identity", &[TableAction::Get, TableAction::Update, TableAction::Delete])])
        .grants(ISSUES_TOKENS)
}

async fn handle(sign_in: SignIn, call: Call<RefreshRequest>) -> Result<Reply<TokenPair>> {
    let token = call.body.refresh_token.as_deref().or_else(|| call.event.cookie("refresh_token"));
    Ok(Reply::new(sign_in.refresh(&call.context, token.unwrap_or_default()).await?))
}
