//! `PUT /api/admin/users/{id}/roles` gives a person exactly these roles. Tokens that are out keep the old ones until they
//! expire.
//!
//! Who: `manage:users`, and the session goes on. Errors: `USER_NOT_FOUND`.
use identity::{AdminUser, Identity, IdentityError, Roles};
use kernel::ids::UserId;
use platform::{Access, Call, Endpoint, Function, Grant, Permission, Reply, Result, TableAction};

/// The function.
#[must_use]
pub fn function() -> Function {
    Endpoint::put("/api/admin/users/{id}/roles")
        .summary("Set a person's roles")
        .access(Access::May(Permission::ManageUsers))
        .errors([IdentityError::UserNotFound.code()])
        .serve("identity-set-roles", handle)
        .grants([Grant::Table("identity", &[TableAction::Get, TableAction::Update])])
}

async fn handle(identity: Identity, call: Call<Roles>) -> Result<Reply<AdminUser>> {
    let user = call.id("id", UserId::parse, IdentityError::UserNotFound)?;
    Ok(Reply::new(identity.set_roles(&call.context, user, &call.body).await?))
}
