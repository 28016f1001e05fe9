//! `GET /auth/oauth/{provider}/start` sends the browser to Google, GitHub or Twitter (X); to a client that asks for JSON it
//! tells the address.
//!
//! Who: anyone. Errors: `OAUTH_PROVIDER_NOT_FOUND`.
use identity::{AuthorizeUrl, IdentityError, OauthStart};
use platform::http::RateClass;
use platform::{Call, Endpoint, Function, Grant, Reply, Result, TableAction};

/// The function.
#[must_use]
pub fn function() -> Function {
    Endpoint::get("/auth/oauth/{provider}/start")
        .summary("Sign in at a provider")
        .rate(RateClass::Auth)
        .redirects()
        .errors([IdentityError::OauthProviderNotFound.code()])
        .serve("identity-start-oauth", handle)
        .grants([
            Grant::Table("identity", &[TableAction::Put]),
            Grant::Parameter("oauth/providers"),
            Grant::Setting("PUBLIC_URL"),
        ])
}

async fn handle(oauth: OauthStart, call: Call) -> Result<Reply<AuthorizeUrl>> {
    let start = oauth.start(&call.context, call.path("provider").unwrap_or_default()).await?;
    let json = call.event.header("accept").is_some_and(|accept| accept.contains("application/json"));
    Ok(if json { Reply::new(start) } else { Reply::redirect(start.authorize_url) })
}
