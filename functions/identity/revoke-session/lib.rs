//! `DELETE /auth/sessions/{id}` ends one of the caller's sessions.
//!
//! Who: its owner. Errors: `SESSION_NOT_FOUND`, for somebody else's too.
use identity::{Identity, IdentityError};
use kernel::ids::SessionId;
use platform::{Access, Call, Endpoint, Function, Grant, Reply, Result, TableAction};

/// The function.
#[must_use]
pub fn function() -> Function {
    Endpoint::delete("/auth/sessions/{id}")
        .summary("End one of the caller's sessions")
        .access(Access::User)
        .errors([IdentityError::SessionNotFound.code()])
        .serve("identity-revoke-session", handle)
        .grants([Grant::Table("identity", &[TableAction::Delete])])
}

async fn handle(identity: Identity, call: Call) -> Result<Reply<()>> {
    let session = call.id("id", SessionId::parse, IdentityError::SessionNotFound)?;
    identity.end_session(&call.context, session).await?;
    Ok(Reply::empty())
}
