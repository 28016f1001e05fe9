//! `GET /api/admin/users` lists people, newest first, or those whose address or name begins with `search`.
//!
//! Who: `manage:users`, and the session goes on. Errors: none of its own.
use identity::{Identity, UserList, UserSearch};
use platform::{Access, Call, Endpoint, Function, Grant, Permission, Reply, Result, TableAction};

/// The function.
#[must_use]
pub fn function() -> Function {
    Endpoint::get("/api/admin/users")
        .summary("List and search people")
        .access(Access::May(Permission::ManageUsers))
        .serve("identity-list-users", handle)
        .grants([Grant::Table("identity", &[TableAction::Get, TableAction::Query])])
}

async fn handle(identity: Identity, call: Call<(), UserSearch>) -> Result<Reply<UserList>> {
    Ok(Reply::new(identity.list(&call.context, &call.query).await?))
}
