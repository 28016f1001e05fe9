//! `GET /auth/me` is the caller: profile, address, second factor, counts.
//!
//! Who: a user. Errors: none of its own.
use identity::{Identity, Me};
use platform::{Access, Call, Endpoint, Function, Grant, Reply, Result, TableAction};

/// The function.
#[must_use]
pub fn function() -> Function {
    Endpoint::get("/auth/me")
        .summary("The caller's account")
        .access(Access::User)
        .serve("identity-get-me", handle)
        .grants([Grant::Table("identity", &[TableAction::Get])])
}

async fn handle(identity: Identity, call: Call) -> Result<Reply<Me>> {
    Ok(Reply::new(identity.me(&call.context).await?))
}
