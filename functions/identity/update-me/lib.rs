//! `PATCH /auth/me` changes the caller's profile. Members that are not sent stay; `null` clears.
//!
//! Who: a user. Errors: `USERNAME_TAKEN`; `MFA_PROTECTS_NUMBER` when the number gets codes; `CONFLICT` when something else
//! changed the profile at the same moment.
use identity::{Identity, IdentityError, Me, ProfileChange};
use platform::{Access, Call, Endpoint, Function, Grant, Reply, Result, TableAction};

/// The function.
#[must_use]
pub fn function() -> Function {
    Endpoint::patch("/auth/me")
        .summary("Change the caller's profile")
        .access(Access::User)
        .errors([IdentityError::UsernameTaken.code(), IdentityError::MfaProtectsNumber.code()])
        .serve("identity-update-me", handle)
        .grants([Grant::Table(
            "identity",
            &[TableAction::Get, TableAction::Put, TableAction::Update, TableAction::Delete],
        )])
}

async fn handle(identity: Identity, call: Call<ProfileChange>) -> Result<Reply<Me>> {
    Ok(Reply::new(identity.change_profile(&call.context, &call.body).await?))
}
