//! `POST /auth/me/export` has everything gathered that is held on the caller; a mail brings a link.
//!
//! Who: a user. Errors: none of its own.
use identity::{Accepted, Identity};
use platform::{Access, Call, Endpoint, Function, Grant, Reply, Result, TableAction};

/// The function.
#[must_use]
pub fn function() -> Function {
    Endpoint::post("/auth/me/export")
        .summary("Ask for all data held on the caller")
        .access(Access::User)
        .accepts()
        .serve("identity-request-export", handle)
        .grants([Grant::Table("identity", &[TableAction::Put, TableAction::Check])])
}

async fn handle(identity: Identity, call: Call) -> Result<Reply<Accepted>> {
    Ok(Reply::new(identity.request_export(&call.context).await?))
}
