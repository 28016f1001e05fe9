//! `POST /auth/email/verify` mails the caller a token that confirms the address.
//!
//! Who: a user. Errors: `EMAIL_ALREADY_VERIFIED`.
use identity::{Accepted, IdentityError, Post, WRITES_LETTERS};
use platform::{Access, Call, Endpoint, Function, Grant, Reply, Result, TableAction};

/// The function.
#[must_use]
pub fn function() -> Function {
    Endpoint::post("/auth/email/verify")
        .summary("Ask for a mail to confirm the address")
        .access(Access::User)
        .accepts()
        .errors([IdentityError::EmailAlreadyVerified.code()])
        .serve("identity-send-email-verification", handle)
        .grants([Grant::Table("identity", &[TableAction::Get, TableAction::Put])])
        .grants(WRITES_LETTERS)
}

async fn handle(post: Post, call: Call) -> Result<Reply<Accepted>> {
    Ok(Reply::new(post.send_verification(&call.context).await?))
}
