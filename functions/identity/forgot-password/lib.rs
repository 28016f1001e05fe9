//! `POST /auth/password/forgot` mails a token for a new password, if somebody has this address. The answer is the same if
//! nobody has.
//!
//! Who: anyone. Errors: none of its own.
use identity::{Accepted, EmailAddress, Post, WRITES_LETTERS};
use platform::http::RateClass;
use platform::{Call, Endpoint, Function, Grant, Reply, Result, TableAction};

/// The function.
#[must_use]
pub fn function() -> Function {
    Endpoint::post("/auth/password/forgot")
        .summary("Ask for a mail to choose a new password")
        .rate(RateClass::Auth)
        .accepts()
        .serve("identity-forgot-password", handle)
        .grants([Grant::Table("identity", &[TableAction::Get, TableAction::Put])])
        .grants(WRITES_LETTERS)
}

async fn handle(post: Post, call: Call<EmailAddress>) -> Result<Reply<Accepted>> {
    Ok(Reply::new(post.forgot(&call.context, &call.body.email).await?))
}
