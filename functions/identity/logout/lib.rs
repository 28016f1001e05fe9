//! `POST /auth/logout` ends the session of the call and takes the cookie away. Twice is the same as once.
//!
//! Who: a user. Errors: none of its own.
use identity::{Identity, NO_REFRESH_COOKIE};
use platform::{Access, Call, Endpoint, Function, Grant, Reply, Result, TableAction};

/// The function.
#[must_use]
pub fn function() -> Function {
    Endpoint::post("/auth/logout")
        .summary("End this session")
        .access(Access::User)
        .status(204)
        .serve("identity-logout", handle)
        .grants([Grant::Table("identity", &[TableAction::Delete])])
}

async fn handle(identity: Identity, call: Call) -> Result<Reply<()>> {
    identity.logout(&call.context).await?;
    Ok(Reply::empty().cookie(NO_REFRESH_COOKIE))
}
