//! `GET /auth/sessions` is where the caller is signed in, newest first.
//!
//! Who: a user. Errors: none of its own.
use identity::{Identity, SessionList};
use platform::http::Page;
use platform::{Access, Call, Endpoint, Function, Grant, Reply, Result, TableAction};

/// The function.
#[must_use]
pub fn function() -> Function {
    Endpoint::get("/auth/sessions")
        .summary("The caller's sessions")
        .access(Access::User)
        .serve("identity-list-sessions", handle)
        .grants([Grant::Table("identity", &[TableAction::Get, TableAction::Query])])
}

async fn handle(identity: Identity, call: Call<(), Page>) -> Result<Reply<SessionList>> {
    let (limit, cursor) = (call.query.checked()?, call.query.cursor.as_deref());
    Ok(Reply::new(identity.sessions(&call.context, limit, cursor).await?))
}
